//! The symbols of a trellis tile to values.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod machine;
mod portable;
mod tables;

use crate::entropy::rans::Words;
use crate::simd::{SimdLevel, level};
pub(crate) use machine::Machine;
pub(crate) use tables::{Lanes, SYMBOLS, Tables};

/// Decodes one value a class: value i in lane i mod `L`.
///
/// # Panics
/// When there is not one value a class, and (some levels only) when a class has no contexts.
pub(crate) fn decode<const L: usize>(
    tables: &Tables,
    classes: &[u8],
    lanes: &mut Lanes<L>,
    words: &mut Words<'_>,
    out: &mut [f32],
) {
    assert_eq!(classes.len(), out.len());
    match tables.machine.quantizers {
        1 => at_level::<L, 1>(tables, classes, lanes, words, out),
        _ => at_level::<L, 2>(tables, classes, lanes, words, out),
    }
}

fn at_level<const L: usize, const Q: usize>(
    tables: &Tables,
    classes: &[u8],
    lanes: &mut Lanes<L>,
    words: &mut Words<'_>,
    out: &mut [f32],
) {
    let done = match level() {
        SimdLevel::Portable => 0,
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::steps::<L, Q>(tables, classes, lanes, words, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => 0,
    };
    portable::run::<L, Q>(tables, &classes[done..], lanes, words, &mut out[done..]);
}
