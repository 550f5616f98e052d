//! Encoding against a base.

use super::bits::BitWriter;
use super::header::{Header, LengthClasses, MAX_CLASSES, MAX_ROW};
use super::rows::{self, Row};
use super::token::{self, SYMBOLS, token};
use super::{Layout, drift};
use crate::entropy::binary::Encoder;
use crate::entropy::freq::FreqTable;
use crate::entropy::symbols;
use crate::wire::put_blob;
use crate::{Dtype, parallel};

/// Elements of a tile, about.
const TILE: usize = 1 << 19;
/// Shortest run of elements with a log-scale: shorter rows are joined.
const SHORTEST_ROW: usize = 64;
/// Longest: longer ones are cut.
const LONGEST_ROW: usize = 1 << 14;
/// Half octaves of a class: narrower ones cost more in tables than they tell.
const CLASS_WIDTH: i32 = 2;
/// Ways of coding whose bits but for those of rows are within this factor and these bits of the
/// fewest are told apart by what they take.
const CLOSE: f64 = 1.02;
const ROWS: f64 = 4096.0;
/// Log-scale of a row of nothing but zeros and equals: below every other.
const SILENT: i32 = -1024;

/// A tensor coded against a base.
pub(crate) struct EncodedDelta {
    /// Bytes of every tile but the last, once decoded.
    pub tile_bytes: u64,
    /// The header.
    pub common: Vec<u8>,
    /// Payloads of the tiles.
    pub tiles: Vec<Vec<u8>>,
}

impl EncodedDelta {
    pub fn payload_bytes(&self) -> usize {
        self.common.len() + self.tiles.iter().map(Vec::len).sum::<usize>()
    }
}

/// Codes `bytes` against `base`, both little-endian elements of `dtype` in rows of `cols`, as
/// differences, with or without what drift explains, or exclusive ors, whichever takes fewest bytes.
/// Nothing for types that have no such coding.
pub(crate) fn encode(bytes: &[u8], base: &[u8], dtype: Dtype, cols: usize) -> Option<EncodedDelta> {
    let layout = Layout::of(dtype)?;
    debug_assert!(bytes.len() == base.len() && !bytes.is_empty());
    let row = row_len(cols);
    let drift = drift::learn(layout, base, bytes, row);
    let mut passes = vec![Pass::new(layout, base, bytes, row, false, Vec::new())];
    if !drift.is_empty() {
        passes.push(Pass::new(layout, base, bytes, row, false, drift));
    }
    passes.push(Pass::new(layout, base, bytes, row, true, Vec::new()));
    let bits: Vec<f64> = passes.iter().map(Pass::bits).collect();
    let limit = CLOSE * bits.iter().copied().fold(f64::INFINITY, f64::min) + ROWS;
    let close = passes.iter().zip(bits).filter(|&(_, bits)| bits <= limit);
    let coded = close.map(|(pass, _)| pass.encode());
    coded.min_by_key(EncodedDelta::payload_bytes)
}

/// Elements of the runs that share a log-scale, for rows of `cols`.
fn row_len(cols: usize) -> usize {
    match cols {
        0 => SHORTEST_ROW,
        cols if cols < SHORTEST_ROW => cols * SHORTEST_ROW.div_ceil(cols),
        cols => cols.div_ceil(cols.div_ceil(LONGEST_ROW)),
    }
}

/// One way of coding a tensor, its statistics gathered.
struct Pass<'a> {
    layout: Layout,
    /// Base and elements, tile by tile.
    tiles: Vec<(&'a [u8], &'a [u8])>,
    tile_bytes: usize,
    rows: Vec<Vec<Row>>,
    header: Header,
    counts: Vec<[u64; SYMBOLS]>,
}

impl<'a> Pass<'a> {
    fn new(
        layout: Layout,
        base: &'a [u8],
        bytes: &'a [u8],
        row: usize,
        xor: bool,
        drift: Vec<i32>,
    ) -> Self {
        debug_assert!(row as u64 <= MAX_ROW);
        let tile_bytes = (TILE / row).max(1) * row * layout.bytes();
        let tiles: Vec<_> = base
            .chunks(tile_bytes)
            .zip(bytes.chunks(tile_bytes))
            .collect();
        let mut header = Header {
            xor,
            row,
            drift,
            classes: LengthClasses {
                offset: 0,
                width: CLASS_WIDTH,
                count: 1,
            },
            tables: Vec::new(),
        };
        let rows = parallel::map(tiles.len(), |i| {
            let run = row * layout.bytes();
            let pairs = tiles[i].0.chunks(run).zip(tiles[i].1.chunks(run));
            pairs
                .map(|(base, bytes)| best_row(layout, &header, base, bytes))
                .collect::<Vec<Row>>()
        });
        if !rows.iter().flatten().any(|row| row.drifts) {
            header.drift.clear();
        }
        header.classes = classes(layout, &tiles, &rows, row);
        let mut pass = Pass {
            layout,
            tiles,
            tile_bytes,
            rows,
            header,
            counts: Vec::new(),
        };
        pass.count();
        pass
    }

