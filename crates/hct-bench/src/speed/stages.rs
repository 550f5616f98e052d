//! Where the time of coding goes: the driver.

use anyhow::Result;
use indicatif::ProgressBar;

use super::lane::Lane;
use super::machine::Machine;
use super::order::Order;
use super::report::{StageRow, Stages};
use super::spread::Spread;
use super::stage::Stage;

/// Measures every part once a round, on one core.
pub fn measure(rounds: usize) -> Result<Stages> {
    let machine = Machine::here();
    let level = machine.best_level().to_owned();
    let mut lane = Lane::ours(&level, 1)?;
    let bar = ProgressBar::new((rounds * Stage::ALL.len()) as u64);
    let mut measured = vec![Vec::new(); Stage::ALL.len()];
    for _ in 0..rounds {
        for (stage, measured) in Stage::ALL.into_iter().zip(&mut measured) {
            measured.push(lane.measure(&Order::Stage { stage })?.encode);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let rows = Stage::ALL.into_iter().zip(&measured);
    let rows = rows.map(|(stage, of)| StageRow {
        stage,
        measured: Spread::of(of),
    });
    Ok(Stages {
        rows: rows.collect(),
        machine,
        rounds,
        level,
    })
}
