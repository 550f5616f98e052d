//! The reference.

#[cfg(feature = "encode")]
use super::parts::PartsMut;
use super::parts::{FIVE, Parts};

/// Floats put together at a time: their fives are whole bytes, and fit in registers.
const EIGHT: usize = 8;

/// Takes eight numbers of five bits apart.
#[inline(always)]
fn unpack(packed: &[u8; FIVE]) -> [u8; EIGHT] {
    let &[a, b, c, d, e] = packed;
    // 40 bits, halved three times: into 20, 10 and 5 each in a field of its own.
    let v = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
    let v = v & 0x0f_ffff | (v & 0xff_fff0_0000) << 12;
    let v = v & 0x0000_03ff_0000_03ff | (v & 0x000f_fc00_000f_fc00) << 6;
    let v = v & 0x001f_001f_001f_001f | (v & 0x03e0_03e0_03e0_03e0) << 3;
    v.to_le_bytes()
}

/// The upper half of a float: sign, joint number, four bits of the mantissa.
#[inline(always)]
fn upper(before: u16, symbol: u8, five: u8) -> u16 {
    let (joint, five) = (before.wrapping_add(symbol.into()), u16::from(five));
    five << 15 | (joint & 0x7ff) << 4 | five >> 1
}

/// Calls `put` with every upper half and returns the lowest symbol.
#[inline(always)]
fn uppers(parts: &Parts<'_>, mut put: impl FnMut(usize, u16)) -> u8 {
    let mut lowest = u8::MAX;
    let (whole, rest) = parts.fives.as_chunks::<FIVE>();
    let mut last = [0; FIVE];
    last[..rest.len()].copy_from_slice(rest);
    let eights = parts.symbols.chunks(EIGHT);
    for (i, (symbols, packed)) in eights.zip(whole.iter().chain([&last])).enumerate() {
        for (k, (&symbol, five)) in symbols.iter().zip(unpack(packed)).enumerate() {
            put(i * EIGHT + k, upper(parts.before, symbol, five));
            lowest = lowest.min(symbol);
        }
    }
    lowest
}

/// Floats of 16 bits.
pub(super) fn brains(parts: &Parts<'_>, out: &mut [u8]) -> u8 {
    let (out, _) = out.as_chunks_mut::<2>();
    uppers(parts, |i, upper| out[i] = upper.to_le_bytes())
}

/// Floats of 32 bits.
pub(super) fn singles(parts: &Parts<'_>, out: &mut [u8]) -> u8 {
    let (out, _) = out.as_chunks_mut::<4>();
    let (lower, _) = parts.lower.as_chunks::<2>();
    uppers(parts, |i, upper| {
        let ([a, b], [c, d]) = (lower[i], upper.to_le_bytes());
        out[i] = [a, b, c, d];
    })
}

/// The inverse, of floats of `width` bytes.
#[cfg(feature = "encode")]
pub(super) fn take_apart(floats: &[u8], width: usize, parts: &mut PartsMut<'_>) {
    let eights = floats.chunks(EIGHT * width.max(1));
    let symbols = parts.symbols.chunks_mut(EIGHT);
    let fives = parts.fives.chunks_mut(FIVE);
    for ((floats, symbols), packed) in eights.zip(symbols).zip(fives) {
        let mut bits = 0u64;
        for (k, (float, symbol)) in floats.chunks_exact(width).zip(symbols).enumerate() {
            let &[.., a, b] = float else { continue };
            let upper = u16::from_le_bytes([a, b]);
            let number = (upper >> 4 & 0x7ff).wrapping_sub(parts.before);
            *symbol = u8::try_from(number).unwrap_or(0);
            bits |= u64::from((upper & 15) << 1 | upper >> 15) << (k * FIVE);
        }
        packed.copy_from_slice(&bits.to_le_bytes()[..packed.len()]);
    }
    if width == 4 {
        let (lower, _) = parts.lower.as_chunks_mut::<2>();
        let (floats, _) = floats.as_chunks::<4>();
        for (lower, &[a, b, ..]) in lower.iter_mut().zip(floats) {
            *lower = [a, b];
        }
    }
}
