//! What a weight costs in tensors of several sizes: the driver.

use anyhow::Result;
use indicatif::ProgressBar;

use super::lane::Lane;
use super::machine::Machine;
use super::order::Order;
use super::report::{SizeRow, Sizes};
use super::spread::Spread;

/// Tensors, and weights in each: one that grows, and many of the same size.
const CASES: [(usize, usize); 8] = [
    (1, 1 << 20),
    (1, 1 << 22),
    (1, 1 << 24),
    (1, 1 << 26),
    (1, 1 << 30),
    (10, SMALL),
    (1_000, SMALL),
    (100_000, SMALL),
];
/// The fewest that strategies code with loss.
const SMALL: usize = 1 << 12;

/// Measures our coders on every case, once a round, on one core.
pub fn measure(rounds: usize) -> Result<Sizes> {
    let machine = Machine::here();
    let level = machine.best_level().to_owned();
    let mut lane = Lane::ours(&level, 1)?;
    let cases: Vec<(bool, usize, usize)> = [false, true]
        .into_iter()
        .flat_map(|exact| CASES.map(|(tensors, weights)| (exact, tensors, weights)))
        .collect();
    let bar = ProgressBar::new((rounds * cases.len()) as u64);
    let mut seconds = vec![(Vec::new(), Vec::new(), Vec::new()); cases.len()];
    // No round to warm up, which would take minutes: of three the first is hardly the median.
    for _ in 0..rounds {
        for (&(exact, tensors, weights), seconds) in cases.iter().zip(&mut seconds) {
            bar.set_message(format!("{tensors} × {weights} weights"));
            let measured = lane.measure(&Order::Size {
                exact,
                tensors,
                weights,
            })?;
            seconds.0.push(measured.encode);
            seconds.1.push(measured.bands);
            seconds.2.push(measured.decode);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let rows = cases.iter().zip(&seconds);
    let rows = rows.map(
        |(&(exact, tensors, weights), (encode, bands, decode))| SizeRow {
            exact,
            tensors,
            weights,
            encode: Spread::of(encode),
            bands: Spread::of(bands),
            decode: Spread::of(decode),
        },
    );
    Ok(Sizes {
        rows: rows.collect(),
        machine,
        rounds,
        level,
    })
}
