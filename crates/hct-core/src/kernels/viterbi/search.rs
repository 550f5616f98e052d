//! What is searched for, and among what.

use super::rates::Rates;
use crate::kernels::trellis::Machine;

/// What the search optimizes for.
pub(crate) struct Search<'a> {
    pub machine: Machine,
    /// 1/δ.
    pub inv_step: f32,
    pub rates: &'a Rates,
}

/// Offsets of the multiples 4j + o of each subset: Q0 even, Q0 odd, Q1 even (0, 3, 7, …), Q1 odd.
pub(super) const OFFSETS: [f32; 4] = [0.0, 2.0, -1.0, 1.0];
/// The nearer point of a subset is taken without asking its rate, which could only matter within
/// this little of the middle of four δ, in units of 4δ. Measured loss: below 0.001 bit.
pub(super) const TOWARDS_ZERO: f32 = 0.48;
/// Steps between renormalizations.
pub(super) const RENORMALIZED: usize = 64;

impl Machine {
    /// The two ways into each state, that from the lower state first: (state before, subset), the
    /// subset being twice the quantizer and the parity of the index.
    pub(super) fn ways_into<const S: usize>(self) -> [[(usize, usize); 2]; S] {
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
