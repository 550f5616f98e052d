//! Orthonormal bases, by block Gram–Schmidt.

use hct_core::{add_product, add_product_transposed};

use super::random::SplitMix64;

/// Rows made orthonormal among themselves before the next block: within a block the work is dot
/// products, between blocks matrix products, which are much faster.
const BLOCK: usize = 32;
/// A row that loses more than half of its length has lost digits too, and goes round again: Kahan
/// and Parlett's "twice is enough".
const KEPT: f64 = 0.5;
/// A row that loses all but this is rounding errors, which may well lie in the span of the others.
const NOISE: f64 = 1e-6;
/// Rounds at most. Two are usual, four were never needed.
const ROUNDS: usize = 6;

/// Replaces the rows of `rows`, `len` values each and no more than `len` of them, by an
/// orthonormal basis of a space that contains their span, as far as f32 can tell. `random` fills
/// in for rows that depend on those before.
pub(super) fn orthonormalize(rows: &mut [f32], len: usize, random: &mut SplitMix64) {
    debug_assert!(rows.len() / len <= len);
    for first in (0..rows.len()).step_by(BLOCK * len) {
        let (basis, rest) = rows.split_at_mut(first);
        let end = rest.len().min(BLOCK * len);
        let block = &mut rest[..end];
        block.chunks_exact_mut(len).for_each(|row| {
            normalize(row, 0.0, random);
        });
        for _ in 0..ROUNDS {
            remove_components(block, basis, len);
            if gram_schmidt(block, len, random) > KEPT {
                break;
            }
        }
    }
}

/// Subtracts from every row of `block` its projection on the rows of `basis`.
fn remove_components(block: &mut [f32], basis: &[f32], len: usize) {
    let inner = basis.len() / len;
    let mut weights = vec![0f32; block.len() / len * inner];
    add_product_transposed(&mut weights, block, basis, len, inner);
    weights.iter_mut().for_each(|w| *w = -*w);
    add_product(block, &weights, basis, inner, len);
}

/// Modified Gram–Schmidt on a few rows; the smallest length that a row was left with.
fn gram_schmidt(block: &mut [f32], len: usize, random: &mut SplitMix64) -> f64 {
    let mut kept = f64::INFINITY;
    for first in (0..block.len()).step_by(len) {
        let (basis, rest) = block.split_at_mut(first);
        let row = &mut rest[..len];
        for unit in basis.chunks_exact(len) {
            let weight = dot(row, unit) as f32;
            row.iter_mut().zip(unit).for_each(|(v, u)| *v -= weight * u);
        }
        kept = kept.min(normalize(row, NOISE, random));
    }
    kept
}

/// Scales `row` to length 1 and gives the length it had; one no longer than `least` is replaced by
/// a random one first.
fn normalize(row: &mut [f32], least: f64, random: &mut SplitMix64) -> f64 {
    let before = dot(row, row).sqrt();
    let mut length = before;
    while length <= least {
        random.fill(row);
        length = dot(row, row).sqrt();
    }
    let scale = 1.0 / length;
    row.iter_mut()
        .for_each(|v| *v = (f64::from(*v) * scale) as f32);
    before
}

/// Sum of products in f64, by lanes so that it vectorizes: always the same order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0f64; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += f64::from(a[i]) * f64::from(b[i]);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    let rest: f64 = rest.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest entry of |rows · rowsᵀ − 1|.
    fn deviation(rows: &[f32], len: usize) -> f64 {
        let mut worst = 0f64;
        for (i, a) in rows.chunks_exact(len).enumerate() {
            for (j, b) in rows.chunks_exact(len).enumerate() {
                worst = worst.max((dot(a, b) - f64::from(i == j)).abs());
            }
        }
        worst
    }

    fn check(mut rows: Vec<f32>, len: usize) {
        orthonormalize(&mut rows, len, &mut SplitMix64::new(9));
        let worst = deviation(&rows, len);
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn hopeless_rows_become_orthonormal_too() {
        // All zeros, a full basis; all equal; all nearly equal; one dimension.
        check(vec![0.0; 70 * 70], 70);
        check(vec![0.25; 100 * 130], 130);
        let mut rows = vec![0f32; 80 * 80];
        SplitMix64::new(3).fill(&mut rows);
        rows.iter_mut().for_each(|v| *v = 1.0 + 1e-6 * *v);
        check(rows, 80);
        check(vec![-7.0], 1);
    }

    #[test]
    fn the_span_is_kept() {
        let (count, len) = (50, 90);
        let mut rows = vec![0f32; count * len];
        SplitMix64::new(4).fill(&mut rows);
        let before = rows.clone();
        orthonormalize(&mut rows, len, &mut SplitMix64::new(9));
        let mut left_over = before;
        remove_components(&mut left_over, &rows, len);
        assert!(left_over.iter().all(|v| v.abs() < 1e-5));
    }
}
