//! Lanes in a register that every x86-64 CPU has. Left to find vectors by itself in transforms
//! unrolled as far as those of rustfft, the compiler takes minutes.

use std::arch::x86_64::{
    __m128, _mm_add_ps, _mm_cvtss_f32, _mm_div_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_mul_ps,
    _mm_set_ps, _mm_set1_ps, _mm_shuffle_ps, _mm_sub_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    _mm_xor_ps,
};

const WIDTH: usize = 4;

/// Operations on each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector(__m128);

/// Calls instructions of SSE.
macro_rules! sse {
    ($instructions:expr) => {
        // SAFETY: SSE is a part of x86-64, so that every CPU that runs this has it.
        unsafe { $instructions }
    };
}

impl Vector {
    pub const WIDTH: usize = WIDTH;

    #[inline(always)]
    pub fn new(v: [f32; WIDTH]) -> Self {
        Vector(sse!(_mm_set_ps(v[3], v[2], v[1], v[0])))
    }

    #[inline(always)]
    pub fn array(self) -> [f32; WIDTH] {
        let v = self.0;
        sse!([
            _mm_cvtss_f32(v),
            _mm_cvtss_f32(_mm_shuffle_ps::<1>(v, v)),
            _mm_cvtss_f32(_mm_shuffle_ps::<2>(v, v)),
            _mm_cvtss_f32(_mm_shuffle_ps::<3>(v, v)),
        ])
    }

    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Vector(sse!(_mm_add_ps(self.0, other.0)))
    }

    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        Vector(sse!(_mm_sub_ps(self.0, other.0)))
    }

    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        Vector(sse!(_mm_mul_ps(self.0, other.0)))
    }

    #[inline(always)]
    pub fn div(self, other: Self) -> Self {
        Vector(sse!(_mm_div_ps(self.0, other.0)))
    }

    #[inline(always)]
    pub fn neg(self) -> Self {
        Vector(sse!(_mm_xor_ps(self.0, _mm_set1_ps(-0.0))))
    }

    /// Rows and columns of a square of values exchanged.
    #[inline(always)]
    pub fn transpose(rows: [Self; WIDTH]) -> [Self; WIDTH] {
        let [Vector(a), Vector(b), Vector(c), Vector(d)] = rows;
        sse!({
            let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
            let (ab2, cd2) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
            [
                Vector(_mm_movelh_ps(ab, cd)),
                Vector(_mm_movehl_ps(cd, ab)),
                Vector(_mm_movelh_ps(ab2, cd2)),
                Vector(_mm_movehl_ps(cd2, ab2)),
            ]
        })
    }
}
