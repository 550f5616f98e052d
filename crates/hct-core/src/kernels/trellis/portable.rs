//! The reference.

use super::tables::{Lanes, Tables};
use crate::entropy::rans::{PROB_BITS, Words, slot};

/// Decodes values to the end, from lane 0 on.
pub(super) fn run<const L: usize, const Q: usize>(
    tables: &Tables,
    classes: &[u8],
    lanes: &mut Lanes<L>,
    words: &mut Words<'_>,
    out: &mut [f32],
) {
    let (mut x, mut s) = (lanes.coders, lanes.machines);
    let (class_steps, class_tail) = classes.as_chunks::<L>();
    let (out_steps, out_tail) = out.as_chunks_mut::<L>();
    let one = |x: &mut u32, s: &mut u32, class: u8, value: &mut f32| {
        let context = match Q {
            1 => usize::from(class),
            _ => 2 * usize::from(class) + (*s & 1) as usize,
        };
        let slot = slot(*x);
        let entry = tables.entries[usize::from(tables.slots[context][slot])];
        *x = entry.freq() * (*x >> PROB_BITS) + (slot as u32).wrapping_sub(entry.start());
        *value = entry.point();
        if Q > 1 {
            *s = tables.machine.next(*s, entry.odd());
        }
    };
    for (class, value) in class_steps.iter().zip(out_steps) {
        for l in 0..L {
            one(&mut x[l], &mut s[l], class[l], &mut value[l]);
        }
        if words.has(L) {
            words.renormalize_lanes(&mut x);
        } else {
            x.iter_mut().for_each(|x| words.renormalize(x));
        }
    }
    for (l, (class, value)) in class_tail.iter().zip(out_tail).enumerate() {
        one(&mut x[l], &mut s[l], *class, value);
        words.renormalize(&mut x[l]);
    }
    (lanes.coders, lanes.machines) = (x, s);
}
