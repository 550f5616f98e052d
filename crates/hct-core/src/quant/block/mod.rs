//! Block quantizer: signed integers of 4 or 8 bits in blocks of kept values, each block with an
//! FP16 scale. The scale is rounded up, so that no value is ever clipped.

#[cfg(feature = "encode")]
pub(super) mod encode;
mod values;

pub(crate) use values::BLOCK;

use crate::entropy::binary::{Decoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::quant::exponent::{self, exp2i};
use crate::quant::{kept, positions};
use crate::recipe::BlockBits;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Error, Result};

const RAW: u8 = 0;
const CODED: u8 = 1;

impl BlockBits {
    /// Largest magnitude.
    pub(crate) fn max(self) -> i32 {
        match self {
            BlockBits::Int4 => 7,
            BlockBits::Int8 => 127,
        }
    }

    fn symbols(self) -> usize {
        2 * self.max() as usize + 1
    }

    fn unpack(self, bytes: &[u8], n: usize) -> Result<Vec<u8>> {
        let (wanted, symbols): (usize, Vec<u8>) = match self {
            BlockBits::Int8 => (n, bytes.to_vec()),
            BlockBits::Int4 => (
                n.div_ceil(2),
                bytes
                    .iter()
                    .flat_map(|b| [b & 15, b >> 4])
                    .take(n)
                    .collect(),
            ),
        };
        let limit = self.symbols();
        if bytes.len() != wanted || symbols.iter().any(|&s| usize::from(s) >= limit) {
            return Err(Error::invalid(
                "block symbols",
                "wrong length or a reserved value",
            ));
        }
        Ok(symbols)
    }
}

/// FP16 bit patterns order as their values, so they are predicted by their running mean, kept
/// in 1/16 and averaged over the last 16 or so.
fn predicted(mean: i64) -> i64 {
    (mean + 8) >> 4
}

fn updated(mean: i64, seen: usize, s: u16) -> i64 {
    mean + (16 * i64::from(s) - mean) / (seen as i64 + 1).min(16)
}

/// The number that finite, non-negative FP16 `bits` are: those of a single-precision number but
/// for the bias of its exponent.
fn scale_of(bits: u16) -> f64 {
    const BIAS: f64 = (1u128 << (127 - 15)) as f64;
    f64::from(f32::from_bits(u32::from(bits) << 13)) * BIAS
}

fn read_scales(reader: &mut Reader<'_>, blocks: usize) -> Result<Vec<f64>> {
    let valid = |bits: i64| match u16::try_from(bits) {
        Ok(b) if b < 0x7c00 => Ok(scale_of(b)),
        _ => Err(Error::invalid(
            "block scale",
            "is not a finite non-negative FP16 number",
        )),
    };
    match reader.u8()? {
        RAW => reader
            .bytes(2 * blocks)?
            .chunks_exact(2)
            .map(|b| valid(i64::from(u16::from_le_bytes([b[0], b[1]]))))
            .collect(),
        CODED => {
            let mut dec = Decoder::new(reader.blob()?);
            let mut model = UintModel::new();
            let mut mean = 0i64;
            let mut scales = Vec::with_capacity(blocks);
            for i in 0..blocks {
                let s = model
                    .decode_signed(&mut dec)
                    .saturating_add(predicted(mean));
                scales.push(valid(s)?);
                mean = updated(mean, i, s as u16);
            }
            dec.finish("block scales")?;
            Ok(scales)
        }
        value => Err(Error::Reserved {
            field: "scale coding",
            value: value.into(),
        }),
    }
}

fn read_symbols(reader: &mut Reader<'_>, n: usize, bits: BlockBits) -> Result<Vec<u8>> {
    match reader.u8()? {
        RAW => bits.unpack(reader.rest(), n),
        CODED => {
            let mut dec = Decoder::new(reader.blob()?);
            let table = FreqTable::read(&mut dec, &mut TableModel::new(), bits.symbols())?;
            dec.finish("symbol table")?;
            symbols::decode(reader.rest(), n, std::slice::from_ref(&table), |_, _| 0)
        }
        value => Err(Error::Reserved {
            field: "symbol coding",
            value: value.into(),
        }),
    }
}

/// Adds the sections of a tile.
pub(crate) fn sections(payload: &[u8], out: &mut Sections) -> Result<()> {
    let mut r = Reader::new(payload, "block tile");
    let positions = positions::skip(&mut r)?;
    exponent::read(&mut r)?;
    let blocks = r.varint()?;
    let scales = match r.u8()? {
        CODED => r.blob()?.len(),
        _ => r
            .bytes(
                usize::try_from(blocks)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(2),
            )?
            .len(),
    };
    let tables = match r.u8()? {
        CODED => r.blob()?.len(),
        _ => 0,
    };
    out.add(Section::Positions, positions as u64);
    out.add(Section::Scales, scales as u64);
    out.add(Section::Tables, tables as u64);
    out.add(Section::Values, r.remaining() as u64);
    Ok(())
}

/// Decodes a tile into `out`; dropped values become 0.
///
/// # Errors
/// When the payload is not what an encoder makes.
pub(crate) fn decode(payload: &[u8], row: usize, bits: BlockBits, out: &mut [f32]) -> Result<()> {
    let mut r = Reader::new(payload, "block tile");
    let mask = positions::decode(&mut r, out.len(), row)?;
    let kept = kept::count(&mask);
    let unit = exp2i(exponent::read(&mut r)?);
    let blocks = r.varint()?;
    if blocks != kept.div_ceil(BLOCK) as u64 {
        return Err(Error::invalid(
            "block count",
            "does not match the kept positions",
        ));
    }
    let scales = read_scales(&mut r, kept.div_ceil(BLOCK))?;
    let symbols = read_symbols(&mut r, kept, bits)?;
    values::place(&symbols, &scales, unit, bits.max(), &mask, out);
    Ok(())
}
