//! The reference.

use super::slots::Entries;
use crate::entropy::rans::{PROB_BITS, Words, slot};

/// Decodes symbols to the end, from lane 0 on.
pub(super) fn run<const L: usize>(
    slots: &Entries,
    lanes: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [u8],
) {
    let mut x = *lanes;
    let (steps, tail) = out.as_chunks_mut::<L>();
    let one = |x: &mut u32, symbol: &mut u8| {
        let entry = slots[slot(*x)];
        *x = (entry >> 20) * (*x >> PROB_BITS) + (entry >> 8 & 0xfff);
        *symbol = entry as u8;
    };
    for step in steps {
        for l in 0..L {
            one(&mut x[l], &mut step[l]);
        }
        if words.has(L) {
            words.renormalize_lanes(&mut x);
        } else {
            x.iter_mut().for_each(|x| words.renormalize(x));
        }
    }
    for (x, symbol) in x.iter_mut().zip(tail) {
        one(x, symbol);
        words.renormalize(x);
    }
    *lanes = x;
}
