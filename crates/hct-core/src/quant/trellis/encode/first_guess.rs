//! What contexts are before anything is known of them.

use super::places::{BLOCK, PAST, STRIDE};
use super::statistics::Statistics;
use super::tile::{TileCoder, TileValues};
use crate::kernels::truncate::truncated;
use crate::simd::multiversion;

/// Mean magnitude, in steps, below which a class is coded with the zero of Q1.
const QUIET: f64 = 0.6;
/// Sums and counts that take turns: one and the same class in a row would wait for itself.
const TURNS: usize = 4;

/// Statistics of plain rounding to the points of each quantizer.
///
/// The search reinforces what its contexts say, so their start decides which fixed point it
/// reaches. Above about one bit the better one never uses the zero of Q1 (the unions of
/// ECTCQ), by 0.01 to 0.02 bit; classes quieter than that must have it.
pub(super) fn first_guess(coder: TileCoder, classes: usize, tile: &TileValues<'_>) -> Statistics {
    let quantizers = coder.trellis.quantizers;
    let mut guesses = Guesses::new();
    let mut sums = vec![[0f64; TURNS]; classes];
    let mut counts = vec![[0u32; TURNS]; classes * quantizers * STRIDE];
    let blocks = tile.values.chunks(BLOCK).zip(tile.classes.chunks(BLOCK));
    for (values, classes) in blocks {
        guess(values, classes, 1.0 / coder.step, quantizers, &mut guesses);
        for (i, &class) in classes.iter().enumerate() {
            let turn = i % TURNS;
            sums[usize::from(class)][turn] += f64::from(guesses.magnitudes[i]);
            for places in &guesses.places[..quantizers] {
                counts[usize::from(places[i])][turn] += 1;
            }
        }
    }
    let mut stats = Statistics::new(classes * quantizers);
    let contexts = stats.counts.iter_mut().zip(counts.chunks_exact(STRIDE));
    for (of, counts) in contexts {
        for (count, turns) in of.iter_mut().zip(counts) {
            *count = turns.iter().copied().map(u64::from).sum();
        }
    }
    for (sums, of) in sums.iter().zip(stats.counts.chunks_exact_mut(quantizers)) {
        let n: u64 = of[0].iter().sum();
        let quiet = sums.iter().sum::<f64>() < QUIET * n as f64;
        if let [_, with_zero] = of
            && !quiet
        {
            with_zero[1] += std::mem::take(&mut with_zero[0]);
        }
    }
    stats
}

/// What some values are in steps, and where they count: under Q0, and under Q1 with its zero.
struct Guesses {
    magnitudes: [f32; BLOCK],
    places: [[u16; BLOCK]; 2],
}

impl Guesses {
    fn new() -> Self {
        Guesses {
            magnitudes: [0.0; BLOCK],
            places: [[0; BLOCK]; 2],
        }
    }
}

multiversion! {
    /// Guesses of values in `inverse` steps; classes have as many contexts as there are quantizers.
    fn guess(
        values: &[f32],
        classes: &[u8],
        inverse: f32,
        quantizers: usize,
        guesses: &mut Guesses,
    ) = guess_body;
}

#[inline(always)]
fn guess_body(
    values: &[f32],
    classes: &[u8],
    inverse: f32,
    quantizers: usize,
    guesses: &mut Guesses,
) {
    let stride = STRIDE as u16;
    let [first, second] = &mut guesses.places;
    let places = first.iter_mut().zip(second);
    let values = values.iter().zip(classes).zip(&mut guesses.magnitudes);
    for (((&v, &class), magnitude), (first, second)) in values.zip(places) {
        *magnitude = v.abs() * inverse;
        // Half of it, up to where all magnitudes count as one.
        let half = (0.5 * *magnitude).min(PAST as f32);
        let context = u16::from(class) * quantizers as u16 * stride;
        *first = context + (truncated(half + 0.5) as u16).min(PAST as u16);
        let m = if half < 0.25 {
            0
        } else {
            truncated(half) as u16 + 1
        };
        *second = context + stride + m.min(PAST as u16);
    }
}
