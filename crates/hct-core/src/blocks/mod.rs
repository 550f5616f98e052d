//! Block-quantized weights as ggml stores them, bit for bit: every block is split into its scales
//! and fields of symbols that are alike, each coded in contexts of its own.

mod block_type;
#[cfg(feature = "encode")]
mod encode;
mod layout;

pub use block_type::BlockType;
#[cfg(feature = "encode")]
pub(crate) use encode::encode_tile;

use layout::{Context, Field, Layout};

use crate::entropy::binary::{Bit, Decoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Error, Result};

const RAW: u8 = 0;
const FIELDS: u8 = 1;

/// Parts of the range of a field's symbols that a zero point may fall into.
const ZERO_PARTS: u64 = 16;

/// Adds the sections of a tile of blocks of a type.
pub(crate) fn sections(payload: &[u8], kind: BlockType, out: &mut Sections) -> Result<()> {
    let layout = Layout::of(kind);
    let mut r = Reader::new(payload, "tile of blocks");
    let (mut scales, mut tables) = (0, 0);
    if r.u8()? == FIELDS {
        if !layout.halves.is_empty() {
            scales = r.blob()?.len();
        }
        for _ in layout.fields {
            tables += r.blob()?.len();
            r.blob()?;
        }
    }
    out.add(Section::Scales, scales as u64);
    out.add(Section::Tables, tables as u64);
    let rest = payload.len() - scales - tables;
    out.add(Section::Values, rest as u64);
    Ok(())
}

/// Decodes a tile into `out`, whole blocks.
///
/// # Errors
/// When the payload is not what an encoder makes.
pub(crate) fn decode_tile(payload: &[u8], kind: BlockType, out: &mut [u8]) -> Result<()> {
    let mut r = Reader::new(payload, "tile of blocks");
    match r.u8()? {
        RAW => out.copy_from_slice(r.bytes(out.len())?),
        FIELDS => {
            out.fill(0);
            decode_fields(&mut r, kind, out)?;
        }
        value => {
            return Err(Error::Reserved {
                field: "coding of blocks",
                value: value.into(),
            });
        }
    }
    r.finish()
}

fn decode_fields(r: &mut Reader<'_>, kind: BlockType, out: &mut [u8]) -> Result<()> {
    let layout = Layout::of(kind);
    let blocks = out.len() / kind.bytes();
    let mut parts = Parts::default();
    if !layout.halves.is_empty() {
        let mut dec = Decoder::new(r.blob()?);
        for &at in layout.halves {
            let mut model = HalfModel::new();
            let mut halves = Vec::with_capacity(blocks);
            for block in out.chunks_exact_mut(kind.bytes()) {
                let half = model.decode(&mut dec)?;
                block[at..at + 2].copy_from_slice(&half.to_le_bytes());
                halves.push(half);
            }
            parts.halves.push(halves);
        }
        dec.finish("scales of blocks")?;
    }
    for field in layout.fields {
        let contexts = parts.contexts(field, blocks);
        let mut dec = Decoder::new(r.blob()?);
        let tables = read_tables(&mut dec, field, contexts.tables)?;
        dec.finish("tables of blocks")?;
        let n = blocks * field.symbols();
        let symbols = symbols::decode(r.blob()?, n, &tables, |i, _| contexts.of(i))?;
        let places = places(field);
        for (block, of_block) in out
            .chunks_exact_mut(kind.bytes())
            .zip(symbols.chunks_exact(field.symbols()))
        {
            for (place, &symbol) in places.iter().zip(of_block) {
                place.put(block, symbol);
            }
        }
        parts.fields.push(symbols);
    }
    Ok(())
}

/// The tables of a field's contexts; a context without its own has that of the one before.
fn read_tables(dec: &mut Decoder<'_>, field: &Field, contexts: usize) -> Result<Vec<FreqTable>> {
    let mut own = UintModel::new();
    let mut model = TableModel::new();
    let mut tables: Vec<FreqTable> = Vec::with_capacity(contexts);
    for _ in 0..contexts {
        let table = match (tables.last(), own.decode(dec)) {
            (Some(last), 0) => last.clone(),
            (_, 1) => FreqTable::read(dec, &mut model, 1 << field.bits())?,
            _ => {
                return Err(Error::invalid(
                    "tables of blocks",
                    "the first context has none, or the flag is reserved",
                ));
            }
        };
        tables.push(table);
    }
    Ok(tables)
}

/// What is known of a tile's blocks so far.
#[derive(Default)]
struct Parts {
    /// FP16 numbers, block by block, of each place in a block.
    halves: Vec<Vec<u16>>,
    /// Symbols, block by block, of each field.
    fields: Vec<Vec<u8>>,
}

/// The contexts of a field's symbols.
struct Contexts {
    /// How many there are.
    tables: usize,
    /// Those of runs of symbols; empty where there is one.
    runs: Vec<u8>,
    /// Symbols of a run.
    run: usize,
}

