//! Encoding masks of kept positions.

use super::{ALL, BITMAP, CODED_BITMAP, CONTEXTS, GAPS, GROUP, bernoulli, context};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::entropy::symbols;
use crate::wire::{put_blob, put_varint};

/// Appends the coded mask: a mode byte and, unless all are kept, a length-prefixed body.
/// `row` is the tile's row length, which gives the contexts.
pub(crate) fn encode(mask: &[bool], row: usize, out: &mut Vec<u8>) {
    if mask.iter().all(|&k| k) {
        out.push(ALL);
        return;
    }
    let bitmap = pack::<8>(mask);
    let coded = code_groups(&pack::<GROUP>(mask), row);
    let kept = mask.iter().filter(|&&k| k).count();
    // Gaps cost at least some bits each, unless positions come in runs; do not even try where they
    // cannot win.
    let runs = mask.windows(2).filter(|w| w[1] && !w[0]).count();
    let few = kept < mask.len() / 16 || (kept < mask.len() / 2 && runs < mask.len() / 64);
    let gaps = few.then(|| code_gaps(mask));
    let (mut mode, mut body) = (BITMAP, bitmap);
    if coded.len() < body.len() {
        (mode, body) = (CODED_BITMAP, coded);
    }
    if let Some(gaps) = gaps.filter(|g| g.len() < body.len()) {
        (mode, body) = (GAPS, gaps);
    }
    out.push(mode);
    put_blob(out, &body);
}

/// Groups of `W` positions, the first in the lowest bit.
fn pack<const W: usize>(mask: &[bool]) -> Vec<u8> {
    mask.chunks(W)
        .map(|bits| {
            bits.iter()
                .enumerate()
                .fold(0, |group, (i, &k)| group | u8::from(k) << i)
        })
        .collect()
}

fn code_groups(groups: &[u8], row: usize) -> Vec<u8> {
    let mut best: Option<Vec<u8>> = None;
    for distance in [0, row / GROUP] {
        let mut ones = [0u64; CONTEXTS];
        let mut bits = [0u64; CONTEXTS];
        for (i, group) in groups.iter().enumerate() {
            let c = context(i, distance, groups);
            ones[c] += u64::from(group.count_ones());
            bits[c] += GROUP as u64;
        }
        let used = if distance == 0 { 1 } else { CONTEXTS };
        let p: Vec<u64> = (0..used)
            .map(|c| ((ones[c] * 4096 + bits[c] / 2) / bits[c].max(1)).clamp(1, 4095))
            .collect();
        let tables: Vec<FreqTable> = p.iter().map(|&p| bernoulli(p)).collect();
        let mut body = vec![u8::from(distance != 0)];
        p.iter().for_each(|&p| put_varint(&mut body, p));
        body.extend(symbols::encode(groups, &tables, |i| {
            context(i, distance, groups)
        }));
        if best.as_ref().is_none_or(|b| body.len() < b.len()) {
            best = Some(body);
        }
    }
    best.unwrap_or_default()
}

fn code_gaps(mask: &[bool]) -> Vec<u8> {
    let mut enc = Encoder::new();
    let (mut count, mut gap) = (UintModel::new(), UintModel::new());
    count.encode(&mut enc, mask.iter().filter(|&&k| k).count() as u64);
    let mut next = 0;
    for i in (0..mask.len()).filter(|&i| mask[i]) {
        gap.encode(&mut enc, (i - next) as u64);
        next = i + 1;
    }
    enc.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::positions::decode;
    use crate::wire::Reader;

    fn noise(i: usize) -> f64 {
        f64::from((i as u32).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24)
    }

    #[test]
    fn every_density_round_trips_and_never_beats_its_bitmap_by_being_larger() {
        for n in [1, 7, 8, 9, 1000, 40_000] {
            for density in [0.0, 0.0005, 0.02, 0.3, 0.5, 0.9, 0.98, 1.0] {
                for row in [1, 24, 200] {
                    let mask: Vec<bool> = (0..n).map(|i| noise(i) < density).collect();
                    let mut out = Vec::new();
                    encode(&mask, row, &mut out);
                    assert!(out.len() <= 1 + 3 + n.div_ceil(8));
                    let mut r = Reader::new(&out, "mask");
                    assert_eq!(decode(&mut r, n, row).unwrap(), mask, "{n} {density} {row}");
                    r.finish().unwrap();
                }
            }
        }
    }

    #[test]
    fn a_98_percent_mask_costs_about_its_entropy() {
        let mask: Vec<bool> = (0..1 << 20).map(|i| noise(i) < 0.98).collect();
        let mut out = Vec::new();
        encode(&mask, 1024, &mut out);
        let bits = out.len() as f64 * 8.0 / mask.len() as f64;
        assert!(bits < 0.1414 + 0.005, "{bits}");
    }
}
