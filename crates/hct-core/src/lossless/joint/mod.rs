//! Floats of 8 exponent bits, as BF16 and F32 have them: the exponent and the upper three bits of
//! the mantissa are one symbol, the other bits are stored as they are.
//!
//! Within an octave small weights are likelier than large ones, and the more so the larger they are:
//! what the upper bits of a mantissa have to tell depends on the exponent. One symbol for both takes
//! less room than one for each, and half of the time. The rest of a mantissa is as good as random.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(super) use encode::{encode, estimate, is_for};

use crate::entropy::binary::Decoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols::SymbolReader;
use crate::kernels::fresh::Room;
use crate::kernels::joint::{FIVE, Parts, brains, singles};
use crate::wire::Reader;
use crate::{Dtype, Error, Result};

/// The first byte of a tile that is coded so.
pub(super) const JOINT: u8 = 2;
/// Bits of a joint number: 8 of the exponent and 3 of the mantissa.
const JOINT_BITS: u32 = 11;
/// Elements put together at a time: pieces that stay in the first cache, and whole bytes of fives.
const PIECE: usize = 4096;
const _: () = assert!(PIECE.is_multiple_of(SymbolReader::PIECE) && PIECE.is_multiple_of(8));
/// The symbol of joint numbers outside the window of the others.
const ESCAPE: u8 = 0;
/// Joint numbers that have a symbol.
const WINDOW: u16 = 255;
/// Where the window begins at most.
const LAST_WINDOW: u16 = (1 << JOINT_BITS) - WINDOW;

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
pub(super) fn decode(r: &mut Reader<'_>, dtype: Dtype, mut out: Room<'_>) -> Result<()> {
    let Some(raw) = raw_bytes(dtype) else {
        return Err(Error::Reserved {
            field: "lossless coding",
            value: JOINT.into(),
        });
    };
    let width = 2 + raw;
    let n = out.len() / width;
    let first = r.u16()?;
    if first > LAST_WINDOW {
        return Err(Error::invalid("window of joint numbers", "is out of range"));
    }
    let mut dec = Decoder::new(r.blob()?);
    let table = FreqTable::read(&mut dec, &mut TableModel::new(), 256)?;
    dec.finish("table of joint numbers")?;
    let mut reader = SymbolReader::wide(r.blob()?, &table)?;
    let mut escapes = Escapes(r.blob()?);
    let mut fives = r.bytes((n * FIVE).div_ceil(8))?;
    let mut lower = r.bytes(n * raw)?;
    if !(n * FIVE).is_multiple_of(8) && fives[n * FIVE / 8] >> (n * FIVE % 8) != 0 {
        return Err(Error::invalid("joint tile", "has bits set past its end"));
    }
    let mut symbols = [0; PIECE];
    while out.len() > 0 {
        let out = out.next(width * PIECE);
        let symbols = &mut symbols[..out.len() / width];
        reader.read(symbols);
        let parts = Parts {
            before: first.wrapping_sub(1),
            symbols,
            fives,
            lower,
        };
        let lowest = match raw {
            0 => brains(&parts, out),
            _ => singles(&parts, out),
        };
        if lowest == ESCAPE {
            for (symbol, element) in symbols.iter().zip(out.chunks_exact_mut(width)) {
                if *symbol == ESCAPE {
                    escapes.put(element)?;
                }
            }
        }
        fives = fives.get(PIECE / 8 * FIVE..).unwrap_or_default();
        lower = lower.get(PIECE * raw..).unwrap_or_default();
    }
    reader.finish()?;
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
