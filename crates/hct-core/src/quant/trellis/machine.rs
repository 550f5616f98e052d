//! The state machines that say which quantizer is in use.

use crate::kernels::trellis::Machine;

/// A state machine of 1 state (plain scalar quantization), or a power of two from 4 to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trellis {
    states: usize,
    /// Parity-check polynomials of the rate-1/2 systematic feedback code, lowest delay in bit 0.
    h0: usize,
    h1: usize,
}

impl Trellis {
    /// The machine of `states` states, if there is one.
    pub fn new(states: usize) -> Option<Self> {
        // Ungerboeck's codes for amplitude modulation (1982, table I; 1987, part II, table I), octal.
        let (h0, h1) = match states {
            1 => (0, 0),
            4 => (0o5, 0o2),
            8 => (0o13, 0o04),
            16 => (0o23, 0o04),
            32 => (0o45, 0o10),
            64 => (0o103, 0o024),
            128 => (0o235, 0o126),
            256 => (0o515, 0o362),
            _ => return None,
        };
        Some(Trellis { states, h0, h1 })
    }

    #[cfg(feature = "encode")]
    pub fn states(self) -> usize {
        self.states
    }

    /// Quantizers in use: 1 for the scalar machine, else 2.
    pub fn quantizers(self) -> usize {
        if self.states == 1 { 1 } else { 2 }
    }

    /// The machine as kernels run it.
    pub fn machine(self) -> Machine {
        Machine {
            #[cfg(feature = "encode")]
            states: self.states,
            quantizers: self.quantizers(),
            feedback: (self.h0 >> 1) as u32,
            odd: (self.h1 >> 1) as u32,
        }
    }

    /// The state after an index of parity `odd` in `state`.
    #[cfg(any(test, feature = "encode"))]
    #[inline(always)]
    pub fn next(self, state: usize, odd: usize) -> usize {
        self.machine().next(state as u32, odd as u32) as usize
    }
}

/// Multiple of δ that index magnitude `m` stands for in quantizer `q`: 2m − q, and 0 for 0.
#[inline(always)]
pub(crate) fn multiple(m: i32, q: i32) -> i32 {
    (2 * m - q).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_permutations_with_two_ways_into_every_state() {
        for states in [4, 8, 16, 32, 64, 128, 256] {
            let t = Trellis::new(states).unwrap();
            let mut entered = vec![0; states];
            for s in 0..states {
                assert_ne!(t.next(s, 0), t.next(s, 1));
                entered[t.next(s, 0)] += 1;
                entered[t.next(s, 1)] += 1;
            }
            assert!(entered.iter().all(|&n| n == 2));
        }
        assert!(Trellis::new(2).is_none());
        assert!(Trellis::new(512).is_none());
    }
}
