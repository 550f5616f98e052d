//! Counting magnitudes and adding up their residuals, both in one number each.

use super::places::{BLOCK, PAST, STRIDE, places};
use super::statistics::{Statistics, UNITS};
use crate::kernels::truncate::truncated;
use crate::quant::trellis::contexts::SHIFTS;
use crate::simd::multiversion;

/// Numbers of the same magnitude and context that take turns: two in a row would wait for each other.
const TURNS: usize = 4;
/// The bit of a number at which its count begins. Below is the sum of residuals, of either sign.
const COUNT: u32 = 44;
/// Residuals are below this many steps: points are never further from their values.
const FARTHEST: f32 = 4.0;
/// Values between two times that the numbers are emptied: 2¹⁵ in each turn, and as many residuals of 2²⁷
/// units are below half of [`COUNT`]'s place.
const LASTING: usize = TURNS << 15;

/// What is counted of values so far.
pub(super) struct Tally {
    /// Those of all contexts, in turns.
    numbers: Vec<u64>,
    /// Values that they hold.
    held: usize,
    /// The others.
    stats: Statistics,
    /// Quantizers less one: those of contexts are the remainders.
    odd: u8,
    prepared: Prepared,
}

impl Tally {
    /// Of none, in `contexts` contexts, whose quantizers are the contexts modulo `quantizers`.
    pub fn new(contexts: usize, quantizers: usize) -> Self {
        Tally {
            numbers: vec![0; TURNS * contexts * STRIDE],
            held: 0,
            stats: Statistics::new(contexts),
            odd: quantizers as u8 - 1,
            prepared: Prepared {
                places: [0; BLOCK],
                residuals: [0; BLOCK],
            },
        }
    }

    /// Adds values, given in `inverse` steps, with their indices and contexts.
    pub fn add(&mut self, (values, inverse): (&[f32], f32), (indices, contexts): (&[i32], &[u8])) {
        let blocks = values.chunks(BLOCK).zip(indices.chunks(BLOCK));
        for ((values, indices), contexts) in blocks.zip(contexts.chunks(BLOCK)) {
            places(indices, contexts, &mut self.prepared.places);
            let residuals_of = &mut self.prepared.residuals;
            residuals(values, inverse, indices, contexts, self.odd, residuals_of);
            self.add_prepared(values.len());
            // A block that is not whole may leave the last of a turn to come.
            self.held += BLOCK;
            if self.held == LASTING {
                self.empty();
            }
        }
    }

    /// What was counted.
    pub fn finish(mut self) -> Statistics {
        self.empty();
        self.stats
    }

    fn add_prepared(&mut self, count: usize) {
        let len = self.stats.counts.len() * STRIDE;
        let mut turns = self.numbers.chunks_exact_mut(len);
        let mut turns: [&mut [u64]; TURNS] =
            std::array::from_fn(|_| turns.next().unwrap_or_default());
        let prepared = &self.prepared;
        let (places, last_places) = prepared.places[..count].as_chunks::<TURNS>();
        let (residuals, last_residuals) = prepared.residuals[..count].as_chunks::<TURNS>();
        let add = |turn: &mut [u64], place: u16, residual: i32| {
            let number = &mut turn[usize::from(place)];
            *number = number.wrapping_add((1u64 << COUNT).wrapping_add(residual as u64));
        };
        for (places, residuals) in places.iter().zip(residuals) {
            for (t, turn) in turns.iter_mut().enumerate() {
                add(turn, places[t], residuals[t]);
            }
        }
        for (&place, &residual) in last_places.iter().zip(last_residuals) {
            add(turns[0], place, residual);
        }
    }

    /// Empties all numbers into the statistics.
    fn empty(&mut self) {
        self.held = 0;
        let stats = &mut self.stats;
        for turn in self.numbers.chunks_exact_mut(stats.counts.len() * STRIDE) {
            for (c, numbers) in turn.chunks_exact_mut(STRIDE).enumerate() {
                for (m, number) in numbers[..=PAST].iter_mut().enumerate() {
                    let number = std::mem::take(number);
                    let sum = (number << (u64::BITS - COUNT)) as i64 >> (u64::BITS - COUNT);
                    stats.counts[c][m] += number.wrapping_sub(sum as u64) >> COUNT;
                    stats.residuals[c][m.min(SHIFTS)] += sum;
                }
            }
        }
    }
}

/// Places and residuals of some values.
struct Prepared {
    places: [u16; BLOCK],
    residuals: [i32; BLOCK],
}

multiversion! {
    /// What values in `inverse` steps are from their multiples of the step, in [`UNITS`].
    fn residuals(
        values: &[f32],
        inverse: f32,
        indices: &[i32],
        contexts: &[u8],
        odd: u8,
        residuals: &mut [i32; BLOCK],
    ) = residuals_body;
}

#[inline(always)]
fn residuals_body(
    values: &[f32],
    inverse: f32,
    indices: &[i32],
    contexts: &[u8],
    odd: u8,
    residuals: &mut [i32; BLOCK],
) {
    let values = values.iter().zip(indices).zip(contexts);
    for (((&v, &k), &c), residual) in values.zip(residuals) {
        let m = k.unsigned_abs() as i32;
        // Meaningless for 0, which has no residual.
        let point = 2.0 * m as f32 - f32::from(c & odd);
        let from_point = (v.abs() * inverse - point).clamp(-FARTHEST, FARTHEST);
        *residual = truncated(from_point * UNITS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hold_what_values_add_one_by_one() {
        // Enough to be emptied twice, and some more.
        let n = 2 * LASTING + 1003;
        let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
        for quantizers in [1, 2] {
            let count = 3 * quantizers;
            let (mut indices, mut contexts, mut values) = (Vec::new(), Vec::new(), Vec::new());
            let mut expected = Statistics::new(count);
            for i in 0..n {
                let c = i * 7 % count;
                // Among them runs of one magnitude, all on one side of their multiple.
                let m = if i % 5 < 3 { 1 } else { i % 300 };
                let point = (2 * m) as f32 - (c % quantizers) as f32;
                let off = if m == 1 { 0.999 } else { 2.0 * noise(i) - 1.0 };
                let value = (point + off).max(0.5);
                indices.push(if i % 2 == 0 { m as i32 } else { -(m as i32) });
                contexts.push(c as u8);
                values.push(if i % 3 == 0 { value } else { -value });
                let residual = if m > 0 { value - point } else { 0.0 };
                expected.counts[c][m.min(PAST)] += 1;
                expected.residuals[c][m.min(SHIFTS)] += (residual * UNITS) as i64;
            }
            let mut tally = Tally::new(count, quantizers);
            // In pieces, some of which end within a block.
            let mut from = 0;
            for piece in [1, 255, 300, LASTING, n].map(|piece| piece.min(n - from)) {
                let piece = from..from + piece.min(n - from);
                let of = (&values[piece.clone()], 1.0);
                tally.add(of, (&indices[piece.clone()], &contexts[piece.clone()]));
                from = piece.end;
            }
            let stats = tally.finish();
            assert_eq!(stats.counts, expected.counts);
            for (found, expected) in stats.residuals.iter().zip(&expected.residuals) {
                assert_eq!(found[1..], expected[1..]);
            }
        }
    }
}
