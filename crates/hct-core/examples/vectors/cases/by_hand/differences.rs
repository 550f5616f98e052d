//! Differences of §18 of docs/FORMAT.md with every symbol: of the base's `by hand u8`, `… u32` and `… f32`.

use sha2::{Digest, Sha256};

use super::coders::{
    Binary, Bit, Uint, put_blob, put_table, put_varint, rans, table, table_models,
};
use super::file::{Part, Piece, of_tensors};
use super::{F32, U8, U32};

/// Elements of the tensors of the base.
pub(in crate::cases) const ELEMENTS: usize = 300;

/// An element of theirs.
pub(in crate::cases) fn element(i: usize) -> u32 {
    let any = (i as u32).wrapping_mul(2_654_435_761);
    match i % 11 {
        3 => any & 1 << 31,
        _ => any ^ any >> 13,
    }
}

/// Bits of raw bits.
#[derive(Default)]
struct Raw(Vec<bool>);

impl Raw {
    fn put(&mut self, v: u32, bits: u32) {
        self.0.extend((0..bits).map(|b| v >> b & 1 == 1));
    }

    fn finish(self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let bits = bits.iter().enumerate();
            bits.fold(0, |byte, (b, &bit)| byte | u8::from(bit) << b)
        };
        self.0.chunks(8).map(byte).collect()
    }
}

struct Case {
    name: &'static str,
    dtype: u8,
    width: usize,
    xor: bool,
    /// Mantissa bits, of a float.
    mantissa: Option<u32>,
    drift: bool,
    row: usize,
    tile: usize,
    classes: i64,
}

impl Case {
    fn half_octaves(&self, a: u32) -> i64 {
        let magnitude = a & ((1 << (8 * self.width as u32 - 1)) - 1);
        self.mantissa.map_or(0, |m| (magnitude >> (m - 1)).into())
    }

    fn piece(&self) -> Piece {
        let (offset, width) = (-3, 2);
        let base = (0..ELEMENTS).map(element);
        let bytes: Vec<u8> = base
            .flat_map(|v| v.to_le_bytes()[..self.width].to_vec())
            .collect();
        let mut enc = Binary::new();
        let mut numbers = Uint::new();
        numbers.put(&mut enc, self.classes as u64 - 1);
        numbers.signed(&mut enc, offset);
        numbers.put(&mut enc, width as u64 - 1);
        numbers.put(&mut enc, self.drift.into());
        if self.drift {
            let (mut model, mut before) = (Uint::new(), 0);
            for key in 0..1024i64 {
                // The ends of the range, and a few steps.
                let drift = match key {
                    0..16 => i64::from(i32::MIN),
                    1000.. => i64::from(i32::MAX),
                    _ => key / 16 % 5 - 2,
                };
                model.signed(&mut enc, drift - before);
                before = drift;
            }
        }
        // The symbols of small numbers, and all.
        let few: Vec<u32> = (0..16).map(|_| 256).collect();
        let every = vec![16u32; 256];
        let mut models = table_models();
        let mut tables = Vec::new();
        for class in 0..self.classes {
            // Of three classes the last has the table of the second.
            let first = if self.classes == 1 { &every } else { &few };
            let own = [Some(first), Some(&every), None][class as usize % 3];
            numbers.put(&mut enc, own.is_some().into());
            if let Some(own) = own {
                put_table(&mut enc, &mut models, own);
            }
            let own = own.map(|own| table(own));
            tables.extend(own.or_else(|| tables.last().cloned()));
        }
        let mut header = vec![self.xor.into()];
        put_varint(&mut header, self.row as u64);
        put_blob(&mut header, &enc.finish());
        let mut parts = vec![Part::Fields(self.fields(&bytes)), Part::Chunk(header)];
        for first in (0..ELEMENTS).step_by(self.tile) {
            let n = self.tile.min(ELEMENTS - first);
            let mut enc = Binary::new();
            let (mut flags, mut scales, mut drifts) = ([Bit::NEW; 2], Uint::new(), false);
            let mut rows = Vec::new();
            let mut before = 0;
            for r in 0..n.div_ceil(self.row) {
                if self.drift {
                    let flag = (first + r) % 3 != 1;
                    enc.bit(&mut flags[usize::from(drifts)], flag);
                    drifts = flag;
                }
                // So that the first elements of rows fall into the classes in turn.
                let of_first = self.half_octaves(element(first + r * self.row));
                let scale = of_first + (r as i64 % (self.classes + 1)) * 2 - 4;
                scales.signed(&mut enc, scale - before);
                before = scale;
                rows.push(scale);
            }
            let mut tile = Vec::new();
            put_blob(&mut tile, &enc.finish());
            let mut raw = Raw::default();
            let symbols: Vec<(u32, u32)> = (first..first + n)
                .map(|i| {
                    let scale = rows[(i - first) / self.row];
                    let class = scale - self.half_octaves(element(i)) - offset;
                    let class = class.div_euclid(width).clamp(0, self.classes - 1) as usize;
                    // Every symbol in turn, where there is a table of them.
                    let symbol = (i * 37 + 5) % tables[class].len();
                    if symbol < 254 {
                        let bucket = symbol.div_ceil(2) as u32;
                        let bits = (bucket.max(4) - 4) / 4;
                        raw.put(element(i + 12_345), bits);
                    }
                    tables[class][symbol]
                })
                .collect();
            put_blob(&mut tile, &rans(&symbols, 8));
            tile.extend(raw.finish());
            parts.push(Part::Chunk(tile));
        }
        Piece::tensor(self.name, self.dtype, &[ELEMENTS as u64], 3, parts)
    }

    fn fields(&self, base: &[u8]) -> Vec<u8> {
        let mut fields = Vec::new();
        put_blob(
            &mut fields,
            format!("by hand {}", ["u8", "u32", "f32"][self.dtype_number()]).as_bytes(),
        );
        fields.extend(Sha256::digest(base));
        put_varint(&mut fields, (self.tile * self.width) as u64);
        fields
    }

    fn dtype_number(&self) -> usize {
        match self.dtype {
            U8 => 0,
            U32 => 1,
            _ => 2,
        }
    }
}

pub(super) fn all() -> Vec<u8> {
    let case = |name, dtype, width, xor, drift, row, tile, classes| {
        let mantissa = (dtype == F32).then_some(23);
        Case {
            name,
            dtype,
            width,
            xor,
            mantissa,
            drift,
            row,
            tile,
            classes,
        }
        .piece()
    };
    of_tensors(vec![
        case("u8", U8, 1, false, false, 300, 300, 3),
        case("u8 xor", U8, 1, true, false, 7, 40, 2),
        case("u32", U32, 4, false, false, 64, 300, 1),
        case("u32 xor", U32, 4, true, false, 1, 100, 32),
        case("f32", F32, 4, false, false, 3, 299, 32),
        case("f32 drift", F32, 4, false, true, 2, 90, 3),
        case("f32 xor", F32, 4, true, false, 1 << 24, 300, 3),
    ])
}
