//! The points near values, and what they cost.

use std::arch::x86_64::*;
use std::ops::Range;

use super::vector::{WIDE, load, widen};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::rates::{CELLS, Rates};
use crate::kernels::viterbi::search::{OFFSETS, Search, TOWARDS_ZERO};

/// Magnitudes in steps.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn scaled(values: __m512, inv_step: f32) -> __m512 {
    let magnitudes = _mm512_andnot_ps(_mm512_set1_ps(-0.0), values);
    _mm512_mul_ps(magnitudes, _mm512_set1_ps(inv_step))
}

/// j, before truncation, of the points 4j + `offset` near `a`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn nearest(a: __m512, offset: __m512) -> __m512 {
    let quarter = _mm512_mul_ps(_mm512_sub_ps(a, offset), _mm512_set1_ps(0.25));
    let up = _mm512_add_ps(quarter, _mm512_set1_ps(TOWARDS_ZERO));
    _mm512_max_ps(up, _mm512_setzero_ps())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn square(x: __m512) -> __m512 {
    _mm512_mul_ps(x, x)
}

/// Steps whose points are found before their rates are looked up, and those before anything is
/// compared, as with AVX2.
pub(super) const BLOCK: usize = 32;

/// What the points near the values of some steps cost, the nearest of each subset.
pub(super) struct Block {
    /// Squared errors, and then costs.
    branches: [[__m512; 4]; BLOCK],
    /// Costs of the zero of Q1.
    at_zero: [__m512; BLOCK],
    /// Where the rates of the four points are.
    cells: [[u32; WIDE]; BLOCK],
}

impl Block {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn new() -> Self {
        Block {
            branches: [[_mm512_setzero_ps(); 4]; BLOCK],
            at_zero: [_mm512_setzero_ps(); BLOCK],
            cells: [[0; WIDE]; BLOCK],
        }
    }

    /// Takes `steps`, whose classes there must be rates of.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn fill<const ONE_CLASS: bool>(
        &mut self,
        group: &Group<'_, WIDE>,
        steps: Range<usize>,
        search: &Search<'_>,
    ) {
        let one = _mm512_set1_epi32(1);
        let four = _mm512_set1_ps(4.0);
        let last = _mm512_set1_epi32(CELLS as i32 - 1);
        for (i, t) in steps.clone().enumerate() {
            let step = group.step(t);
            let a = scaled(load(&step.values), search.inv_step);
            let mut cell = _mm512_setzero_si512();
            for (subset, offset) in OFFSETS.into_iter().enumerate() {
                let offset = _mm512_set1_ps(offset);
                let mut j = _mm512_cvttps_epi32(nearest(a, offset));
                cell = _mm512_add_epi32(cell, j);
                if subset == 2 {
                    j = _mm512_max_epi32(j, one);
                }
                let point = _mm512_add_ps(_mm512_mul_ps(four, _mm512_cvtepi32_ps(j)), offset);
                self.branches[i][subset] = square(_mm512_sub_ps(a, point));
            }
            let mut cell = _mm512_min_epu32(cell, last);
            let classes = widen(&step.classes);
            if !ONE_CLASS {
                let first = _mm512_slli_epi32::<{ CELLS.ilog2() }>(classes);
                cell = _mm512_or_si512(cell, first);
            }
            // SAFETY: the array holds the 64 bytes that are written.
            unsafe { _mm512_storeu_si512(self.cells[i].as_mut_ptr().cast(), cell) };
            let zero = match ONE_CLASS {
                true => _mm512_set1_ps(search.rates.zeros[0]),
                false => zeros(search.rates, classes),
            };
            self.at_zero[i] = _mm512_add_ps(square(a), zero);
        }
        let rates = search.rates.cells.as_flattened();
        let blocks = self.branches.iter_mut().zip(&self.cells);
        for (branches, cells) in blocks.take(steps.len()) {
            // SAFETY: `run` saw that there are rates of every class, and within a class cells are
            // below their number.
            let rates = unsafe { of_lanes(rates, cells) };
            for (branch, rates) in branches.iter_mut().zip(rates) {
                *branch = _mm512_add_ps(*branch, rates);
            }
        }
    }

    /// Costs of the four subsets in step `i`, and in which lanes the third is best at zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn branch_costs(&self, i: usize) -> ([__m512; 4], u16) {
        let (mut branch, zero) = (self.branches[i], self.at_zero[i]);
        let at_zero = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(zero, branch[2]);
        branch[2] = _mm512_min_ps(zero, branch[2]);
        (branch, at_zero)
    }
}

/// Rates of the zero of Q1.
#[inline]
#[target_feature(enable = "avx512f")]
fn zeros(rates: &Rates, classes: __m512i) -> __m512 {
    let (tables, _) = rates.zeros.as_chunks::<WIDE>();
    _mm512_permutex2var_ps(load(&tables[0]), classes, load(&tables[1]))
}

/// The rates of the four subsets in sixteen lanes: four rates a lane are read at once, and turned.
///
/// # Safety
/// The cells must be below the length of `rates`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn of_lanes(rates: &[[f32; 4]], cells: &[u32; WIDE]) -> [__m512; 4] {
    let four = |lane: usize| {
        // SAFETY: the cell is below the length, and an entry holds the 16 bytes that are read.
        unsafe { _mm_loadu_ps(rates.get_unchecked(cells[lane] as usize).as_ptr()) }
    };
    let of = |k: usize| {
        let all = _mm512_castps128_ps512(four(k));
        let all = _mm512_insertf32x4::<1>(all, four(k + 4));
        let all = _mm512_insertf32x4::<2>(all, four(k + 8));
        _mm512_insertf32x4::<3>(all, four(k + 12))
    };
    let (a, b, c, d) = (of(0), of(1), of(2), of(3));
    let pairs = |x, y| {
        (
            _mm512_castps_pd(_mm512_unpacklo_ps(x, y)),
            _mm512_castps_pd(_mm512_unpackhi_ps(x, y)),
        )
    };
    let ((ab, ab_high), (cd, cd_high)) = (pairs(a, b), pairs(c, d));
    [
        _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)),
        _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)),
        _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)),
        _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)),
    ]
}
