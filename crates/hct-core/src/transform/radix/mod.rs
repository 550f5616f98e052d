//! Transforms of power-of-two lengths, eight lines side by side, where the CPU has AVX2. Each lane
//! goes through the operations of rustdct's split radix and small transforms in their order, so that
//! it gets the bits that they give, as a test of all lengths says.

mod kernel;
mod small;
mod twiddles;

pub(super) use kernel::Radix;

use std::arch::x86_64::__m256;
use std::ops::Range;

use kernel::WIDTH;
use twiddles::Twiddles;

use crate::simd::{SimdLevel, level};

/// Groups of columns that are copied together, to use up the cache lines of a row.
const GROUPS: usize = 2;
/// Lengths that are transformed here: shorter ones are not worth it, and longer ones take the memory
/// of eight.
const LENGTHS: Range<usize> = 32..(1 << 16) + 1;

/// Whether lines of this length are for [`rows`] and [`columns`].
pub(super) fn suits(len: usize) -> bool {
    level() >= SimdLevel::Avx2 && has_plan(len)
}

fn has_plan(len: usize) -> bool {
    len.is_power_of_two() && LENGTHS.contains(&len)
}

/// Transforms rows of a length that [`suits`], as many as make whole groups of [`WIDTH`], in place.
/// Returns how many values they are.
pub(super) fn rows(values: &mut [f32], cols: usize, radix: Radix) -> usize {
    assert!(has_plan(cols) && SimdLevel::Avx2.is_available());
    // SAFETY: AVX2 was detected.
    unsafe { each_group_of_rows(values, cols, radix) }
}

/// Transforms columns of a length that [`suits`], as many as make whole groups of [`WIDTH`], in
/// place. Returns how many columns they are.
pub(super) fn columns(values: &mut [f32], rows: usize, cols: usize, radix: Radix) -> usize {
    assert!(has_plan(rows) && SimdLevel::Avx2.is_available());
    // SAFETY: as above.
    unsafe { each_group_of_columns(values, rows, cols, radix) }
}

/// The values of a group side by side.
#[inline(always)]
fn vector(values: [f32; WIDTH]) -> __m256 {
    // SAFETY: both are eight f32, and all bits are values of either.
    unsafe { std::mem::transmute(values) }
}

/// Inverse of [`vector`].
#[inline(always)]
fn array(vector: __m256) -> [f32; WIDTH] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(vector) }
}

#[target_feature(enable = "avx2")]
fn each_group_of_rows(values: &mut [f32], cols: usize, radix: Radix) -> usize {
    let mut line = vec![vector([0.0; WIDTH]); cols];
    let mut scratch = line.clone();
    let twiddles = Twiddles::up_to(cols);
    let mut done = 0;
    for rows in values.chunks_exact_mut(cols * WIDTH) {
        let squares = cols / WIDTH;
        for (s, square) in line.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            let (runs, _) = rows.as_chunks::<WIDTH>();
            for (r, row) in square.iter_mut().enumerate() {
                *row = vector(runs[r * squares + s]);
            }
            kernel::transpose(square);
        }
        kernel::transform(radix, &twiddles, &mut line, &mut scratch);
        for (s, square) in line.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            kernel::transpose(square);
            let (runs, _) = rows.as_chunks_mut::<WIDTH>();
            for (r, row) in square.iter().enumerate() {
                runs[r * squares + s] = array(*row);
            }
        }
        done += rows.len();
    }
    done
}

#[target_feature(enable = "avx2")]
fn each_group_of_columns(values: &mut [f32], rows: usize, cols: usize, radix: Radix) -> usize {
    let mut lines = vec![vector([0.0; WIDTH]); rows * GROUPS];
    let mut scratch = vec![vector([0.0; WIDTH]); rows];
    let twiddles = Twiddles::up_to(rows);
    let whole = cols / WIDTH * WIDTH;
    for first in (0..whole).step_by(GROUPS * WIDTH) {
        let block = first..whole.min(first + GROUPS * WIDTH);
        for (r, row) in values.chunks_exact(cols).enumerate() {
            let (groups, _) = row[block.clone()].as_chunks::<WIDTH>();
            for (g, &lanes) in groups.iter().enumerate() {
                lines[g * rows + r] = vector(lanes);
            }
        }
        for line in lines.chunks_exact_mut(rows).take(block.len() / WIDTH) {
            kernel::transform(radix, &twiddles, line, &mut scratch);
        }
        for (r, row) in values.chunks_exact_mut(cols).enumerate() {
            let (groups, _) = row[block.clone()].as_chunks_mut::<WIDTH>();
            for (g, lanes) in groups.iter_mut().enumerate() {
                *lanes = array(lines[g * rows + r]);
            }
        }
    }
    whole
}
