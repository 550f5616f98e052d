//! Decoding a tile of trellis-quantized values.

use super::contexts::Contexts;
use super::{Trellis, multiple};
use crate::entropy::binary::{Decoder, UintModel};
use crate::entropy::freq::{PROB_BITS, PROB_SCALE, Slot};
use crate::entropy::rans::{Words, slot};
use crate::simd::multiversion;
use crate::{Error, Result};

/// Room for the symbols of one context.
pub(crate) const SYMBOLS: usize = 256;

/// Everything a tile needs that its plane shares: decoding tables and reproduction points.
pub(crate) struct Tables {
    trellis: Trellis,
    step: f32,
    slots: Vec<u32>,
    points: Vec<f32>,
}

impl Tables {
    pub fn new(trellis: Trellis, step: f32, contexts: &Contexts) -> Self {
        let quantizers = trellis.quantizers();
        let mut slots = Vec::with_capacity(contexts.tables.len() * PROB_SCALE as usize);
        let mut points = vec![0f32; contexts.tables.len() * SYMBOLS];
        for (c, table) in contexts.tables.iter().enumerate() {
            table.push_slots(&mut slots);
            let q = (c % quantizers) as i32;
            for m in 1..=contexts.max_magnitude(c) {
                let value = point(q, m, contexts.shift(c, m), step);
                points[c * SYMBOLS + 2 * m - 1] = value;
                points[c * SYMBOLS + 2 * m] = -value;
            }
        }
        Tables {
            trellis,
            step,
            slots,
            points,
        }
    }
}

/// Reproduction value of magnitude `m` ≥ 1: (multiple + shift)·δ.
#[inline(always)]
pub(crate) fn point(q: i32, m: usize, shift: f32, step: f32) -> f32 {
    (multiple(m as i32, q) as f32 + shift) * step
}

/// Decodes the values of one tile: `classes[i]` is the class of value i.
///
/// # Errors
/// When the stream or the patches are not what an encoder makes.
pub(crate) fn decode(
    tables: &Tables,
    lanes: usize,
    classes: &[u8],
    stream: &[u8],
    patches: &[u8],
    out: &mut [f32],
) -> Result<()> {
    assert_eq!(classes.len(), out.len());
    match lanes {
        8 => lanes_of::<8>(tables, classes, stream, out)?,
        32 => lanes_of::<32>(tables, classes, stream, out)?,
        n => {
            return Err(Error::Reserved {
                field: "lanes",
                value: n as u64,
            });
        }
    }
    patch(patches, tables.step, out)
}

fn lanes_of<const L: usize>(
    tables: &Tables,
    classes: &[u8],
    stream: &[u8],
    out: &mut [f32],
) -> Result<()> {
    let (mut states, mut words) = Words::open::<L>(stream)?;
    if tables.trellis.states() == 1 {
        run::<L, 1>(tables, classes, &mut states, &mut words, out);
    } else {
        run::<L, 2>(tables, classes, &mut states, &mut words, out);
    }
    words.finish(&states)
}

multiversion! {
    fn run<const L: usize, const Q: usize>(
        tables: &Tables,
        classes: &[u8],
        states: &mut [u32; L],
        words: &mut Words<'_>,
        out: &mut [f32],
    ) = run_body::<L, Q>;
}

#[inline(always)]
fn run_body<const L: usize, const Q: usize>(
    tables: &Tables,
    classes: &[u8],
    states: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [f32],
) {
    let trellis = tables.trellis;
    let mut x = *states;
    let mut s = [0usize; L];
    let (class_steps, class_tail) = classes.as_chunks::<L>();
    let (out_steps, out_tail) = out.as_chunks_mut::<L>();
    let one = |x: &mut u32, s: &mut usize, class: u8, value: &mut f32| {
        let context = usize::from(class) * Q + if Q == 1 { 0 } else { *s & 1 };
        let entry = tables.slots[context << PROB_BITS | slot(*x)];
        *x = Slot::freq(entry) * (*x >> PROB_BITS) + Slot::bias(entry);
        let symbol = usize::from(Slot::symbol(entry));
        *value = tables.points[context * SYMBOLS + symbol];
        if Q == 2 {
            *s = trellis.next(*s, symbol.div_ceil(2) & 1);
        }
    };
    for (class, value) in class_steps.iter().zip(out_steps) {
        for l in 0..L {
            one(&mut x[l], &mut s[l], class[l], &mut value[l]);
        }
        if words.has(L) {
            x.iter_mut().for_each(|x| words.renormalize_promised(x));
        } else {
            x.iter_mut().for_each(|x| words.renormalize(x));
        }
    }
    for (l, (class, value)) in class_tail.iter().zip(out_tail).enumerate() {
        one(&mut x[l], &mut s[l], *class, value);
        words.renormalize(&mut x[l]);
    }
    *states = x;
}

/// Puts back the values whose index magnitudes had no symbol.
fn patch(bytes: &[u8], step: f32, out: &mut [f32]) -> Result<()> {
    let mut dec = Decoder::new(bytes);
    let (mut count, mut gap, mut value) = (UintModel::new(), UintModel::new(), UintModel::new());
    let n = count.decode(&mut dec);
    let mut at = 0u64;
    for _ in 0..n {
        at = at.saturating_add(gap.decode(&mut dec));
        let v = value.decode_signed(&mut dec);
        let target = usize::try_from(at).ok().and_then(|i| out.get_mut(i));
        match target {
            Some(target) if !dec.exhausted() => *target = v as f32 * step,
            _ => {
                return Err(Error::invalid(
                    "patch",
                    "lies outside its tile or is cut short",
                ));
            }
        }
        at += 1;
    }
    dec.finish("patches")
}
