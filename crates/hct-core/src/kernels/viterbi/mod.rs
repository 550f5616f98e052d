//! The search of trellis-coded quantization: for every lane the path of least D + λR (Viterbi 1967).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "x86_64", hct_avx512))]
#[allow(
    clippy::incompatible_msrv,
    reason = "older compilers than its intrinsics leave it out"
)]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod butterflies;
#[cfg(target_arch = "x86_64")]
mod group;
mod portable;
mod rates;
mod search;

use crate::simd::{SimdLevel, level};
pub(crate) use rates::{RATES, Rates};
pub(crate) use search::Search;

/// Quantizes `values`, value i in lane i mod `L`, to signed indices and the contexts they are coded
/// in; `classes[i]` is the class of value i. `starts` are the states that the lanes start in.
///
/// # Panics
/// When the machine has no such number of states, a class has no rates, or the slices differ in
/// length.
pub(crate) fn quantize<const L: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u16; L],
    out: (&mut [i32], &mut [u8]),
) {
    let n = values.len();
    assert!(classes.len() == n && out.0.len() == n && out.1.len() == n);
    match search.machine.states {
        4 => at_level::<L, 4>(search, values, classes, starts, out),
        8 => at_level::<L, 8>(search, values, classes, starts, out),
        16 => at_level::<L, 16>(search, values, classes, starts, out),
        32 => at_level::<L, 32>(search, values, classes, starts, out),
        64 => at_level::<L, 64>(search, values, classes, starts, out),
        128 => at_level::<L, 128>(search, values, classes, starts, out),
        256 => at_level::<L, 256>(search, values, classes, starts, out),
        512 => at_level::<L, 512>(search, values, classes, starts, out),
        states => panic!("no search in {states} states"),
    }
}

fn at_level<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u16; L],
    out: (&mut [i32], &mut [u8]),
) {
    match level() {
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(all(target_arch = "x86_64", hct_avx512))]
        SimdLevel::Avx512 if L.is_multiple_of(avx512::WIDE) && S <= avx512::STATES => unsafe {
            avx512::run::<L, S>(search, values, classes, starts, out);
        },
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 | SimdLevel::Avx512 => unsafe {
            avx2::run::<L, S>(search, values, classes, starts, out);
        },
        _ => portable::run::<L, S>(search, values, classes, starts, out),
    }
}
