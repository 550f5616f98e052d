//! What the tiles of a tensor's difference share: how differences are taken, the drift table, and
//! the frequency tables by expected length.

use super::Layout;
use super::rows::Row;
use super::token::SYMBOLS;
#[cfg(feature = "encode")]
use crate::entropy::binary::Encoder;
use crate::entropy::binary::{Decoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::wire::Reader;
#[cfg(feature = "encode")]
use crate::wire::{put_blob, put_varint};
use crate::{Error, Result};

const DIFFERENCE: u8 = 0;
const EXCLUSIVE_OR: u8 = 1;

/// Most classes.
pub(crate) const MAX_CLASSES: usize = 32;
/// Offsets lie within ± this.
const MAX_OFFSET: u64 = 1 << 13;
const MAX_WIDTH: u64 = 1 << 10;
/// Longest row, in elements: a tile holds no more.
pub(crate) const MAX_ROW: u64 = 1 << 24;

/// How an expected length, in half octaves, becomes a class:
/// clamp(⌊(expected − offset) / width⌋, 0, classes − 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LengthClasses {
    pub offset: i32,
    pub width: i32,
    pub count: usize,
}

impl LengthClasses {
    #[inline(always)]
    pub fn class(&self, expected: i32) -> usize {
        ((expected - self.offset).div_euclid(self.width)).clamp(0, self.count as i32 - 1) as usize
    }
}

/// The header of a tensor coded against a base.
pub(crate) struct Header {
    /// Whether bit patterns are combined by exclusive or instead of subtraction.
    pub xor: bool,
    /// Elements of a row: each run of so many in a tile has a log-scale.
    pub row: usize,
    /// The difference that decay alone makes, by [`Layout::drift_key`]; empty for none.
    pub drift: Vec<i32>,
    pub classes: LengthClasses,
    /// One per class.
    pub tables: Vec<FreqTable>,
}

impl Header {
    /// The class of an element.
    #[inline(always)]
    pub fn class(&self, layout: Layout, row: Row, base: u32) -> usize {
        self.classes.class(row.log - layout.half_octaves(base))
    }

    /// The difference that is expected of an element, which the coded one is counted from.
    #[inline(always)]
    pub fn drift(&self, layout: Layout, row: Row, base: u32) -> i32 {
        if row.drifts {
            self.drift.get(layout.drift_key(base)).copied().unwrap_or(0)
        } else {
            0
        }
    }

    #[cfg(feature = "encode")]
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![if self.xor { EXCLUSIVE_OR } else { DIFFERENCE }];
        put_varint(&mut out, self.row as u64);
        let mut enc = Encoder::new();
        let mut numbers = UintModel::new();
        numbers.encode(&mut enc, self.classes.count as u64 - 1);
        numbers.encode_signed(&mut enc, i64::from(self.classes.offset));
        numbers.encode(&mut enc, self.classes.width as u64 - 1);
        numbers.encode(&mut enc, u64::from(!self.drift.is_empty()));
        let (mut model, mut before) = (UintModel::new(), 0i32);
        for &d in &self.drift {
            model.encode_signed(&mut enc, i64::from(d) - i64::from(before));
            before = d;
        }
        let mut tables = TableModel::new();
        let mut before = None;
        for table in &self.tables {
            let own = before != Some(table);
            numbers.encode(&mut enc, u64::from(own));
            if own {
                table.write(&mut enc, &mut tables);
            }
            before = Some(table);
        }
        put_blob(&mut out, &enc.finish());
        out
    }

    /// Inverse of [`Header::write`] for elements of `layout`.
    ///
    /// # Errors
    /// When it is not what an encoder makes.
    pub fn read(bytes: &[u8], layout: Layout) -> Result<Self> {
        let bad = |why: &str| Err(Error::invalid("header of a difference", why));
        let mut r = Reader::new(bytes, "header of a difference");
        let xor = match r.u8()? {
            DIFFERENCE => false,
            EXCLUSIVE_OR => true,
            value => {
                return Err(Error::Reserved {
                    field: "kind of difference",
                    value: value.into(),
                });
            }
        };
        let row = r.varint_below(MAX_ROW + 1, "row of a difference")? as usize;
        if row == 0 {
            return bad("a row is empty");
        }
        let mut dec = Decoder::new(r.blob()?);
        r.finish()?;
        let mut numbers = UintModel::new();
        let count = numbers.decode(&mut dec);
        let offset = numbers.decode_signed(&mut dec);
        let width = numbers.decode(&mut dec);
        if count >= MAX_CLASSES as u64 || offset.unsigned_abs() > MAX_OFFSET || width >= MAX_WIDTH {
            return bad("its classes are out of range");
        }
        let classes = LengthClasses {
            offset: offset as i32,
            width: width as i32 + 1,
            count: count as usize + 1,
        };
        let drift = match numbers.decode(&mut dec) {
            0 => Vec::new(),
            1 => read_drift(&mut dec, layout.drift_keys())?,
            value => {
                return Err(Error::Reserved {
                    field: "drift table",
                    value,
                });
            }
        };
        let mut model = TableModel::new();
        let mut tables: Vec<FreqTable> = Vec::new();
        for _ in 0..classes.count {
            let table = match (numbers.decode(&mut dec), tables.last()) {
                (1, _) => FreqTable::read(&mut dec, &mut model, SYMBOLS)?,
                (0, Some(before)) => before.clone(),
                _ => return bad("a class has no table"),
            };
            tables.push(table);
        }
        dec.finish("header of a difference")?;
        Ok(Header {
            xor,
            row,
            drift,
            classes,
            tables,
        })
    }
}

fn read_drift(dec: &mut Decoder<'_>, n: usize) -> Result<Vec<i32>> {
    let (mut model, mut before) = (UintModel::new(), 0i64);
    let mut out = Vec::with_capacity(n);
    for _ in 0..n {
        before = before.saturating_add(model.decode_signed(dec));
        match i32::try_from(before) {
            Ok(d) if !dec.exhausted() => out.push(d),
            _ => {
                return Err(Error::invalid("drift table", "out of range or cut short"));
            }
        }
    }
    Ok(out)
}
