//! Values to indices and contexts.

use crate::kernels::trellis::Machine;
use std::ops::Range;

use crate::kernels::truncate::truncated;
use crate::kernels::viterbi::{self, Rates, Search};
use crate::simd::multiversion;

/// Quantized values: signed indices and the contexts they are coded in.
pub(crate) struct Quantized {
    pub indices: Vec<i32>,
    pub contexts: Vec<u8>,
}

impl Quantized {
    /// Indices and contexts of some values.
    pub fn part(&self, at: Range<usize>) -> (&[i32], &[u8]) {
        (&self.indices[at.clone()], &self.contexts[at])
    }

    /// Indices other than zero.
    pub fn kept(&self) -> u64 {
        self.indices.iter().filter(|&&k| k != 0).count() as u64
    }
}

/// Quantizes `values`, symbol i in lane i mod `L`, at a step of 1 / `inv_step`; `classes[i]` is the
/// class of value i. `rates` are those of [`Search`], and `states` those that the lanes start in. What
/// comes out has as many entries as `values`.
pub(crate) fn quantize<const L: usize>(
    trellis: Machine,
    (inv_step, rates): (f32, &Rates),
    values: &[f32],
    classes: &[u8],
    states: &[u16; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    if trellis.states == 1 {
        scalar(inv_step, values, indices);
        contexts.copy_from_slice(classes);
        return;
    }
    let search = Search {
        machine: trellis,
        inv_step,
        rates,
    };
    viterbi::quantize(&search, values, classes, states, (indices, contexts));
}

/// Points a little further from zero than the middle between two are taken for the lower one.
const TOWARDS_ZERO: f32 = 0.48;

multiversion! {
    /// The indices of `values`, of which there are as many.
    pub(crate) fn scalar(inv_step: f32, values: &[f32], indices: &mut [i32]) = scalar_body;
}

/// Rounding a little towards zero. Asking the rates instead gains nothing measurable at equal
/// distortion, and costs most of the time.
#[inline(always)]
fn scalar_body(inv_step: f32, values: &[f32], indices: &mut [i32]) {
    assert_eq!(values.len(), indices.len());
    let scale = 0.5 * inv_step;
    for (&v, index) in values.iter().zip(indices) {
        let m = truncated(v.abs() * scale + TOWARDS_ZERO);
        *index = if v < 0.0 { -m } else { m };
    }
}
