//! Where what is kept of contexts and magnitudes is.

use crate::quant::trellis::contexts::MAX_MAGNITUDE;
use crate::simd::multiversion;

/// Places of a context: no power of two, or those of all contexts would meet in the cache.
pub(super) const STRIDE: usize = 136;
/// Of a context the place of all magnitudes past those that have a symbol.
pub(super) const PAST: usize = MAX_MAGNITUDE + 1;
/// Values whose places are found at a time.
pub(super) const BLOCK: usize = 256;

multiversion! {
    /// The places of indices in their contexts; gives the largest magnitude.
    pub(super) fn places(indices: &[i32], contexts: &[u8], places: &mut [u16; BLOCK]) -> u32 =
        places_body;
}

#[inline(always)]
fn places_body(indices: &[i32], contexts: &[u8], places: &mut [u16; BLOCK]) -> u32 {
    let mut largest = 0;
    for ((&k, &c), place) in indices.iter().zip(contexts).zip(places) {
        let m = k.unsigned_abs();
        largest = largest.max(m);
        *place = u16::from(c) * STRIDE as u16 + m.min(PAST as u32) as u16;
    }
    largest
}
