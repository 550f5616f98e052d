//! Eight lanes of a tile and their values, step by step.

use std::arch::x86_64::*;

use crate::kernels::avx2::WIDE;

/// Eight lanes.
pub(super) struct Group<'a> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
    /// Number of the first value of the first lane.
    pub first: usize,
    /// Values from one step to the next.
    pub stride: usize,
}

/// The values of a step in eight lanes; zeros in lanes that have ended.
pub(super) struct Step {
    pub values: __m256,
    pub classes: [u8; WIDE],
    /// Lanes that have not ended.
    pub active: usize,
}

impl Group<'_> {
    /// Steps of the first lane, which has most.
    #[inline(always)]
    pub fn steps(&self) -> usize {
        (self.values.len() - self.first).div_ceil(self.stride)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn step(&self, t: usize) -> Step {
        let from = self.first + t * self.stride;
        let whole = self.values[from..].first_chunk::<WIDE>();
        if let (Some(values), Some(classes)) = (whole, self.classes[from..].first_chunk()) {
            return Step {
                // SAFETY: the array holds the 32 bytes that are read.
                values: unsafe { _mm256_loadu_ps(values.as_ptr()) },
                classes: *classes,
                active: WIDE,
            };
        }
        self.ragged(from)
    }

    #[cold]
    #[target_feature(enable = "avx2")]
    fn ragged(&self, from: usize) -> Step {
        let active = self.values.len() - from;
        let (mut values, mut classes) = ([0f32; WIDE], [0; WIDE]);
        values[..active].copy_from_slice(&self.values[from..]);
        classes[..active].copy_from_slice(&self.classes[from..]);
        Step {
            // SAFETY: the array holds the 32 bytes that are read.
            values: unsafe { _mm256_loadu_ps(values.as_ptr()) },
            classes,
            active,
        }
    }
}
