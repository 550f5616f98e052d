//! Floats of 8 exponent bits, as BF16 and F32 have them: the exponent and the upper three bits of
//! the mantissa are one symbol, the other bits are stored as they are.
//!
//! Within an octave small weights are likelier than large ones, and the more so the larger they are:
//! what the upper bits of a mantissa have to tell depends on the exponent. One symbol for both takes
//! less room than one for each, and half of the time. The rest of a mantissa is as good as random.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(super) use encode::encode;

use crate::entropy::binary::Decoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols::SymbolReader;
use crate::simd::multiversion;
use crate::wire::Reader;
use crate::{Dtype, Error, Result};

/// Bits of a joint number: 8 of the exponent and 3 of the mantissa.
const JOINT_BITS: u32 = 11;
/// Bits that follow in the mantissa, and the sign.
const FIVE: usize = 5;
/// Elements put together at a time: pieces that stay in the first cache, and whole bytes of fives.
const PIECE: usize = 4096;
const _: () = assert!(PIECE.is_multiple_of(SymbolReader::PIECE) && PIECE.is_multiple_of(8));
/// The symbol of joint numbers outside the window of the others.
const ESCAPE: u8 = 0;

/// Bytes of an element after its joint number and its five, of those dtypes that can be coded so.
fn raw_bytes(dtype: Dtype) -> Option<usize> {
    match dtype {
        Dtype::BF16 => Some(0),
        Dtype::F32 => Some(2),
        _ => None,
    }
}

/// Reads the parts of a tile and returns the bytes of its table.
///
/// # Errors
/// When it is cut short.
pub(super) fn table_bytes(r: &mut Reader<'_>) -> Result<usize> {
    r.u16()?;
    Ok(r.blob()?.len())
}

/// Decodes a tile into `out`.
///
/// # Errors
/// When it is not what an encoder makes.
pub(super) fn decode(r: &mut Reader<'_>, dtype: Dtype, out: &mut [u8]) -> Result<()> {
    let Some(raw) = raw_bytes(dtype) else {
        return Err(Error::Reserved {
            field: "lossless coding",
            value: super::JOINT.into(),
        });
    };
    let width = 2 + raw;
    let n = out.len() / width;
    let first = r.u16()?;
    let mut dec = Decoder::new(r.blob()?);
    let table = FreqTable::read(&mut dec, &mut TableModel::new(), 256)?;
    dec.finish("table of joint numbers")?;
    let mut symbols = SymbolReader::wide(r.blob()?, &table)?;
    let mut escapes = Escapes(r.blob()?);
    let fives = r.bytes((n * FIVE).div_ceil(8))?;
    let planes = [r.bytes(n.min(n * raw))?, r.bytes(n.min(n * raw))?];
    if !(n * FIVE).is_multiple_of(8) && fives[n * FIVE / 8] >> (n * FIVE % 8) != 0 {
        return Err(Error::invalid("joint tile", "has bits set past its end"));
    }
    let (mut of_symbols, mut of_fives) = ([0u8; PIECE], [0u8; PIECE]);
    let pieces = out
        .chunks_mut(width * PIECE)
        .zip(fives.chunks(PIECE * FIVE / 8));
    for (i, (out, fives)) in pieces.enumerate() {
        let m = out.len() / width;
        symbols.read(&mut of_symbols[..m]);
        unpack_fives(fives, &mut of_fives);
        let piece = Piece {
            before: first.wrapping_sub(1),
            symbols: &of_symbols[..m],
            fives: &of_fives[..m],
        };
        match raw {
            0 => brains(&piece, out),
            _ => {
                let at = i * PIECE;
                singles(
                    &piece,
                    [&planes[0][at..at + m], &planes[1][at..at + m]],
                    out,
                );
            }
        }
        if piece.symbols.contains(&ESCAPE) {
            for (symbol, element) in piece.symbols.iter().zip(out.chunks_exact_mut(width)) {
                if *symbol == ESCAPE {
                    escapes.put(element)?;
                }
            }
        }
    }
    symbols.finish()?;
    escapes.finish()
}