    /// Counts the symbols of every class and makes the tables.
    fn count(&mut self) {
        let classes = self.header.classes.count;
        let counted = parallel::map(self.tiles.len(), |i| {
            let mut counts = vec![[0u64; SYMBOLS]; classes];
            self.each(i, |class, symbol, _, _| {
                counts[class][usize::from(symbol)] += 1
            });
            counts
        });
        let mut counts = vec![[0u64; SYMBOLS]; classes];
        for tile in &counted {
            for (sum, counts) in counts.iter_mut().zip(tile) {
                sum.iter_mut().zip(counts).for_each(|(a, b)| *a += b);
            }
        }
        // A class that nothing fell into takes the table before it, which costs a bit.
        let mut tables: Vec<FreqTable> = Vec::with_capacity(classes);
        for counts in &counts {
            let table = match tables.last() {
                Some(before) if counts.iter().all(|&n| n == 0) => before.clone(),
                _ if counts.iter().all(|&n| n == 0) => FreqTable::from_counts(&[1]),
                _ => FreqTable::from_counts(counts),
            };
            tables.push(table);
        }
        self.header.tables = tables;
        self.counts = counts;
    }

    /// Bits that the header, symbols and raw bits take.
    fn bits(&self) -> f64 {
        let mut bits = 8.0 * self.header.write().len() as f64;
        for (table, counts) in self.header.tables.iter().zip(&self.counts) {
            for (symbol, &n) in counts.iter().enumerate().filter(|&(_, &n)| n > 0) {
                let raw = match symbol as u8 {
                    token::ZERO | token::OTHER_ZERO => 0,
                    symbol => token::raw_bits(symbol),
                };
                bits += n as f64 * (f64::from(table.cost(symbol)) + f64::from(raw));
            }
        }
        bits
    }

    /// Visits the elements of a tile: class, symbol, and the raw bits with their number.
    fn each(&self, tile: usize, mut visit: impl FnMut(usize, u8, u32, u32)) {
        let (layout, header) = (self.layout, &self.header);
        let (base, bytes) = self.tiles[tile];
        let run = header.row * layout.bytes();
        let chunks = base.chunks(run).zip(bytes.chunks(run));
        for (&row, (base, bytes)) in self.rows[tile].iter().zip(chunks) {
            for (a, b) in layout.elements(base).zip(layout.elements(bytes)) {
                let d = coded(layout, header, row, a, b);
                let class = header.class(layout, row, a);
                if d != 0 && layout.is_zero(b) {
                    let same = b == layout.zero(a, true);
                    let symbol = if same { token::ZERO } else { token::OTHER_ZERO };
                    visit(class, symbol, 0, 0);
                } else {
                    let (symbol, raw) = token(d);
                    visit(class, symbol, d.unsigned_abs(), raw);
                }
            }
        }
    }

    fn encode(&self) -> EncodedDelta {
        let tiles = parallel::payloads(self.tiles.len(), |i| {
            let n = self.tiles[i].0.len() / self.layout.bytes();
            let (mut classes, mut symbols) = (Vec::with_capacity(n), Vec::with_capacity(n));
            let mut raw = BitWriter::default();
            self.each(i, |class, symbol, low, bits| {
                classes.push(class as u8);
                symbols.push(symbol);
                raw.put(low, bits);
            });
            let mut enc = Encoder::new();
            rows::write(&mut enc, &self.rows[i], !self.header.drift.is_empty());
            let mut out = Vec::new();
            put_blob(&mut out, &enc.finish());
            let class = |i: usize| usize::from(classes[i]);
            put_blob(
                &mut out,
                &symbols::encode(&symbols, &self.header.tables, class),
            );
            out.extend_from_slice(&raw.finish());
            out
        });
        EncodedDelta {
            tile_bytes: self.tile_bytes as u64,
            common: self.header.write(),
            tiles,
        }
    }
}

