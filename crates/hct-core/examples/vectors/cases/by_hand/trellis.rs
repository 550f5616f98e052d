//! Trellis planes of §12 of docs/FORMAT.md of any symbols: every number of states in every number of
//! lanes at every precision, and gains where no encoder puts them.

use super::coders::{Binary, Table, Uint, put_blob, put_varint, rans, table_of_weights};
use super::file::Part;

pub(super) const WHOLE: u8 = 1;
pub(super) const MEANS: u8 = 2;
pub(super) const GAINS: u8 = 4;
pub(super) const COLUMN_ORDER: u8 = 8;
pub(super) const COLUMN_GAINS: u8 = 16;
pub(super) const FINE: u8 = 32;

const EXP2: [u64; 16] = [
    32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376, 46341, 48393, 50535, 52773, 55109,
    57549, 60097, 62757,
];

#[derive(Clone, Copy)]
pub(super) struct Plane {
    pub rows: usize,
    pub cols: usize,
    pub tile: (usize, usize),
    pub transform: u8,
    pub flags: u8,
    pub states: usize,
    pub lanes: usize,
    /// Its code: 4, 8 or 16 steps an octave.
    pub precision: u64,
    pub classes: i64,
    /// Of the contexts of the first class.
    pub magnitudes: usize,
    /// Whether gains, shifts and patches go to the ends of their ranges.
    pub extreme: bool,
}

/// Any number.
fn hash(i: usize) -> u32 {
    let mut s = (i as u32).wrapping_mul(2_654_435_761) ^ 0x5bd1_e995;
    s ^= s >> 15;
    s = s.wrapping_mul(2_246_822_519);
    s ^ s >> 13
}

/// §12.2
fn put_scales(enc: &mut Binary, scales: &[i64]) {
    let (mut flag, mut model) = (Uint::new(), Uint::new());
    let zeros = scales.iter().all(|&s| s == 0);
    flag.put(enc, (!zeros).into());
    if zeros {
        return;
    }
    let (mut m, mut seen) = (0, 0);
    for &s in scales {
        model.signed(enc, s - ((m + 8) >> 4));
        seen = (seen + 1).min(16);
        m += (16 * s - m) / seen;
    }
}

