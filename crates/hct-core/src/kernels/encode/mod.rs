//! rANS encoding of many symbols. Its portable version is that of
//! [`crate::entropy::rans::encode`].

#[cfg(target_arch = "x86_64")]
mod avx2;
mod coder;

pub(crate) use coder::{Coder, LANES, SLACK};

use crate::simd::{SimdLevel, level};

/// Codes `symbols`, whose number must be a multiple of [`LANES`], from the last to the first: symbol i
/// in lane i mod [`LANES`] as `coder(i, symbol)` says, the words before `at` in `words`, which must
/// have room for a word a symbol and [`SLACK`] more. Returns where the words begin; nothing where
/// there is no kernel.
#[inline(always)]
pub(crate) fn steps<S: Copy>(
    states: &mut [u32; LANES],
    words: &mut [u16],
    at: usize,
    symbols: &[S],
    coder: impl Fn(usize, S) -> Coder,
) -> Option<usize> {
    match level() {
        SimdLevel::Portable => None,
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        _ => Some(unsafe { avx2::steps(states, words, at, symbols, coder) }),
        #[cfg(not(target_arch = "x86_64"))]
        _ => None,
    }
}