/// Joint numbers that have no symbol.
struct Escapes<'a>(&'a [u8]);

impl Escapes<'_> {
    /// Puts the next into an element, over its own joint number.
    fn put(&mut self, element: &mut [u8]) -> Result<()> {
        let Some((&[low, high], rest)) = self.0.split_first_chunk() else {
            return Err(Error::invalid(
                "joint tile",
                "has too few numbers without a symbol",
            ));
        };
        self.0 = rest;
        let joint = u16::from_le_bytes([low, high]);
        if joint >> JOINT_BITS != 0 {
            return Err(Error::invalid("joint number", "is out of range"));
        }
        if let [.., a, b] = element {
            // They are bits 4 to 14 of the upper half.
            let upper = u16::from_le_bytes([*a, *b]) & 0x800f | joint << 4;
            [*a, *b] = upper.to_le_bytes();
        }
        Ok(())
    }

    fn finish(&self) -> Result<()> {
        match self.0 {
            [] => Ok(()),
            _ => Err(Error::invalid(
                "joint tile",
                "has too many numbers without a symbol",
            )),
        }
    }
}

/// What the elements of a piece have in common.
struct Piece<'a> {
    /// The joint number of symbol 1, less 1.
    before: u16,
    symbols: &'a [u8],
    fives: &'a [u8],
}

/// The upper halves of elements: sign, joint number, four bits of the mantissa.
#[inline(always)]
fn upper(before: u16, symbol: u8, five: u8) -> u16 {
    let (joint, five) = (before.wrapping_add(symbol.into()), u16::from(five));
    five << 15 | (joint & 0x7ff) << 4 | five >> 1
}

multiversion! {
    fn brains(piece: &Piece<'_>, out: &mut [u8]) = brains_body;
}

#[inline(always)]
fn brains_body(piece: &Piece<'_>, out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for ((out, &symbol), &five) in out.iter_mut().zip(piece.symbols).zip(piece.fives) {
        *out = upper(piece.before, symbol, five).to_le_bytes();
    }
}

multiversion! {
    fn singles(piece: &Piece<'_>, planes: [&[u8]; 2], out: &mut [u8]) = singles_body;
}

#[inline(always)]
fn singles_body(piece: &Piece<'_>, [low, high]: [&[u8]; 2], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<4>();
    let coded = piece.symbols.iter().zip(piece.fives);
    let raw = low.iter().zip(high);
    for (out, ((&symbol, &five), (&low, &high))) in out.iter_mut().zip(coded.zip(raw)) {
        let lower = u32::from(low) | u32::from(high) << 8;
        let upper = u32::from(upper(piece.before, symbol, five));
        *out = (upper << 16 | lower).to_le_bytes();
    }
}

/// Takes numbers of five bits apart, the first in the lowest bits; what `out` has beyond them is
/// undefined.
fn unpack_fives(packed: &[u8], out: &mut [u8; PIECE]) {
    let (eights, _) = out.as_chunks_mut::<8>();
    let (whole, rest) = packed.as_chunks::<FIVE>();
    let mut last = [0; FIVE];
    last[..rest.len()].copy_from_slice(rest);
    for (out, packed) in eights.iter_mut().zip(whole.iter().chain([&last])) {
        let &[a, b, c, d, e] = packed;
        // 40 bits, halved three times: into 20, 10 and 5 each in a field of its own.
        let v = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
        let v = v & 0x0f_ffff | (v & 0xff_fff0_0000) << 12;
        let v = v & 0x0000_03ff_0000_03ff | (v & 0x000f_fc00_000f_fc00) << 6;
        let v = v & 0x001f_001f_001f_001f | (v & 0x03e0_03e0_03e0_03e0) << 3;
        *out = v.to_le_bytes();
    }
}