impl Contexts {
    /// The context of symbol `i` of the tile.
    fn of(&self, i: usize) -> usize {
        self.runs.get(i / self.run).map_or(0, |&c| c.into())
    }
}

impl Parts {
    fn contexts(&self, field: &Field, blocks: usize) -> Contexts {
        match field.context {
            Context::One => Contexts {
                tables: 1,
                runs: Vec::new(),
                run: 1,
            },
            Context::Symbol { field: of, shift } => Contexts {
                tables: 1 << (field.bits() as u32 - shift),
                runs: self.fields[of].iter().map(|s| s >> shift).collect(),
                run: 1,
            },
            Context::Zero { weights, factors } => {
                let runs_a_block = field.symbols() / weights;
                let factor = |of: usize, run: usize| u64::from(self.fields[of][run]);
                let zero = |run: usize| {
                    let block = run / runs_a_block;
                    let [scale, least] = [0, 1].map(|half| units(self.halves[half][block]));
                    let (scale, least) = match factors {
                        Some((scales, minima)) => {
                            (scale * factor(scales, run), least * factor(minima, run))
                        }
                        None => (scale, least),
                    };
                    let part = (ZERO_PARTS * least).checked_div(scale << field.bits());
                    part.unwrap_or(0).min(ZERO_PARTS - 1) as u8
                };
                Contexts {
                    tables: ZERO_PARTS as usize,
                    runs: (0..blocks * runs_a_block).map(zero).collect(),
                    run: weights,
                }
            }
        }
    }
}

/// The magnitude of a finite FP16 number in units of 2⁻²⁴, below 2⁴²; of others as if their
/// exponent were one of numbers.
fn units(half: u16) -> u64 {
    let (exponent, mantissa) = (half >> 10 & 31, u64::from(half & 1023));
    match exponent {
        0 => mantissa,
        e => (mantissa + 1024) << (e - 1),
    }
}

/// The bits of one symbol in its block: of up to two slices, low ones first.
#[derive(Clone, Copy, Default)]
struct Place([Bits; 2]);

/// Some bits of a byte.
#[derive(Clone, Copy, Default)]
struct Bits {
    byte: usize,
    shift: usize,
    mask: u8,
    /// Where they are in the symbol.
    at: usize,
}

impl Place {
    #[cfg(feature = "encode")]
    fn get(&self, block: &[u8]) -> u8 {
        let bits = |b: &Bits| (block[b.byte] >> b.shift & b.mask) << b.at;
        self.0.iter().map(bits).fold(0, |a, b| a | b)
    }

    fn put(&self, block: &mut [u8], symbol: u8) {
        for b in &self.0 {
            block[b.byte] |= (symbol >> b.at & b.mask) << b.shift;
        }
    }
}

/// Where each symbol of a block's field is.
fn places(field: &Field) -> Vec<Place> {
    let of = |slices: &'static [layout::Slice], i: usize| {
        let mut place = Place::default();
        let mut at = 0;
        for (bits, slice) in place.0.iter_mut().zip(slices) {
            let bit = slice.bit_of(i);
            *bits = Bits {
                byte: bit / 8,
                shift: bit % 8,
                mask: (u16::MAX >> (16 - slice.width)) as u8,
                at,
            };
            at += slice.width;
        }
        place
    };
    let parts = field.parts.iter();
    parts
        .flat_map(|part| (0..part.count).map(move |i| of(part.slices, i)))
        .collect()
}

/// Adaptive model of FP16 numbers that go up and down along a tensor: the sign, and the other bits
/// as the difference from their running mean.
struct HalfModel {
    sign: Bit,
    difference: UintModel,
    /// 16 times the mean.
    mean: i64,
    seen: i64,
}

impl HalfModel {
    fn new() -> Self {
        HalfModel {
            sign: Bit::new(),
            difference: UintModel::new(),
            mean: 0,
            seen: 0,
        }
    }

    fn prediction(&self) -> i64 {
        (self.mean + 8) >> 4
    }

    fn update(&mut self, magnitude: u16) {
        self.seen = (self.seen + 1).min(16);
        self.mean += (16 * i64::from(magnitude) - self.mean) / self.seen;
    }

    fn decode(&mut self, dec: &mut Decoder<'_>) -> Result<u16> {
        let sign = u16::from(dec.bit(&mut self.sign)) << 15;
        let difference = self.difference.decode_signed(dec);
        let magnitude = difference
            .checked_add(self.prediction())
            .and_then(|m| u16::try_from(m).ok())
            .filter(|m| m >> 15 == 0);
        let Some(magnitude) = magnitude else {
            return Err(Error::invalid("scale of a block", "is out of range"));
        };
        self.update(magnitude);
        Ok(sign | magnitude)
    }
}
