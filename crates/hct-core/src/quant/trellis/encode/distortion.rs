//! Squared errors under the decoder's reproduction points.

use super::places::{BLOCK, PAST, STRIDE, places};
use super::tile::TileCoder;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::decode::point;
use crate::simd::multiversion;

/// Partial sums of a line, each of every eighth error: in vectors, and in an order that the source fixes.
const SUMS: usize = 8;

/// Reproduction points by context and magnitude, as the decoder will have them.
pub(super) struct Points {
    coder: TileCoder,
    /// Those of magnitudes with a symbol, by place.
    points: Vec<f32>,
}

impl Points {
    pub fn new(coder: &TileCoder, contexts: &Contexts) -> Self {
        let n = contexts.tables.len();
        let mut points = vec![0f32; n * STRIDE];
        for (c, points) in points.chunks_exact_mut(STRIDE).enumerate() {
            for (m, value) in points[..PAST].iter_mut().enumerate().skip(1) {
                // Patched values have no shift.
                let coded = m <= contexts.max_magnitude(c);
                let shift = if coded { contexts.shift(c, m) } else { 0.0 };
                *value = point(coder.quantizer(c as u8), m, shift, coder.step);
            }
        }
        Points {
            coder: *coder,
            points,
        }
    }

    #[inline(always)]
    pub fn get(&self, context: u8, m: usize) -> f32 {
        match m < PAST {
            true => self.points[usize::from(context) * STRIDE + m],
            false => self.past(context, m),
        }
    }

    /// That of a magnitude without a symbol.
    #[cold]
    fn past(&self, context: u8, m: usize) -> f32 {
        point(self.coder.quantizer(context), m, 0.0, self.coder.step)
    }

    /// Appends squared errors of `values` with their indices and contexts, summed over each line of `line`
    /// values (a row, or a column in column order), each error times the weight of its place in the line if
    /// there are `weights`.
    pub fn squared_errors(
        &self,
        values: &[f32],
        (indices, contexts): (&[i32], &[u8]),
        (line, weights): (usize, &[f64]),
        errors: &mut Vec<f64>,
    ) {
        let lines = values.chunks(line).zip(indices.chunks(line));
        let lines = lines.zip(contexts.chunks(line));
        errors
            .extend(lines.map(|((values, indices), contexts)| {
                self.line(values, indices, contexts, weights)
            }));
    }

    /// The values that the decoder makes of `indices`.
    pub fn decode(&self, (indices, contexts): (&[i32], &[u8]), out: &mut [f32]) {
        let mut at = [0; BLOCK];
        let blocks = indices.chunks(BLOCK).zip(contexts.chunks(BLOCK));
        for ((indices, contexts), out) in blocks.zip(out.chunks_mut(BLOCK)) {
            self.near(indices, contexts, &mut at, out);
            add_signs(indices, out);
        }
    }

    /// Magnitudes of the points of a block.
    #[inline(always)]
    fn near(&self, indices: &[i32], contexts: &[u8], at: &mut [u16; BLOCK], near: &mut [f32]) {
        if places(indices, contexts, at) < PAST as u32 {
            for (near, &place) in near.iter_mut().zip(&at[..indices.len()]) {
                *near = self.points[usize::from(place)];
            }
        } else {
            for ((near, &k), &c) in near.iter_mut().zip(indices).zip(contexts) {
                *near = self.get(c, k.unsigned_abs() as usize);
            }
        }
    }

    fn line(&self, values: &[f32], indices: &[i32], contexts: &[u8], weights: &[f64]) -> f64 {
        let mut sums = [0.0; SUMS];
        let (mut at, mut near) = ([0; BLOCK], [0.0; BLOCK]);
        let blocks = values.chunks(BLOCK).zip(indices.chunks(BLOCK));
        let blocks = blocks.zip(contexts.chunks(BLOCK)).enumerate();
        for (number, ((values, indices), contexts)) in blocks {
            self.near(indices, contexts, &mut at, &mut near);
            match weights.get(number * BLOCK..) {
                Some(weights) if !weights.is_empty() => {
                    add_weighted(values, &near, weights, &mut sums);
                }
                _ => add(values, &near, &mut sums),
            }
        }
        let [a, b, c, d, e, f, g, h] = sums;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}

multiversion! {
    /// Gives magnitudes the signs of indices.
    fn add_signs(indices: &[i32], magnitudes: &mut [f32]) = add_signs_body;
}

#[inline(always)]
fn add_signs_body(indices: &[i32], magnitudes: &mut [f32]) {
    for (v, &k) in magnitudes.iter_mut().zip(indices) {
        *v = f32::from_bits(v.to_bits() ^ (k as u32 & 1 << 31));
    }
}

multiversion! {
    /// Adds the squared errors of `values`, whose points are `near`, to every eighth sum.
    fn add(values: &[f32], near: &[f32; BLOCK], sums: &mut [f64; SUMS]) = add_body;
}

multiversion! {
    /// The same, each error times its weight.
    fn add_weighted(
        values: &[f32],
        near: &[f32; BLOCK],
        weights: &[f64],
        sums: &mut [f64; SUMS],
    ) = add_weighted_body;
}

#[inline(always)]
fn squared(value: f32, near: f32) -> f64 {
    let d = f64::from(value.abs()) - f64::from(near);
    d * d
}

#[inline(always)]
fn add_body(values: &[f32], near: &[f32; BLOCK], sums: &mut [f64; SUMS]) {
    let mut of = *sums;
    let (eights, rest) = values.as_chunks::<SUMS>();
    let (near_eights, _) = near.as_chunks::<SUMS>();
    for (v, p) in eights.iter().zip(near_eights) {
        for i in 0..SUMS {
            of[i] += squared(v[i], p[i]);
        }
    }
    let rest_near = &near[eights.len() * SUMS..];
    for ((sum, &v), &p) in of.iter_mut().zip(rest).zip(rest_near) {
        *sum += squared(v, p);
    }
    *sums = of;
}

#[inline(always)]
fn add_weighted_body(values: &[f32], near: &[f32; BLOCK], weights: &[f64], sums: &mut [f64; SUMS]) {
    let mut of = *sums;
    let (eights, rest) = values.as_chunks::<SUMS>();
    let (near_eights, _) = near.as_chunks::<SUMS>();
    let (weight_eights, _) = weights.as_chunks::<SUMS>();
    for ((v, p), w) in eights.iter().zip(near_eights).zip(weight_eights) {
        for i in 0..SUMS {
            of[i] += squared(v[i], p[i]) * w[i];
        }
    }
    let at = eights.len() * SUMS;
    let rest = rest.iter().zip(&near[at..]).zip(&weights[at..]);
    for (sum, ((&v, &p), w)) in of.iter_mut().zip(rest) {
        *sum += squared(v, p) * w;
    }
    *sums = of;
}
