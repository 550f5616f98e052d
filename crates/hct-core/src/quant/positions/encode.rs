//! Encoding masks of kept positions.

use super::{ALL, BITMAP, CODED_BITMAP, CONTEXTS, GAPS, GROUP, bernoulli, ones};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::entropy::symbols;
use crate::quant::kept;
use crate::wire::{put_blob, put_varint};

/// Appends the coded mask: a mode byte and, unless all are kept, a length-prefixed body.
/// `row` is the tile's row length, which gives the contexts.
pub(crate) fn encode(mask: &[bool], row: usize, out: &mut Vec<u8>) {
    if mask.iter().all(|&k| k) {
        out.push(ALL);
        return;
    }
    let coded = code_groups(&pack::<GROUP>(mask), row);
    let kept = kept::count(mask);
    // Gaps cost at least some bits each, unless positions come in runs; do not even try where they
    // cannot win.
    let runs = || mask.windows(2).filter(|w| w[1] && !w[0]).count();
    let few = kept < mask.len() / 16 || (kept < mask.len() / 2 && runs() < mask.len() / 64);
    let gaps = few.then(|| code_gaps(mask));
    let (mode, body) = if coded.len() < mask.len().div_ceil(8) {
        (CODED_BITMAP, coded)
    } else {
        (BITMAP, pack::<8>(mask))
    };
    let (mode, body) = match gaps {
        Some(gaps) if gaps.len() < body.len() => (GAPS, gaps),
        _ => (mode, body),
    };
    out.push(mode);
    put_blob(out, &body);
}

/// Groups of `W` positions, at most eight, the first in the lowest bit.
fn pack<const W: usize>(mask: &[bool]) -> Vec<u8> {
    let bit = |(i, &keep): (usize, &bool)| u8::from(keep) << i;
    let (whole, rest) = mask.as_chunks::<W>();
    let mut groups = Vec::with_capacity(mask.len().div_ceil(W));
    groups.extend(whole.iter().map(|group| {
        let bits = group.iter().enumerate().map(bit);
        bits.fold(0, |group, bit| group | bit)
    }));
    if !rest.is_empty() {
        groups.push(rest.iter().enumerate().map(bit).sum());
    }
    groups
}

fn code_groups(groups: &[u8], row: usize) -> Vec<u8> {
    let mut best: Option<Vec<u8>> = None;
    for distance in [0, row / GROUP] {
        let contexts = contexts(groups, distance);
        let used = if distance == 0 { 1 } else { CONTEXTS };
        let p = &probabilities(groups, &contexts)[..used];
        let tables: Vec<FreqTable> = p.iter().map(|&p| bernoulli(p)).collect();
        let mut body = vec![u8::from(distance != 0)];
        p.iter().for_each(|&p| put_varint(&mut body, p));
        body.extend(symbols::encode(groups, &tables, |i| contexts[i].into()));
        if best.as_ref().is_none_or(|b| body.len() < b.len()) {
            best = Some(body);
        }
    }
    best.unwrap_or_default()
}

/// The context of every group.
fn contexts(groups: &[u8], distance: usize) -> Vec<u8> {
    let mut contexts = vec![0; groups.len()];
    if distance > 0 {
        let after = contexts.iter_mut().skip(distance);
        after.zip(groups).for_each(|(c, &g)| *c = ones(g) as u8);
    }
    contexts
}

/// How likely positions are to be kept in each context, in 1/4096.
fn probabilities(groups: &[u8], contexts: &[u8]) -> [u64; CONTEXTS] {
    // Counted by turns, since equal groups would wait for each other.
    let mut turns = [[0u32; 256]; 4];
    let (fours, rest) = groups.as_chunks::<4>();
    let (fours_contexts, rest_contexts) = contexts.as_chunks::<4>();
    for (four, contexts) in fours.iter().zip(fours_contexts) {
        for ((counts, g), c) in turns.iter_mut().zip(four).zip(contexts) {
            counts[usize::from(c << GROUP | g)] += 1;
        }
    }
    for (g, c) in rest.iter().zip(rest_contexts) {
        turns[0][usize::from(c << GROUP | g)] += 1;
    }
    std::array::from_fn(|c| {
        let (mut kept, mut bits) = (0, 0);
        for group in 0..1 << GROUP {
            let at = c << GROUP | group;
            let n: u64 = turns.iter().map(|counts| u64::from(counts[at])).sum();
            kept += n * ones(group as u8) as u64;
            bits += n * GROUP as u64;
        }
        ((kept * 4096 + bits / 2) / bits.max(1)).clamp(1, 4095)
    })
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
