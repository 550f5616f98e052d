//! The points near values, and what they cost.

use std::arch::x86_64::*;
use std::ops::Range;

use super::group::Group;
use crate::kernels::avx2::{WIDE, store};
use crate::kernels::viterbi::search::{OFFSETS, RATES, Search, TOWARDS_ZERO};

/// Magnitudes in steps.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn scaled(values: __m256, inv_step: f32) -> __m256 {
    let magnitudes = _mm256_andnot_ps(_mm256_set1_ps(-0.0), values);
    _mm256_mul_ps(magnitudes, _mm256_set1_ps(inv_step))
}

/// j, before truncation, of the points 4j + `offset` near `a`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn nearest(a: __m256, offset: __m256) -> __m256 {
    let quarter = _mm256_mul_ps(_mm256_sub_ps(a, offset), _mm256_set1_ps(0.25));
    let up = _mm256_add_ps(quarter, _mm256_set1_ps(TOWARDS_ZERO));
    _mm256_max_ps(up, _mm256_setzero_ps())
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn square(x: __m256) -> __m256 {
    _mm256_mul_ps(x, x)
}

/// Steps whose points are found before their rates are looked up, and those before anything is
/// compared: within one step each would wait for the other, and a CPU does not look far enough
/// ahead to find the next one's work.
pub(super) const BLOCK: usize = 32;

/// The points near the values of some steps, one of each subset, and what they cost.
pub(super) struct Block {
    /// Squared errors.
    squares: [[__m256; 4]; BLOCK],
    /// Squared values: errors of zero.
    at_zero: [__m256; BLOCK],
    /// Magnitudes of indices, of subset k in bits 8k to 8k + 7.
    magnitudes: [[u32; WIDE]; BLOCK],
    rates: [[[f32; WIDE]; 4]; BLOCK],
    /// Rates of the zero of Q1, where there is more than one class.
    zero_rates: [[f32; WIDE]; BLOCK],
}

impl Block {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn new() -> Self {
        Block {
            squares: [[_mm256_setzero_ps(); 4]; BLOCK],
            at_zero: [_mm256_setzero_ps(); BLOCK],
            magnitudes: [[0; WIDE]; BLOCK],
            rates: [[[0.0; WIDE]; 4]; BLOCK],
            zero_rates: [[0.0; WIDE]; BLOCK],
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn fill<const ONE_CLASS: bool>(
        &mut self,
        group: &Group<'_>,
        steps: Range<usize>,
        search: &Search<'_>,
    ) {
        let one = _mm256_set1_epi32(1);
        let four = _mm256_set1_ps(4.0);
        let largest = _mm256_set1_epi32(RATES as i32 - 1);
        let mut classes = [[0; WIDE]; BLOCK];
        for (i, t) in steps.clone().enumerate() {
            let step = group.step(t);
            classes[i] = step.classes;
            let a = scaled(step.values, search.inv_step);
            self.at_zero[i] = square(a);
            let mut packed = _mm256_setzero_si256();
            for subset in [3, 2, 1, 0] {
                let offset = _mm256_set1_ps(OFFSETS[subset]);
                let mut j = _mm256_cvttps_epi32(nearest(a, offset));
                let mut m = _mm256_slli_epi32::<1>(j);
                if subset == 2 {
                    j = _mm256_max_epi32(j, one);
                    m = _mm256_slli_epi32::<1>(j);
                } else if subset % 2 == 1 {
                    m = _mm256_or_si256(m, one);
                }
                let point = _mm256_add_ps(_mm256_mul_ps(four, _mm256_cvtepi32_ps(j)), offset);
                self.squares[i][subset] = square(_mm256_sub_ps(a, point));
                let m = _mm256_min_epi32(m, largest);
                packed = _mm256_or_si256(_mm256_slli_epi32::<8>(packed), m);
            }
            store(packed, &mut self.magnitudes[i]);
        }
        for (i, classes) in classes[..steps.len()].iter().enumerate() {
            for (lane, &class) in classes.iter().enumerate() {
                let class = if ONE_CLASS { 0 } else { usize::from(class) };
                let magnitudes = self.magnitudes[i][lane].to_le_bytes();
                for (subset, m) in magnitudes.into_iter().enumerate() {
                    let at = (2 * class + subset / 2) * RATES + usize::from(m);
                    // SAFETY: `run` saw that every class has costs of all magnitudes in both of
                    // its contexts.
                    self.rates[i][subset][lane] = unsafe { *search.costs.get_unchecked(at) };
                }
                if !ONE_CLASS {
                    let at = (2 * class + 1) * RATES;
                    // SAFETY: as above.
                    self.zero_rates[i][lane] = unsafe { *search.costs.get_unchecked(at) };
                }
            }
        }
    }

    /// Costs of the four subsets in step `i`, and in which lanes the third is best at zero.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn branch_costs<const ONE_CLASS: bool>(
        &self,
        i: usize,
        costs: &[f32],
    ) -> ([__m256; 4], u8) {
        let rates = |rates: &[f32; WIDE]| {
            // SAFETY: the array holds the 32 bytes that are read.
            unsafe { _mm256_loadu_ps(rates.as_ptr()) }
        };
        let mut branch = [_mm256_setzero_ps(); 4];
        let squares = self.squares[i].iter().zip(&self.rates[i]);
        for (branch, (&square, of)) in branch.iter_mut().zip(squares) {
            *branch = _mm256_add_ps(square, rates(of));
        }
        let zero_rates = match ONE_CLASS {
            true => _mm256_set1_ps(costs[RATES]),
            false => rates(&self.zero_rates[i]),
        };
        let zero = _mm256_add_ps(self.at_zero[i], zero_rates);
        let at_zero = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(zero, branch[2]));
        branch[2] = _mm256_min_ps(zero, branch[2]);
        (branch, at_zero as u8)
    }
}
