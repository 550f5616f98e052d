//! Cholesky factors in f64 whose bits depend on nothing but the matrix: every element is reduced
//! over the inner index in order, one rounded product and one rounded difference a term. Blocks and
//! vectors only change which elements are worked on together.

use std::convert::Infallible;

use crate::lanes::{load, store};
use crate::parallel;
use crate::simd::multiversion;

/// Columns of a block: a panel of them stays in the second-level cache beside what it updates.
const BLOCK: usize = 48;
/// Rows of a micro-tile.
const ROWS: usize = 4;
/// Columns of a micro-tile.
const COLS: usize = 8;
/// Rows that a thread takes at a time.
const STRIP: usize = 8 * ROWS;

/// The lower triangular factor L of the symmetric matrix `a` = L·Lᵀ, n × n and row-major, in place:
/// only the lower triangle is read, and the upper one is room to work in. False, and `a` in ruins,
/// where the matrix is not positive definite.
///
/// The same bits on every CPU and for any number of threads.
///
/// # Panics
/// When `a` is not n × n.
#[must_use]
pub fn cholesky(a: &mut [f64], n: usize) -> bool {
    assert_eq!(a.len(), n * n, "the matrix's shape");
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let (above, below) = a.split_at_mut(end * n);
        let diagonal = &mut above[start * n..];
        if !factor_block(diagonal, n, start, end - start) {
            return false;
        }
        let diagonal = &*diagonal;
        let strips: Vec<_> = below.chunks_mut(STRIP * n).collect();
        let Ok(()) = parallel::for_each(strips, |strip| {
            for row in strip.chunks_exact_mut(n) {
                solve_row(&mut row[start..end], diagonal, n, start);
            }
            Ok::<_, Infallible>(())
        });
        let depth = end - start;
        let rest = n - end;
        // The panel below the block, transposed and padded to whole micro-tiles.
        let width = rest.next_multiple_of(COLS);
        let mut panel = vec![0.0; width * depth];
        for (i, row) in below.chunks_exact(n).enumerate() {
            for (k, &v) in row[start..end].iter().enumerate() {
                panel[k * width + i] = v;
            }
        }
        let strips: Vec<_> = below.chunks_mut(STRIP * n).enumerate().collect();
        let Ok(()) = parallel::for_each(strips, |(i, strip)| {
            let first = i * STRIP;
            reduce(
                strip,
                &panel,
                Panel {
                    n,
                    end,
                    depth,
                    width,
                    first,
                },
            );
            Ok::<_, Infallible>(())
        });
    }
    true
}

/// Factors the block of `size` columns from `start` on, of rows `n` long.
fn factor_block(rows: &mut [f64], n: usize, start: usize, size: usize) -> bool {
    for j in 0..size {
        let (before, rest) = rows.split_at_mut(j * n);
        let row = &mut rest[..n];
        solve_row(&mut row[start..start + j], before, n, start);
        let mut pivot = row[start + j];
        for v in &row[start..start + j] {
            pivot -= v * v;
        }
        // Also false for what is not a number.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return false;
        }
        row[start + j] = pivot.sqrt();
    }
    true
}

/// Solves x · Lᵀ = `row` for the leading block of `diagonal` as long as `row`.
fn solve_row(row: &mut [f64], diagonal: &[f64], n: usize, start: usize) {
    for j in 0..row.len() {
        let of = &diagonal[j * n + start..j * n + start + j + 1];
        let mut sum = row[j];
        for (x, l) in row[..j].iter().zip(of) {
            sum -= x * l;
        }
        row[j] = sum / of[j];
    }
}

/// Where a strip and its panel lie.
#[derive(Clone, Copy)]
struct Panel {
    n: usize,
    /// First row and column that are still to be factored.
    end: usize,
    depth: usize,
    width: usize,
    /// The strip's first row, counted from `end`.
    first: usize,
}

multiversion! {
    /// Subtracts from the rows of a strip, up to the diagonal, their products with the panel.
    fn reduce(strip: &mut [f64], panel: &[f64], at: Panel) = reduce_body;
}

#[inline(always)]
fn reduce_body(strip: &mut [f64], panel: &[f64], at: Panel) {
    let Panel {
        n,
        end,
        depth,
        width,
        first,
    } = at;
    let rest = n - end;
    for (t, rows) in strip.chunks_mut(ROWS * n).enumerate() {
        let count = rows.len() / n;
        let row = first + t * ROWS;
        // Rows past the last are zeros.
        let mut left = [[0f64; ROWS]; BLOCK];
        for i in 0..count {
            for (k, left) in left.iter_mut().enumerate().take(depth) {
                left[i] = panel[k * width + row + i];
            }
        }
        for col in (0..rest.min(row + count)).step_by(COLS) {
            let lanes = COLS.min(rest - col);
            let mut sums = [[0f64; COLS]; ROWS];
            for (i, sum) in sums.iter_mut().enumerate().take(count) {
                *sum = load(&rows[i * n + end + col..][..lanes]);
            }
            let right = panel.chunks_exact(width).map(|of| &of[col..col + COLS]);
            let [mut s0, mut s1, mut s2, mut s3] = sums;
            for (l, r) in left.iter().zip(right) {
                for c in 0..COLS {
                    s0[c] -= l[0] * r[c];
                    s1[c] -= l[1] * r[c];
                    s2[c] -= l[2] * r[c];
                    s3[c] -= l[3] * r[c];
                }
            }
            for (i, sum) in [s0, s1, s2, s3].iter().enumerate().take(count) {
                store(sum, &mut rows[i * n + end + col..][..lanes]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A well-conditioned symmetric matrix of mixed signs.
    fn matrix(n: usize) -> Vec<f64> {
        let mut state = 7u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        };
        let factor: Vec<f64> = (0..n * n).map(|_| noise()).collect();
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                let dot: f64 = (0..n).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
                a[i * n + j] = dot + if i == j { 0.1 * n as f64 } else { 0.0 };
            }
        }
        a
    }

    #[test]
    fn the_factor_times_itself_is_the_matrix() {
        for n in [1, 3, 47, 48, 49, 97, 150] {
            let a = matrix(n);
            let mut l = a.clone();
            assert!(cholesky(&mut l, n));
            for i in 0..n {
                for j in 0..=i {
                    let product: f64 = (0..=j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                    let error = (product - a[i * n + j]).abs();
                    assert!(error < 1e-10 * n as f64, "{n}: {i} {j} {error}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut indefinite = matrix(60);
        indefinite[50 * 60 + 50] = -1.0;
        assert!(!cholesky(&mut indefinite, 60));
        assert!(!cholesky(&mut [0.0], 1));
        assert!(!cholesky(&mut [f64::NAN], 1));
        assert!(!cholesky(&mut [f64::INFINITY], 1));
    }

    #[test]
    fn threads_and_instruction_sets_do_not_change_the_bits() {
        let n = 130;
        let factor = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            let mut a = matrix(n);
            assert!(pool.install(|| cholesky(&mut a, n)));
            a.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(factor(1), factor(3));
        let (mut dispatched, mut baseline) = (matrix(30), matrix(30));
        let panel: Vec<f64> = (0..24 * 5).map(|i| (i as f64).sin()).collect();
        let at = Panel {
            n: 30,
            end: 10,
            depth: 5,
            width: 24,
            first: 0,
        };
        reduce(&mut dispatched[300..], &panel, at);
        reduce_body(&mut baseline[300..], &panel, at);
        assert_eq!(dispatched, baseline);
    }
}