impl Plane {
    pub fn new(rows: usize, cols: usize) -> Self {
        Plane {
            rows,
            cols,
            tile: (rows, cols),
            transform: 0,
            flags: 0,
            states: 8,
            lanes: 8,
            precision: 1,
            classes: 2,
            magnitudes: 4,
            extreme: false,
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn gains(&self, n: usize, salt: usize) -> Vec<i64> {
        let spread = match (self.has(FINE), self.extreme) {
            (false, false) => 64,
            (true, false) => 256,
            (false, true) => 1025,
            (true, true) => 4097,
        };
        let gain = |i| match hash(i + salt) % 3 {
            0 => 0,
            _ => i64::from(hash(i + salt + 7777) % spread) - i64::from(spread) / 2,
        };
        (0..n).map(gain).collect()
    }

    fn col_scale(&self, c: usize) -> i64 {
        (i64::from(hash(c) % 5) - 2) * (self.classes / 2)
    }

    fn class(&self, row: i64, col: i64) -> i64 {
        // Offset and width as the header says.
        (row + col + 1).div_euclid(2).clamp(0, self.classes - 1)
    }

    /// The fields of the record after the kind of the fragment, and the chunks.
    pub fn parts(&self) -> Vec<Part> {
        let mut fields = Vec::new();
        put_varint(&mut fields, self.tile.0 as u64);
        put_varint(&mut fields, self.tile.1 as u64);
        fields.extend([self.transform, self.flags, 3]);
        fields.extend([self.states.ilog2() as u8, self.lanes.ilog2() as u8]);
        let (header, tables) = self.header();
        let mut parts = vec![Part::Fields(fields), Part::Chunk(header)];
        for top in (0..self.rows).step_by(self.tile.0) {
            for left in (0..self.cols).step_by(self.tile.1) {
                parts.push(Part::Chunk(self.tile(&tables, top, left)));
            }
        }
        parts
    }

    /// The whole record of a tensor of this plane.
    pub fn tensor(&self) -> Vec<Part> {
        let mut fields = Vec::new();
        put_varint(&mut fields, self.rows as u64);
        put_varint(&mut fields, self.cols as u64);
        fields.extend([1, 0]);
        let mut parts = vec![Part::Fields(fields)];
        parts.extend(self.parts());
        parts
    }

    fn header(&self) -> (Vec<u8>, Vec<Table>) {
        let mut out = Vec::new();
        if self.has(MEANS) {
            out.extend(0.03125f32.to_le_bytes());
            let (mut enc, mut model) = (Binary::new(), Uint::new());
            for c in 0..self.cols {
                model.signed(&mut enc, i64::from(hash(c + 99) % 64) - 32);
            }
            put_blob(&mut out, &enc.finish());
        }
        out.extend(0.0625f32.to_le_bytes());
        let (mut enc, mut model) = (Binary::new(), Uint::new());
        model.put(&mut enc, self.classes as u64 - 1);
        if self.classes > 1 {
            model.signed(&mut enc, -1);
            model.put(&mut enc, 1);
        }
        let scales: Vec<i64> = (0..self.cols).map(|c| self.col_scale(c)).collect();
        put_scales(&mut enc, &scales);
        if self.has(COLUMN_GAINS) {
            put_scales(&mut enc, &self.gains(self.cols, 1000));
        }
        put_blob(&mut out, &enc.finish());
        let (contexts, tables) = self.contexts();
        put_blob(&mut out, &contexts);
        (out, tables)
    }

    /// §12.3
    fn contexts(&self) -> (Vec<u8>, Vec<Table>) {
        let quantizers = if self.states == 1 { 1 } else { 2 };
        let steps = 4i64 << self.precision;
        let top = 16 * steps;
        let mut enc = Binary::new();
        let (mut precision, mut most) = (Uint::new(), Uint::new());
        let (mut of_logs, mut of_shifts) = (vec![Uint::new(); 8], vec![Uint::new(); 3]);
        precision.put(&mut enc, self.precision);
        let mut seen: Vec<(Vec<i64>, [i64; 3])> = Vec::new();
        let mut tables = Vec::new();
        for i in 0..self.classes as usize * quantizers {
            let before = i.checked_sub(quantizers).map(|k| seen[k].clone());
            // Contexts of another length than that before.
            let len = match self.magnitudes {
                128 => 128 - i / quantizers % 3 * 60,
                magnitudes => magnitudes + i / quantizers % 4,
            };
            let len_before = before.as_ref().map_or(0, |b| b.0.len());
            most.signed(&mut enc, len as i64 - len_before as i64);
            let logs: Vec<i64> = (0..len as i64)
                .map(|j| (top - i as i64 - j * (steps + 1 + i as i64)).max(0))
                .collect();
            for j in 0..len {
                let b = before.as_ref().map(|b| &b.0).filter(|b| j < b.len());
                let prediction = match (b, j) {
                    (Some(b), 0) => b[0],
                    (None, 0) => top,
                    (Some(b), j) => logs[j - 1] + b[j] - b[j - 1],
                    (None, 1) => logs[0],
                    (None, j) => 2 * logs[j - 1] - logs[j - 2],
                };
                of_logs[j.min(7)].signed(&mut enc, logs[j] - prediction.clamp(0, top));
            }
            let mut shifts = before.map_or([0; 3], |b| b.1);
            for j in 0..3.min(len - 1) {
                let shift = match self.extreme {
                    true => [64, -64, 0][(i + j) % 3],
                    false => 5 * i as i64 - 9 * j as i64,
                };
                of_shifts[j].signed(&mut enc, shift - shifts[j]);
                shifts[j] = shift;
            }
            let weight = |log: &i64| EXP2[(log % steps * (16 / steps)) as usize] << (log / steps);
            let signs = |(j, log)| std::iter::repeat_n(weight(log), if j == 0 { 1 } else { 2 });
            let weights: Vec<u64> = logs.iter().enumerate().flat_map(signs).collect();
            tables.push(table_of_weights(&weights));
            seen.push((logs, shifts));
        }
        (enc.finish(), tables)
    }

    /// §12.5, from a row and a column on.
    fn tile(&self, tables: &[Table], top: usize, left: usize) -> Vec<u8> {
        let (rows, cols) = (
            self.tile.0.min(self.rows - top),
            self.tile.1.min(self.cols - left),
        );
        let n = rows * cols;
        let scales: Vec<i64> = (0..rows)
            .map(|r| i64::from(hash(top + r + 55) % 4) - 1)
            .collect();
        let mut enc = Binary::new();
        put_scales(&mut enc, &scales);
        if self.has(GAINS) {
            let gains = self.gains(self.rows, 2000);
            put_scales(&mut enc, &gains[top..top + rows]);
        }
        let mut out = Vec::new();
        put_blob(&mut out, &enc.finish());
        let mut enc = Binary::new();
        let patches: Vec<usize> = (0..n).filter(|&i| hash(i + top + left) % 40 == 7).collect();
        Uint::new().put(&mut enc, patches.len() as u64);
        let (mut gap, mut value, mut next) = (Uint::new(), Uint::new(), 0);
        for &at in &patches {
            gap.put(&mut enc, (at - next) as u64);
            next = at + 1;
            value.signed(
                &mut enc,
                if self.extreme {
                    (i64::from(hash(at) % 3) - 1) << 24
                } else {
                    i64::from(hash(at) % 4000) - 2000
                },
            );
        }
        put_blob(&mut out, &enc.finish());
        let (h0, h1) = match self.states {
            1 => (0, 0),
            4 => (5, 2),
            8 => (11, 4),
            16 => (19, 4),
            32 => (37, 8),
            64 => (67, 20),
            128 => (157, 86),
            256 => (333, 242),
            _ => (527, 226),
        };
        let quantizers = if self.states == 1 { 1 } else { 2 };
        let mut lanes = vec![0usize; self.lanes];
        let mut symbols = Vec::with_capacity(n);
        for i in 0..n {
            let (r, c) = match self.has(COLUMN_ORDER) {
                true => (i % rows, i / rows),
                false => (i / cols, i % cols),
            };
            let s = &mut lanes[i % self.lanes];
            let class = self.class(scales[r], self.col_scale(left + c)) as usize;
            let table = &tables[class * quantizers + if quantizers == 2 { *s & 1 } else { 0 }];
            let any = hash(i + 31 * top + 17 * left + self.states);
            let symbol = (any as usize % table.len()).min((any >> 16) as usize % table.len());
            symbols.push(table[symbol]);
            let odd = symbol.div_ceil(2) & 1;
            *s = (*s >> 1) ^ ((*s & 1) * (h0 >> 1)) ^ (odd * (h1 >> 1));
        }
        out.extend(rans(&symbols, self.lanes));
        out
    }
}
