//! Encoding.

use super::{ESCAPE, JOINT_BITS, WINDOW, raw_bytes};
use crate::Dtype;
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::kernels::joint::{FIVE, PartsMut, take_apart};
use crate::scratch::with_bytes;
use crate::wire::{put_blob, put_varint};

/// Joint numbers that there are.
const JOINTS: usize = 1 << JOINT_BITS;
/// Those that have a symbol.
const HELD: usize = WINDOW as usize;
/// The fewest elements that make up for the states of a wide stream.
const FEWEST: usize = 1 << 15;

/// Whether a tile of so many bytes can and should be coded so, if it takes less than otherwise.
pub(in crate::lossless) fn is_for(bytes: usize, dtype: Dtype) -> bool {
    raw_bytes(dtype).is_some_and(|raw| bytes / (2 + raw) >= FEWEST)
}

/// Bytes that some elements take, about.
pub(in crate::lossless) fn estimate(bytes: &[u8], dtype: Dtype) -> Option<usize> {
    let raw = raw_bytes(dtype)?;
    let n = bytes.len() / (2 + raw);
    let (_, of_symbols) = window(&histogram(bytes, raw));
    let coded = FreqTable::from_counts(&of_symbols).estimate(&of_symbols);
    Some(coded + 2 * of_symbols[0] as usize + fives_bytes(n) + raw * n)
}

/// Appends a tile of whole elements, at least one, to `out`.
pub(in crate::lossless) fn encode(bytes: &[u8], dtype: Dtype, out: &mut Vec<u8>) {
    let raw = raw_bytes(dtype).unwrap_or_default();
    let n = bytes.len() / (2 + raw);
    let (first, of_symbols) = window(&histogram(bytes, raw));
    let table = FreqTable::from_counts(&of_symbols);
    with_bytes(n + fives_bytes(n) + raw * n, |room| {
        let (symbols, rest) = room.split_at_mut(n);
        let (fives, lower) = rest.split_at_mut(fives_bytes(n));
        let mut parts = PartsMut {
            before: first.wrapping_sub(1),
            symbols,
            fives,
            lower,
        };
        take_apart(bytes, &mut parts);
        out.extend_from_slice(&first.to_le_bytes());
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        put_blob(out, &enc.finish());
        let stream = symbols::encode_wide(symbols, &table);
        put_varint(out, stream.len() as u64);
        stream.finish_into(out);
        put_blob(out, &escapes(bytes, symbols, of_symbols[0] as usize));
        out.extend_from_slice(rest);
    });
}

fn fives_bytes(n: usize) -> usize {
    (n * FIVE).div_ceil(8)
}

/// Exponent and three bits of the mantissa, of the last two bytes of an element.
#[inline(always)]
fn joint(upper: [u8; 2]) -> u16 {
    u16::from_le_bytes(upper) >> 4 & (JOINTS as u16 - 1)
}

/// How often each joint number occurs.
fn histogram(bytes: &[u8], raw: usize) -> Vec<u64> {
    // Two counts take turns: equal numbers in a row would wait for each other. A tile has fewer
    // than 2³² elements.
    let mut turns = [[0u32; JOINTS]; 2];
    let mut count = |turn: usize, upper| turns[turn][usize::from(joint(upper))] += 1;
    match raw {
        0 => {
            let (pairs, rest) = bytes.as_chunks::<4>();
            for &[a, b, c, d] in pairs {
                count(0, [a, b]);
                count(1, [c, d]);
            }
            if let &[a, b, ..] = rest {
                count(0, [a, b]);
            }
        }
        _ => {
            let (pairs, rest) = bytes.as_chunks::<8>();
            for &[_, _, a, b, _, _, c, d] in pairs {
                count(0, [a, b]);
                count(1, [c, d]);
            }
            if let &[_, _, a, b, ..] = rest {
                count(0, [a, b]);
            }
        }
    }
    let [a, b] = &turns;
    let both = a.iter().zip(b);
    both.map(|(a, b)| u64::from(*a) + u64::from(*b)).collect()
}

/// Where the window begins that holds most, the first of those, and how often each symbol occurs
/// then.
fn window(counts: &[u64]) -> (u16, Vec<u64>) {
    let mut held: u64 = counts[..HELD].iter().sum();
    let (mut best, mut most) = (0, held);
    for first in 1..=JOINTS - HELD {
        held = held + counts[first + HELD - 1] - counts[first - 1];
        if held > most {
            (best, most) = (first, held);
        }
    }
    let escaped = counts.iter().sum::<u64>() - most;
    let of_symbols = [&[escaped], &counts[best..best + HELD]].concat();
    (best as u16, of_symbols)
}

/// The joint numbers of elements that have no symbol, of which there are `n`.
fn escapes(bytes: &[u8], symbols: &[u8], n: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * n);
    if n > 0 {
        let width = bytes.len() / symbols.len();
        for (element, symbol) in bytes.chunks_exact(width).zip(symbols) {
            if let (&[.., a, b], &ESCAPE) = (element, symbol) {
                out.extend_from_slice(&joint([a, b]).to_le_bytes());
            }
        }
    }
    out
}
