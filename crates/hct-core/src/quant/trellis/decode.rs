//! Decoding the symbols of a tile to values.

use super::columns;
use super::contexts::Contexts;
use super::gains;
use super::machine::{Trellis, multiple};
use super::tile::Tile;
use crate::entropy::freq::{FreqTable, Slot};
use crate::entropy::rans::{PROB_BITS, PROB_SCALE, Words, slot};
use crate::simd::multiversion;
use crate::{Error, Result};

/// Room for the symbols of one context.
pub(crate) const SYMBOLS: usize = 256;

/// Decoding entries and reproduction values of one context. Arrays, so that a slot and a symbol
/// need no bounds check.
struct ContextTable {
    slots: [u32; PROB_SCALE as usize],
    points: [f32; SYMBOLS],
}

/// Everything a tile needs that its plane shares.
pub(crate) struct Tables {
    trellis: Trellis,
    step: f32,
    contexts: Vec<ContextTable>,
}

impl Tables {
    pub fn new(trellis: Trellis, step: f32, contexts: &Contexts) -> Self {
        let quantizers = trellis.quantizers();
        let mut slots = Vec::with_capacity(PROB_SCALE as usize);
        let table = |(c, table): (usize, &FreqTable)| {
            slots.clear();
            table.push_slots(&mut slots);
            let mut out = ContextTable {
                slots: [0; PROB_SCALE as usize],
                points: [0.0; SYMBOLS],
            };
            out.slots.copy_from_slice(&slots);
            for m in 1..=contexts.max_magnitude(c) {
                let value = point((c % quantizers) as i32, m, contexts.shift(c, m), step);
                out.points[2 * m - 1] = value;
                out.points[2 * m] = -value;
            }
            out
        };
        let contexts = contexts.tables.iter().enumerate().map(table).collect();
        Tables {
            trellis,
            step,
            contexts,
        }
    }
}

/// Reproduction value of magnitude `m` ≥ 1: (multiple + shift)·δ.
#[inline(always)]
pub(crate) fn point(q: i32, m: usize, shift: f32, step: f32) -> f32 {
    (multiple(m as i32, q) as f32 + shift) * step
}

/// Decodes the values of a tile row by row, in columns of gain factors `factors` if there are any.
///
/// # Errors
/// When its symbols are not what an encoder makes.
pub(crate) fn decode(
    tables: &Tables,
    lanes: usize,
    tile: &Tile<'_>,
    factors: &[f32],
    out: &mut [f32],
) -> Result<()> {
    if tile.column_order {
        let mut values = vec![0.0; out.len()];
        symbols(tables, lanes, tile, &mut values)?;
        columns::transpose(&values, out.len() / tile.cols, out);
    } else {
        symbols(tables, lanes, tile, out)?;
    }
    gains::apply(out, tile.cols, &tile.gains, factors);
    Ok(())
}

/// Decodes the symbols and patches of a tile in their order.
fn symbols(tables: &Tables, lanes: usize, tile: &Tile<'_>, out: &mut [f32]) -> Result<()> {
    assert_eq!(tile.classes.len(), out.len());
    match lanes {
        8 => lanes_of::<8>(tables, &tile.classes, tile.symbols, out)?,
        32 => lanes_of::<32>(tables, &tile.classes, tile.symbols, out)?,
        n => {
            return Err(Error::Reserved {
                field: "lanes",
                value: n as u64,
            });
        }
    }
    for &(at, multiple) in &tile.patches {
        out[at as usize] = multiple as f32 * tables.step;
    }
    Ok(())
}

fn lanes_of<const L: usize>(
    tables: &Tables,
    classes: &[u8],
    stream: &[u8],
    out: &mut [f32],
) -> Result<()> {
    let (mut states, mut words) = Words::open::<L>(stream)?;
    match tables.trellis.states() {
        1 => run::<L, 1>(tables, classes, &mut states, &mut words, out),
        4 => run::<L, 4>(tables, classes, &mut states, &mut words, out),
        8 => run::<L, 8>(tables, classes, &mut states, &mut words, out),
        16 => run::<L, 16>(tables, classes, &mut states, &mut words, out),
        _ => run::<L, 32>(tables, classes, &mut states, &mut words, out),
    }
    words.finish(&states)
}

multiversion! {
    fn run<const L: usize, const S: usize>(
        tables: &Tables,
        classes: &[u8],
        states: &mut [u32; L],
        words: &mut Words<'_>,
        out: &mut [f32],
    ) = run_body::<L, S>;
}

#[inline(always)]
fn run_body<const L: usize, const S: usize>(
    tables: &Tables,
    classes: &[u8],
    states: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [f32],
) {
    // Of a constant size, so that the compiler folds its polynomials.
    let trellis = Trellis::new(S).expect("a supported size");
    let contexts = &tables.contexts[..];
    let mut x = *states;
    let mut s = [0u32; L];
    let (class_steps, class_tail) = classes.as_chunks::<L>();
    let (out_steps, out_tail) = out.as_chunks_mut::<L>();
    let one = |x: &mut u32, s: &mut u32, class: u8, value: &mut f32| {
        let context = match S {
            1 => usize::from(class),
            _ => 2 * usize::from(class) + (*s & 1) as usize,
        };
        let table = &contexts[context];
        let entry = table.slots[slot(*x)];
        *x = Slot::freq(entry) * (*x >> PROB_BITS) + Slot::bias(entry);
        let symbol = Slot::symbol(entry);
        *value = table.points[usize::from(symbol)];
        if S > 1 {
            // Symbols 2m − 1 and 2m stand for ± m.
            let odd = (u32::from(symbol) + 1) >> 1 & 1;
            *s = trellis.next(*s as usize, odd as usize) as u32;
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
    *states = x;
}
