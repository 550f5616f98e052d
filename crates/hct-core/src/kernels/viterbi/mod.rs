//! The search of trellis-coded quantization: for every lane the path of least D + λR (Viterbi 1967).

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use super::trellis::Machine;
use crate::simd::{SimdLevel, level};

/// Index magnitudes past this share one rate.
pub(crate) const RATES: usize = 256;

/// What the search optimizes for.
pub(crate) struct Search<'a> {
    pub machine: Machine,
    /// 1/δ.
    pub inv_step: f32,
    /// λ·bits of index magnitude m in context c at `c * RATES + m`, contexts being
    /// `class * 2 + quantizer`, in units of δ².
    pub costs: &'a [f32],
}

/// Offsets of the multiples 4j + o of each subset: Q0 even, Q0 odd, Q1 even (0, 3, 7, …), Q1 odd.
const OFFSETS: [f32; 4] = [0.0, 2.0, -1.0, 1.0];
/// The nearer point of a subset is taken without asking its rate, which could only matter within
/// this little of the middle of four δ, in units of 4δ. Measured loss: below 0.001 bit.
const TOWARDS_ZERO: f32 = 0.48;

impl Machine {
    /// The two ways into each state, that from the lower state first: (state before, subset), the
    /// subset being twice the quantizer and the parity of the index.
    fn ways_into<const S: usize>(self) -> [[(usize, usize); 2]; S] {
        let mut into = [[(0, 0); 2]; S];
        let mut ways = [0; S];
        for s in 0..S {
            for parity in 0..2 {
                let to = self.next(s as u32, parity) as usize;
                into[to][ways[to]] = (s, 2 * (s & 1) + parity as usize);
                ways[to] += 1;
            }
        }
        into
    }
}

/// Quantizes `values`, value i in lane i mod `L`, to signed indices and the contexts they are coded
/// in; `classes[i]` is the class of value i. `starts` are the states that the lanes start in.
///
/// # Panics
/// When the machine has no such number of states, a class has no costs, or the slices differ in
/// length.
pub(crate) fn quantize<const L: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u8; L],
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
        states => panic!("no search in {states} states"),
    }
}

fn at_level<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u8; L],
    out: (&mut [i32], &mut [u8]),
) {
    match level() {
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 | SimdLevel::Avx512 => unsafe {
            avx2::run::<L, S>(search, values, classes, starts, out);
        },
        _ => portable::run::<L, S>(search, values, classes, starts, out),
    }
}
