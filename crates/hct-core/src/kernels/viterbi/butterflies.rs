//! States two by two: two that share the states after them.

use std::ops::Range;

use crate::kernels::trellis::Machine;

/// Two states with the same two states after them, of which every index of one parity leads the lower and
/// every of the other the upper to the same: a butterfly, as in convolutional codes.
#[derive(Clone, Copy, Default)]
pub(super) struct Butterfly {
    /// The two states before, the lower one first.
    pub before: [u32; 2],
    /// Where even indices lead the lower one, and where odd ones do.
    pub after: [u32; 2],
}

/// Butterflies that share a quantizer and the words of their decisions.
pub(super) struct Wing {
    pub butterflies: Range<usize>,
    pub quantizer: usize,
    /// Of the states after: each divided by 32.
    pub words: [usize; 2],
}

/// All butterflies of a machine of `S` states.
pub(super) struct Butterflies<const S: usize> {
    /// The first S/2 count.
    all: [Butterfly; S],
    pub wings: Vec<Wing>,
}

impl<const S: usize> Butterflies<S> {
    pub fn of(machine: Machine) -> Self {
        let mut all = [Butterfly::default(); S];
        let mut wings: Vec<Wing> = Vec::new();
        // A state after and its other, which differ in this, have the same states before: each pair once.
        let other = machine.odd;
        let highest = 1 << other.ilog2();
        let firsts = (0..S as u32).filter(|s| s & highest == 0);
        for (count, first) in firsts.enumerate() {
            let quantizer = first >> (S.ilog2() - 1);
            let half = first ^ (quantizer * machine.feedback);
            let even = (half << 1) | quantizer;
            let odd = even ^ (2 * other);
            let butterfly = match even < odd {
                true => Butterfly {
                    before: [even, odd],
                    after: [first, first ^ other],
                },
                false => Butterfly {
                    before: [odd, even],
                    after: [first ^ other, first],
                },
            };
            let words = butterfly.after.map(|s| s as usize / 32);
            match wings.last_mut() {
                Some(wing) if (wing.quantizer, wing.words) == (quantizer as usize, words) => {
                    wing.butterflies.end += 1;
                }
                _ => wings.push(Wing {
                    butterflies: count..count + 1,
                    quantizer: quantizer as usize,
                    words,
                }),
            }
            all[count] = butterfly;
        }
        Butterflies { all, wings }
    }

    /// Those of a wing.
    #[inline(always)]
    pub fn within(&self, wing: &Wing) -> &[Butterfly] {
        &self.all[wing.butterflies.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the machine with these parity-check polynomials.
    fn check<const S: usize>(h0: u32, h1: u32) {
        let machine = Machine {
            states: S,
            quantizers: 2,
            feedback: h0 >> 1,
            odd: h1 >> 1,
        };
        let into = machine.ways_into::<S>();
        let butterflies = Butterflies::<S>::of(machine);
        let mut met = [false; S];
        for wing in &butterflies.wings {
            for butterfly in butterflies.within(wing) {
                let before = butterfly.before.map(|s| s as usize);
                for (parity, after) in butterfly.after.into_iter().enumerate() {
                    let after = after as usize;
                    let subset = 2 * wing.quantizer;
                    let ways = [
                        (before[0], subset + parity),
                        (before[1], subset + 1 - parity),
                    ];
                    assert_eq!(into[after], ways, "{S} states, {after}");
                    assert_eq!(wing.words[parity], after / 32);
                    assert!(!met[after]);
                    met[after] = true;
                }
            }
        }
        assert!(met.into_iter().all(|met| met));
    }

    #[test]
    fn butterflies_are_the_ways_into_all_states() {
        check::<4>(0o5, 0o2);
        check::<8>(0o13, 0o04);
        check::<16>(0o23, 0o04);
        check::<32>(0o45, 0o10);
        check::<64>(0o103, 0o024);
        check::<128>(0o235, 0o126);
        check::<256>(0o515, 0o362);
    }
}
