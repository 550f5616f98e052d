//! The state machine that says which quantizer is in use.

/// The state machine as kernels run it: a rate-1/2 systematic feedback code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// States, 1 where there is no machine, else a power of two from 4 to 512.
    #[cfg(feature = "encode")]
    pub states: usize,
    /// Contexts of a class: 1 where there is no machine, else 2.
    pub quantizers: usize,
    /// What is added (without carry) to half of a state that is odd.
    pub feedback: u32,
    /// What is added (without carry) to it after an odd index.
    pub odd: u32,
}

impl Machine {
    /// The machine of `states` states, if there is one.
    pub const fn of(states: usize) -> Option<Self> {
        // Parity-check polynomials of Ungerboeck's codes for amplitude modulation (1982, table I; 1987, part
        // II, table I), octal, lowest delay in bit 0.
        let (h0, h1): (u32, u32) = match states {
            1 => (0, 0),
            4 => (0o5, 0o2),
            8 => (0o13, 0o04),
            16 => (0o23, 0o04),
            32 => (0o45, 0o10),
            64 => (0o103, 0o024),
            128 => (0o235, 0o126),
            256 => (0o515, 0o362),
            512 => (0o1017, 0o342),
            _ => return None,
        };
        Some(Machine {
            #[cfg(feature = "encode")]
            states,
            quantizers: if states == 1 { 1 } else { 2 },
            feedback: h0 >> 1,
            odd: h1 >> 1,
        })
    }

    /// The state after an index of parity `odd` in `state`.
    #[inline(always)]
    pub fn next(self, state: u32, odd: u32) -> u32 {
        // Masks rather than products: this is in the decoder's inner loop.
        let mask = |bit: u32| 0u32.wrapping_sub(bit);
        state >> 1 ^ mask(state & 1) & self.feedback ^ mask(odd) & self.odd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_permutations_with_two_ways_into_every_state() {
        for states in [4, 8, 16, 32, 64, 128, 256, 512] {
            let machine = Machine::of(states).unwrap();
            let mut entered = vec![0; states];
            for s in 0..states as u32 {
                assert_ne!(machine.next(s, 0), machine.next(s, 1));
                entered[machine.next(s, 0) as usize] += 1;
                entered[machine.next(s, 1) as usize] += 1;
            }
            assert!(entered.iter().all(|&n| n == 2));
        }
        assert!(Machine::of(2).is_none());
        assert!(Machine::of(1024).is_none());
    }
}
