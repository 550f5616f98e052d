//! States two by two: two that share the states after them.

use crate::kernels::trellis::Machine;

/// Two states with the same two states after them, of which every index of one parity leads the lower and
/// every of the other the upper to the same: a butterfly, as in convolutional codes.
#[derive(Clone, Copy)]
pub(super) struct Butterfly {
    /// The two states before, the lower one first.
    pub before: [usize; 2],
    /// Where even indices lead the lower one, and where odd ones do.
    pub after: [usize; 2],
    /// Of the states before.
    pub quantizer: usize,
}

/// All butterflies of the machine of `S` states.
pub(super) struct Butterflies<const S: usize>;

impl<const S: usize> Butterflies<S> {
    /// The first S/2 count.
    const ALL: [Butterfly; S] = all();

    /// Butterfly `i`, if there are as many. Where `i` is a constant, so is what comes out.
    #[inline(always)]
    pub fn get(i: usize) -> Option<Butterfly> {
        (i < S / 2).then(|| Self::ALL[i])
    }
}

/// Calls a function with each number from 0 to 31 and the arguments given, without a loop: finding states in
/// one takes as long as comparing their costs.
macro_rules! unrolled {
    ($f:expr, $($argument:expr),+) => {
        $crate::kernels::viterbi::butterflies::unrolled!(
            @ $f, ($($argument),+),
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        )
    };
    (@ $f:expr, $arguments:tt, $($i:literal)+) => {
        $($crate::kernels::viterbi::butterflies::unrolled!(@@ $f, $i, $arguments);)+
    };
    (@@ $f:expr, $i:literal, ($($argument:expr),+)) => {
        $f($i, $($argument),+)
    };
}
pub(super) use unrolled;

const fn all<const S: usize>() -> [Butterfly; S] {
    let machine = Machine::of(S).expect("no machine has as many states");
    let none = Butterfly {
        before: [0; 2],
        after: [0; 2],
        quantizer: 0,
    };
    let mut all = [none; S];
    // A state after and its other, which differ in this, have the same states before: each pair once.
    let other = machine.odd as usize;
    let highest = 1 << other.ilog2();
    let (mut first, mut count) = (0, 0);
    while first < S {
        if first & highest == 0 {
            let quantizer = first >> (S.ilog2() - 1);
            let half = first ^ (quantizer * machine.feedback as usize);
            let even = (half << 1) | quantizer;
            let odd = even ^ (2 * other);
            let (before, after) = match even < odd {
                true => ([even, odd], [first, first ^ other]),
                false => ([odd, even], [first ^ other, first]),
            };
            all[count] = Butterfly {
                before,
                after,
                quantizer,
            };
            count += 1;
        }
        first += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const S: usize>() {
        let into = Machine::of(S).unwrap().ways_into::<S>();
        let mut met = [false; S];
        for butterfly in &Butterflies::<S>::ALL[..S / 2] {
            for (parity, &after) in butterfly.after.iter().enumerate() {
                let subset = 2 * butterfly.quantizer;
                let ways = [
                    (butterfly.before[0], subset + parity),
                    (butterfly.before[1], subset + 1 - parity),
                ];
                assert_eq!(into[after], ways, "{S} states, {after}");
                assert!(!met[after]);
                met[after] = true;
            }
        }
        assert!(met.into_iter().all(|met| met));
        assert!(Butterflies::<S>::get(S / 2).is_none());
    }

    #[test]
    fn butterflies_are_the_ways_into_all_states() {
        check::<4>();
        check::<8>();
        check::<16>();
        check::<32>();
        check::<64>();
        check::<128>();
        check::<256>();
        check::<512>();
    }
}