/// What is coded of element `b` whose base is `a`.
#[inline(always)]
fn coded(layout: Layout, header: &Header, row: Row, a: u32, b: u32) -> i32 {
    if header.xor {
        (a ^ b) as i32
    } else {
        layout.counted_from(a, b, header.drift(layout, row, a))
    }
}

/// The row's log-scale, counted from the drift table where that makes it smaller.
fn best_row(layout: Layout, header: &Header, base: &[u8], bytes: &[u8]) -> Row {
    let measured = |drifts| {
        let row = Row { log: 0, drifts };
        let (mut sum, mut length, mut n) = (0i64, 0i64, 0i64);
        for (a, b) in layout.elements(base).zip(layout.elements(bytes)) {
            let d = coded(layout, header, row, a, b);
            // A new zero lies an octave or more away, however small the others' steps.
            let half_octaves = i64::from(match d != 0 && layout.is_zero(b) {
                true => layout.octave(),
                false => token::half_octaves(d),
            });
            length += half_octaves;
            sum += half_octaves + i64::from(layout.half_octaves(a));
            n += i64::from(d != 0);
        }
        let all = (base.len() / layout.bytes()) as i64;
        let log = match n {
            0 => SILENT,
            _ => (sum as f64 / all as f64).round() as i32,
        };
        (length, Row { log, drifts })
    };
    let (still, row) = measured(false);
    if header.drift.is_empty() {
        return row;
    }
    let (drifting, drifts) = measured(true);
    if drifting < still { drifts } else { row }
}

/// Classes that cover all but the thin ends of the lengths expected.
fn classes(
    layout: Layout,
    tiles: &[(&[u8], &[u8])],
    rows: &[Vec<Row>],
    row: usize,
) -> LengthClasses {
    let mut histogram = std::collections::BTreeMap::<i32, u64>::new();
    let mut n = 0u64;
    for ((base, _), rows) in tiles.iter().zip(rows) {
        for (base, row) in base.chunks(row * layout.bytes()).zip(rows) {
            for a in layout.elements(base) {
                *histogram
                    .entry(row.log - layout.half_octaves(a))
                    .or_default() += 1;
            }
        }
        n += (base.len() / layout.bytes()) as u64;
    }
    let end = |bins: &mut dyn Iterator<Item = (&i32, &u64)>| {
        let mut seen = 0;
        for (&length, &count) in bins {
            seen += count;
            if seen * 500 > n {
                return length;
            }
        }
        0
    };
    // Nothing is shorter than a difference of one unit: all that is expected to be, is one class.
    let low = end(&mut histogram.iter()).max(-4);
    let high = end(&mut histogram.iter().rev()).max(low);
    let mut width = CLASS_WIDTH;
    while (high - low) / width + 1 > MAX_CLASSES as i32 {
        width += 1;
    }
    LengthClasses {
        offset: low,
        width,
        count: ((high - low) / width + 1) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_differences_and_exclusive_ors_is_taken() {
        let noise = |i: u32| i.wrapping_mul(2_654_435_761) >> 8;
        let mut wins = Vec::new();
        let mut check = |dtype: Dtype, change: &dyn Fn(u32, u32) -> u32| {
            let layout = Layout::of(dtype).unwrap();
            let bytes = |value: &dyn Fn(u32) -> u32| -> Vec<u8> {
                let all = (0..1 << 14).map(|i| value(i).to_le_bytes());
                all.flat_map(|v| v[..layout.bytes()].to_vec()).collect()
            };
            let original = |i| match dtype {
                Dtype::F32 => 0x3f00_0000 + (noise(i) & 0x7f_ffff),
                _ => noise(i) & 255,
            };
            let base = bytes(&original);
            let new = bytes(&|i| change(original(i), noise(i + 99_999)));
            let of = |xor, drift| {
                let pass = Pass::new(layout, &base, &new, 64, xor, drift);
                pass.encode().payload_bytes()
            };
            let drift = drift::learn(layout, &base, &new, 64);
            let differences = of(false, Vec::new()).min(of(false, drift));
            let combined = of(true, Vec::new());
            let taken = encode(&new, &base, dtype, 64).unwrap().payload_bytes();
            assert_eq!(taken, differences.min(combined));
            wins.push(combined < differences);
        };
        check(Dtype::F32, &|b, n| b + n % 100);
        check(Dtype::U8, &|b, n| {
            if n.is_multiple_of(8) { b ^ 0x10 } else { b }
        });
        check(Dtype::F32, &|_, n| n.wrapping_mul(n));
        check(Dtype::F32, &|b, n| b ^ (n & 1));
        assert_eq!(wins[..2], [false, true], "both are of use");
    }
}
