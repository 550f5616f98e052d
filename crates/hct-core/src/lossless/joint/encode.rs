//! Encoding.

use super::{ESCAPE, JOINT_BITS, raw_bytes};
use crate::Dtype;
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::kernels::joint::FIVE;
use crate::simd::multiversion;
use crate::wire::put_blob;

const WINDOW: usize = super::WINDOW as usize;
/// Joint numbers that there are.
const JOINTS: usize = 1 << JOINT_BITS;
/// The fewest elements that make up for the states of a wide stream.
const FEWEST: usize = 1 << 15;

/// Appends a tile of whole elements to `out`, if its dtype can be coded so, it is long enough for
/// it, and takes fewer than `limit` bytes.
pub(in crate::lossless) fn encode(
    bytes: &[u8],
    dtype: Dtype,
    limit: usize,
    out: &mut Vec<u8>,
) -> bool {
    let Some(raw) = raw_bytes(dtype).filter(|raw| bytes.len() / (2 + raw) >= FEWEST) else {
        return false;
    };
    let n = bytes.len() / (2 + raw);
    let uppers = upper_halves(bytes, raw);
    let counts = histogram(&uppers);
    let first = window(&counts);
    let within = &counts[first..(first + WINDOW).min(JOINTS)];
    let mut of_symbols = vec![n as u64 - within.iter().sum::<u64>()];
    of_symbols.extend(within);
    of_symbols.resize(WINDOW + 1, 0);
    let table = FreqTable::from_counts(&of_symbols);
    let fixed = (n * FIVE).div_ceil(8) + raw * n + 2 * of_symbols[0] as usize;
    if super::super::encode::estimate(&of_symbols, &table) + fixed >= limit {
        return false;
    }
    let mut of_joints = vec![0u8; n];
    symbols_of(&uppers, first as u16, &mut of_joints);
    let mut escapes = Vec::new();
    if of_symbols[0] > 0 {
        let escaped = uppers.iter().zip(&of_joints).filter(|(_, s)| **s == ESCAPE);
        escaped.for_each(|(&u, _)| escapes.extend_from_slice(&joint(u).to_le_bytes()));
    }
    out.extend_from_slice(&(first as u16).to_le_bytes());
    let mut enc = Encoder::new();
    table.write(&mut enc, &mut TableModel::new());
    put_blob(out, &enc.finish());
    put_blob(out, &symbols::encode_wide(&of_joints, &table));
    put_blob(out, &escapes);
    pack_fives(&uppers, out);
    if raw == 2 {
        let (elements, _) = bytes.as_chunks::<4>();
        out.extend(elements.iter().flat_map(|&[a, b, ..]| [a, b]));
    }
    true
}

/// The upper halves of elements.
fn upper_halves(bytes: &[u8], raw: usize) -> Vec<u16> {
    match raw {
        0 => {
            let (elements, _) = bytes.as_chunks::<2>();
            elements.iter().map(|&e| u16::from_le_bytes(e)).collect()
        }
        _ => {
            let (elements, _) = bytes.as_chunks::<4>();
            let halves = elements
                .iter()
                .map(|&[.., a, b]| u16::from_le_bytes([a, b]));
            halves.collect()
        }
    }
}

/// Exponent and three bits of the mantissa.
#[inline(always)]
fn joint(upper: u16) -> u16 {
    upper >> 4 & (JOINTS as u16 - 1)
}

/// How often each joint number occurs.
fn histogram(uppers: &[u16]) -> Vec<u64> {
    // Two counts take turns: equal numbers in a row would wait for each other. A tile has fewer
    // than 2³² elements.
    let mut turns = [[0u32; JOINTS]; 2];
    let (pairs, rest) = uppers.as_chunks::<2>();
    for &[a, b] in pairs {
        turns[0][usize::from(joint(a))] += 1;
        turns[1][usize::from(joint(b))] += 1;
    }
    rest.iter()
        .for_each(|&a| turns[0][usize::from(joint(a))] += 1);
    let [a, b] = &turns;
    a.iter()
        .zip(b)
        .map(|(a, b)| u64::from(*a) + u64::from(*b))
        .collect()
}

/// Where the window begins that holds most: the first of those.
fn window(counts: &[u64]) -> usize {
    let mut held: u64 = counts[..WINDOW].iter().sum();
    let (mut best, mut most) = (0, held);
    for first in 1..=JOINTS - WINDOW {
        held = held + counts[first + WINDOW - 1] - counts[first - 1];
        if held > most {
            (best, most) = (first, held);
        }
    }
    best
}

multiversion! {
    fn symbols_of(uppers: &[u16], first: u16, out: &mut [u8]) = symbols_of_body;
}

#[inline(always)]
fn symbols_of_body(uppers: &[u16], first: u16, out: &mut [u8]) {
    for (&upper, out) in uppers.iter().zip(out) {
        let from_first = joint(upper).wrapping_sub(first);
        let symbol = if from_first < WINDOW as u16 {
            from_first + 1
        } else {
            u16::from(ESCAPE)
        };
        *out = symbol as u8;
    }
}

/// Appends what joint numbers leave of the upper halves: four bits of the mantissa above the sign.
fn pack_fives(uppers: &[u16], out: &mut Vec<u8>) {
    let five = |upper: u16| u64::from((upper & 15) << 1 | upper >> 15);
    let (eights, rest) = uppers.as_chunks::<8>();
    let packed = |uppers: &[u16]| {
        let fives = uppers.iter().rev().fold(0, |v, &u| v << FIVE | five(u));
        fives.to_le_bytes()
    };
    for eight in eights {
        out.extend_from_slice(&packed(eight)[..FIVE]);
    }
    out.extend_from_slice(&packed(rest)[..(rest.len() * FIVE).div_ceil(8)]);
}
