//! Encoding blocks.

use super::layout::{Field, Layout};
use super::{BlockType, Contexts, FIELDS, HalfModel, Parts, RAW, places};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::wire::put_blob;

/// Symbols that a context has at least to have a table of its own.
const WORTH_A_TABLE: u64 = 512;

/// Encodes a tile of whole blocks.
pub(crate) fn encode_tile(bytes: &[u8], kind: BlockType) -> Vec<u8> {
    let layout = Layout::of(kind);
    let blocks = bytes.len() / kind.bytes();
    let mut out = vec![FIELDS];
    let mut parts = Parts::default();
    if !layout.halves.is_empty() {
        let mut enc = Encoder::new();
        for &at in layout.halves {
            let of_block = |b: &[u8]| u16::from_le_bytes([b[at], b[at + 1]]);
            let halves: Vec<u16> = bytes.chunks_exact(kind.bytes()).map(of_block).collect();
            let mut model = HalfModel::new();
            halves.iter().for_each(|&h| model.encode(&mut enc, h));
            parts.halves.push(halves);
        }
        put_blob(&mut out, &enc.finish());
    }
    for field in layout.fields {
        let places = places(field);
        let symbols: Vec<u8> = bytes
            .chunks_exact(kind.bytes())
            .flat_map(|block| places.iter().map(|place| place.get(block)))
            .collect();
        let contexts = parts.contexts(field, blocks);
        let (written, tables) = tables(&symbols, field, &contexts);
        put_blob(&mut out, &written);
        put_blob(
            &mut out,
            &symbols::encode(&symbols, &tables, |i| contexts.of(i)),
        );
        parts.fields.push(symbols);
    }
    if out.len() > bytes.len() {
        out.clear();
        out.push(RAW);
        out.extend_from_slice(bytes);
    }
    out
}

/// The tables of a field's contexts, written, and as they decode. Neighbours share one where
/// symbols are few.
fn tables(symbols: &[u8], field: &Field, contexts: &Contexts) -> (Vec<u8>, Vec<FreqTable>) {
    let mut counts = vec![vec![0u64; 1 << field.bits()]; contexts.tables];
    for (i, &symbol) in symbols.iter().enumerate() {
        counts[contexts.of(i)][usize::from(symbol)] += 1;
    }
    let total = |counts: &[u64]| counts.iter().sum::<u64>();
    // Counts of runs of contexts, and how long the runs are.
    let mut groups: Vec<(Vec<u64>, usize)> = Vec::new();
    for of_context in counts {
        match groups.last_mut() {
            Some((group, len))
                if total(group) < WORTH_A_TABLE || total(&of_context) < WORTH_A_TABLE =>
            {
                group.iter_mut().zip(&of_context).for_each(|(a, b)| *a += b);
                *len += 1;
            }
            _ => groups.push((of_context, 1)),
        }
    }
    let mut enc = Encoder::new();
    let mut own = UintModel::new();
    let mut model = TableModel::new();
    let mut tables = Vec::new();
    for (group, len) in groups {
        let table = FreqTable::from_counts(&group);
        own.encode(&mut enc, 1);
        table.write(&mut enc, &mut model);
        (1..len).for_each(|_| own.encode(&mut enc, 0));
        tables.extend(std::iter::repeat_n(table, len));
    }
    (enc.finish(), tables)
}

impl HalfModel {
    fn encode(&mut self, enc: &mut Encoder, half: u16) {
        let magnitude = half & 0x7fff;
        enc.bit(&mut self.sign, half >> 15 != 0);
        let difference = i64::from(magnitude) - self.prediction();
        self.difference.encode_signed(enc, difference);
        self.update(magnitude);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::decode_tile;

    /// Bytes of all values, the high bits of some more often 0.
    fn bytes(n: usize) -> Vec<u8> {
        (0..n as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> (if i % 3 == 0 { 27 } else { 21 })) as u8)
            .collect()
    }

    #[test]
    fn blocks_of_every_type_come_back() {
        for &kind in BlockType::ALL {
            for blocks in [1, 2, 300] {
                let bytes = bytes(blocks * kind.bytes());
                for bytes in [&bytes, &vec![0; bytes.len()], &vec![255; bytes.len()]] {
                    let payload = encode_tile(bytes, kind);
                    assert!(payload.len() <= bytes.len() + 1);
                    let mut out = vec![7; bytes.len()];
                    decode_tile(&payload, kind, &mut out).unwrap();
                    assert_eq!(out, *bytes, "{kind} × {blocks}");
                }
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_other_blocks() {
        for &kind in BlockType::ALL {
            let mut sparse = bytes(2048 / kind.weights() * kind.bytes());
            sparse.iter_mut().for_each(|b| *b &= 0x11);
            let payload = encode_tile(&sparse, kind);
            assert_eq!(payload[0], FIELDS, "{kind}");
            let mut out = vec![0; sparse.len()];
            for len in (0..payload.len()).step_by(3) {
                assert!(decode_tile(&payload[..len], kind, &mut out).is_err());
            }
            for i in 0..payload.len() {
                let mut damaged = payload.clone();
                damaged[i] ^= 1 << (i % 8);
                let _ = decode_tile(&damaged, kind, &mut out);
            }
        }
    }
}
