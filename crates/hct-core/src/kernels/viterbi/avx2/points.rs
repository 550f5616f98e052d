//! The points near values, and what they cost.

use std::arch::x86_64::*;
use std::ops::Range;

use crate::kernels::avx2::{WIDE, store, widen};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::rates::{CELLS, Rates};
use crate::kernels::viterbi::search::{OFFSETS, Search, TOWARDS_ZERO};

/// Magnitudes in steps.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn scaled(values: &[f32; WIDE], inv_step: f32) -> __m256 {
    let magnitudes = _mm256_andnot_ps(_mm256_set1_ps(-0.0), load(values));
    _mm256_mul_ps(magnitudes, _mm256_set1_ps(inv_step))
}

/// Loads eight numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(values: &[f32; WIDE]) -> __m256 {
    // SAFETY: the array holds the 32 bytes that are read.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
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
fn square(x: __m256) -> __m256 {
    _mm256_mul_ps(x, x)
}

/// Steps whose points are found before their rates are looked up, and those before anything is
/// compared: within one step each would wait for the other, and a CPU does not look far enough
/// ahead to find the next one's work.
pub(super) const BLOCK: usize = 32;

/// What the points near the values of some steps cost, the nearest of each subset.
pub(super) struct Block {
    /// Squared errors, and then costs.
    branches: [[__m256; 4]; BLOCK],
    /// Costs of the zero of Q1.
    at_zero: [__m256; BLOCK],
    /// Where the rates of the four points are.
    cells: [[u32; WIDE]; BLOCK],
}

impl Block {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn new() -> Self {
        Block {
            branches: [[_mm256_setzero_ps(); 4]; BLOCK],
            at_zero: [_mm256_setzero_ps(); BLOCK],
            cells: [[0; WIDE]; BLOCK],
        }
    }

    /// Takes `steps`, whose classes there must be rates of.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn fill<const ONE_CLASS: bool>(
        &mut self,
        group: &Group<'_, WIDE>,
        steps: Range<usize>,
        search: &Search<'_>,
    ) {
        let one = _mm256_set1_epi32(1);
        let four = _mm256_set1_ps(4.0);
        let last = _mm256_set1_epi32(CELLS as i32 - 1);
        for (i, t) in steps.clone().enumerate() {
            let step = group.step(t);
            let a = scaled(&step.values, search.inv_step);
            let mut cell = _mm256_setzero_si256();
            for (subset, offset) in OFFSETS.into_iter().enumerate() {
                let offset = _mm256_set1_ps(offset);
                let mut j = _mm256_cvttps_epi32(nearest(a, offset));
                cell = _mm256_add_epi32(cell, j);
                if subset == 2 {
                    j = _mm256_max_epi32(j, one);
                }
                let point = _mm256_add_ps(_mm256_mul_ps(four, _mm256_cvtepi32_ps(j)), offset);
                self.branches[i][subset] = square(_mm256_sub_ps(a, point));
            }
            let mut cell = _mm256_min_epu32(cell, last);
            let classes = widen(&step.classes);
            if !ONE_CLASS {
                let first = _mm256_slli_epi32::<{ CELLS.ilog2() as i32 }>(classes);
                cell = _mm256_or_si256(cell, first);
            }
            store(cell, &mut self.cells[i]);
            let zero = match ONE_CLASS {
                true => _mm256_set1_ps(search.rates.zeros[0]),
                false => zeros(search.rates, classes),
            };
            self.at_zero[i] = _mm256_add_ps(square(a), zero);
        }
        let rates = search.rates.cells.as_flattened();
        let blocks = self.branches.iter_mut().zip(&self.cells);
        for (branches, cells) in blocks.take(steps.len()) {
            // SAFETY: `run` saw that there are rates of every class, and within a class cells are
            // below their number.
            let rates = unsafe { of_lanes(rates, cells) };
            for (branch, rates) in branches.iter_mut().zip(rates) {
                *branch = _mm256_add_ps(*branch, rates);
            }
        }
    }

    /// Costs of the four subsets in step `i`, and in which lanes the third is best at zero.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn branch_costs(&self, i: usize) -> ([__m256; 4], u8) {
        let (mut branch, zero) = (self.branches[i], self.at_zero[i]);
        let at_zero = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(zero, branch[2]));
        branch[2] = _mm256_min_ps(zero, branch[2]);
        (branch, at_zero as u8)
    }
}

/// Rates of the zero of Q1.
#[inline]
#[target_feature(enable = "avx2")]
fn zeros(rates: &Rates, classes: __m256i) -> __m256 {
    let (tables, _) = rates.zeros.as_chunks::<WIDE>();
    let mut zero = _mm256_setzero_ps();
    for (k, table) in tables
        .iter()
        .enumerate()
        .take(rates.classes().div_ceil(WIDE))
    {
        let of = _mm256_permutevar8x32_ps(load(table), classes);
        let here = _mm256_cmpeq_epi32(
            _mm256_srli_epi32::<{ WIDE.ilog2() as i32 }>(classes),
            _mm256_set1_epi32(k as i32),
        );
        zero = _mm256_blendv_ps(zero, of, _mm256_castsi256_ps(here));
    }
    zero
}

/// The rates of the four subsets in eight lanes: four rates a lane are read at once, and turned.
///
/// # Safety
/// The cells must be below the length of `rates`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn of_lanes(rates: &[[f32; 4]], cells: &[u32; WIDE]) -> [__m256; 4] {
    let four = |lane: usize| {
        // SAFETY: the cell is below the length, and an entry holds the 16 bytes that are read.
        unsafe { _mm_loadu_ps(rates.get_unchecked(cells[lane] as usize).as_ptr()) }
    };
    let of = |k: usize| _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(four(k)), four(k + 4));
    let (a, b, c, d) = (of(0), of(1), of(2), of(3));
    let pairs = |x, y| {
        (
            _mm256_castps_pd(_mm256_unpacklo_ps(x, y)),
            _mm256_castps_pd(_mm256_unpackhi_ps(x, y)),
        )
    };
    let ((ab, ab_high), (cd, cd_high)) = (pairs(a, b), pairs(c, d));
    [
        _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)),
        _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)),
        _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high)),
        _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high)),
    ]
}
