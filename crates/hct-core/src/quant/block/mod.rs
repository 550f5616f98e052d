//! Block quantizer: signed integers of 4 or 8 bits in blocks of kept values, each block with an
//! FP16 scale. The scale is rounded up, so that no value is ever clipped.

use half::f16;

use crate::entropy::binary::{Decoder, Encoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::floats::to_half;
use crate::quant::positions;
use crate::recipe::BlockBits;
use crate::wire::{Reader, put_blob, put_varint, unzigzag, zigzag};
use crate::{Error, Result};

/// Kept values that share a scale.
pub(crate) const BLOCK: usize = 32;

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

    fn pack(self, symbols: &[u8]) -> Vec<u8> {
        match self {
            BlockBits::Int8 => symbols.to_vec(),
            BlockBits::Int4 => symbols
                .chunks(2)
                .map(|p| p[0] | p.get(1).map_or(0, |&b| b << 4))
                .collect(),
        }
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

/// The power of two that brings `max` to the top of the FP16 range, so that 38 octaves below it
/// still have scales.
pub(crate) fn exponent(max: f32) -> i32 {
    if max == 0.0 {
        0
    } else {
        libm::ilogbf(max) - 14
    }
}

/// 2^e exactly, for the exponents that occur in finite f32 values.
pub(crate) fn exp2i(e: i32) -> f64 {
    libm::ldexp(1.0, e)
}

/// Exponents lie within the range of f32, subnormals included, less the 14 of [`exponent`].
pub(crate) fn read_exponent(reader: &mut Reader<'_>) -> Result<i32> {
    let e = unzigzag(reader.varint()?);
    if (-164..=114).contains(&e) {
        Ok(e as i32)
    } else {
        Err(Error::invalid(
            "tile exponent",
            format!("{e} is out of range"),
        ))
    }
}

/// Encodes the kept values of a tile whose rows are `row` long.
pub(crate) fn encode(values: &[f32], mask: &[bool], row: usize, bits: BlockBits) -> Vec<u8> {
    let mut out = Vec::new();
    positions::encode(mask, row, &mut out);
    let kept: Vec<f32> = values
        .iter()
        .zip(mask)
        .filter(|&(_, &k)| k)
        .map(|(&v, _)| v)
        .collect();
    let e = exponent(kept.iter().fold(0.0, |m, v| v.abs().max(m)));
    put_varint(&mut out, zigzag(e.into()));
    let (scales, symbols) = quantize(&kept, e, bits);
    put_varint(&mut out, scales.len() as u64);
    put_scales(&mut out, &scales);
    put_symbols(&mut out, &symbols, bits);
    out
}

fn quantize(kept: &[f32], e: i32, bits: BlockBits) -> (Vec<u16>, Vec<u8>) {
    let unit = exp2i(-e);
    let max_index = bits.max();
    let mut scales = Vec::with_capacity(kept.len().div_ceil(BLOCK));
    let mut symbols = Vec::with_capacity(kept.len());
    for block in kept.chunks(BLOCK) {
        let max = block.iter().fold(0f32, |m, v| v.abs().max(m));
        let scale = scale_above(f64::from(max) * unit / f64::from(max_index));
        scales.push(scale.to_bits());
        let inverse = if scale == f16::ZERO {
            0.0
        } else {
            1.0 / scale.to_f64()
        };
        symbols.extend(block.iter().map(|&v| {
            let k = libm::round(f64::from(v) * unit * inverse) as i32;
            debug_assert!(k.abs() <= max_index, "a scale rounded up cannot clip");
            (k + max_index) as u8
        }));
    }
    (scales, symbols)
}

/// The smallest FP16 value not below `x`.
fn scale_above(x: f64) -> f16 {
    let nearest = to_half(x as f32);
    if nearest.to_f64() < x {
        f16::from_bits(nearest.to_bits() + 1)
    } else {
        nearest
    }
}

fn put_scales(out: &mut Vec<u8>, scales: &[u16]) {
    let mut enc = Encoder::new();
    let mut model = UintModel::new();
    let mut mean = 0i64;
    for (i, &s) in scales.iter().enumerate() {
        model.encode_signed(&mut enc, i64::from(s) - predicted(mean));
        mean = updated(mean, i, s);
    }
    let coded = enc.finish();
    if coded.len() < 2 * scales.len() {
        out.push(CODED);
        put_blob(out, &coded);
    } else {
        out.push(RAW);
        scales
            .iter()
            .for_each(|s| out.extend_from_slice(&s.to_le_bytes()));
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

fn read_scales(reader: &mut Reader<'_>, blocks: usize) -> Result<Vec<f64>> {
    let valid = |bits: i64| match u16::try_from(bits) {
        Ok(b) if b < 0x7c00 => Ok(f16::from_bits(b).to_f64()),
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

fn put_symbols(out: &mut Vec<u8>, symbols: &[u8], bits: BlockBits) {
    let packed = bits.pack(symbols);
    let mut counts = vec![0u64; bits.symbols()];
    symbols.iter().for_each(|&s| counts[usize::from(s)] += 1);
    if !symbols.is_empty() {
        let table = FreqTable::from_counts(&counts);
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        let mut coded = Vec::new();
        put_blob(&mut coded, &enc.finish());
        coded.extend(symbols::encode(
            symbols,
            std::slice::from_ref(&table),
            |_| 0,
        ));
        if coded.len() < packed.len() {
            out.push(CODED);
            out.extend(coded);
            return;
        }
    }
    out.push(RAW);
    out.extend(packed);
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

/// The sections of a tile, in bytes: positions, scales, tables, values; the rest is headers.
pub(crate) fn sections(payload: &[u8]) -> Result<[usize; 4]> {
    let mut r = Reader::new(payload, "block tile");
    let positions = positions::skip(&mut r)?;
    read_exponent(&mut r)?;
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
    Ok([positions, scales, tables, r.remaining()])
}

/// Decodes a tile into `out`; dropped values become 0.
///
/// # Errors
/// When the payload is not what [`encode`] makes.
pub(crate) fn decode(payload: &[u8], row: usize, bits: BlockBits, out: &mut [f32]) -> Result<()> {
    let mut r = Reader::new(payload, "block tile");
    let mask = positions::decode(&mut r, out.len(), row)?;
    let kept = mask.iter().filter(|&&k| k).count();
    let unit = exp2i(read_exponent(&mut r)?);
    let blocks = r.varint()?;
    if blocks != kept.div_ceil(BLOCK) as u64 {
        return Err(Error::invalid(
            "block count",
            "does not match the kept positions",
        ));
    }
    let scales = read_scales(&mut r, kept.div_ceil(BLOCK))?;
    let symbols = read_symbols(&mut r, kept, bits)?;
    let max_index = bits.max();
    let mut values = symbols.chunks(BLOCK).zip(&scales).flat_map(|(block, &s)| {
        block
            .iter()
            .map(move |&k| f64::from(i32::from(k) - max_index) * (s * unit))
    });
    for (v, &keep) in out.iter_mut().zip(&mask) {
        *v = if keep {
            finite(values.next().unwrap_or(0.0))
        } else {
            0.0
        };
    }
    Ok(())
}

/// Nearest f32, the largest finite one instead of infinity: a reproduction point may lie half a
/// step above a value at the very end of the range.
pub(crate) fn finite(v: f64) -> f32 {
    (v as f32).clamp(f32::MIN, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_clipped_whatever_its_size() {
        let mut values: Vec<f32> = (0..1000)
            .map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0)
            .collect();
        values[10] = 1e6;
        values[500] = -3e-39;
        for bits in [BlockBits::Int4, BlockBits::Int8] {
            let payload = encode(&values, &[true; 1000], 100, bits);
            let mut out = vec![0.0; 1000];
            decode(&payload, 100, bits, &mut out).unwrap();
            for (block, back) in values.chunks(BLOCK).zip(out.chunks(BLOCK)) {
                let max = block.iter().fold(0f32, |m, v| v.abs().max(m));
                // Scales far below the tile's largest are subnormal and coarser.
                let half_step = 0.55 * max / bits.max() as f32;
                for (a, b) in block.iter().zip(back) {
                    assert!((a - b).abs() <= half_step, "{a} became {b}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_f32_range_stay_finite() {
        let values = [f32::MAX, f32::MIN, -f32::MAX, 1e38];
        let mut out = [0.0; 4];
        decode(
            &encode(&values, &[true; 4], 4, BlockBits::Int4),
            4,
            BlockBits::Int4,
            &mut out,
        )
        .unwrap();
        assert!(
            out.iter()
                .zip(values)
                .all(|(o, v)| o.is_finite() && (o / v - 1.0).abs() < 0.3)
        );
        let tiny = [
            f32::from_bits(1),
            -f32::from_bits(7),
            0.0,
            f32::from_bits(3),
        ];
        decode(
            &encode(&tiny, &[true; 4], 4, BlockBits::Int8),
            4,
            BlockBits::Int8,
            &mut out,
        )
        .unwrap();
        assert_eq!(out[1].to_bits(), tiny[1].to_bits());
    }

    #[test]
    fn entropy_coding_saves_on_the_raw_four_and_a_half_bits() {
        let values: Vec<f32> = (0..1 << 16)
            .map(|i: u32| {
                (0..6)
                    .map(|j| (i * 6 + j).wrapping_mul(2_654_435_761) >> 16)
                    .sum::<u32>() as f32
                    / 65536.0
                    - 3.0
            })
            .collect();
        let payload = encode(&values, &vec![true; values.len()], 256, BlockBits::Int4);
        let bpw = payload.len() as f64 * 8.0 / values.len() as f64;
        assert!(bpw < 4.1, "{bpw}");
    }
}
