//! Coding a mask of kept positions with whatever takes the fewest bytes: nothing (all kept), a
//! bitmap, the mask in groups of four through rANS under Bernoulli tables, or the gaps between
//! positions.

use crate::entropy::binary::{Decoder, Encoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::entropy::symbols;
use crate::wire::{Reader, put_blob, put_varint};
use crate::{Error, Result};

const ALL: u8 = 0;
const BITMAP: u8 = 1;
const CODED_BITMAP: u8 = 2;
const GAPS: u8 = 3;

/// Positions coded together: wide enough to be quick, narrow enough that 12-bit frequencies do
/// not squeeze the rare patterns.
const GROUP: usize = 4;
/// Contexts of a group: the kept count of the group one row up.
const CONTEXTS: usize = GROUP + 1;

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

/// Inverse of [`encode`] for a tile of `n` values.
///
/// # Errors
/// When the mode is reserved or the body is not what [`encode`] makes.
pub(crate) fn decode(reader: &mut Reader<'_>, n: usize, row: usize) -> Result<Vec<bool>> {
    match reader.u8()? {
        ALL => Ok(vec![true; n]),
        BITMAP => unpack::<8>(reader.blob()?, n),
        CODED_BITMAP => unpack::<GROUP>(&decode_groups(reader.blob()?, n.div_ceil(GROUP), row)?, n),
        GAPS => decode_gaps(reader.blob()?, n),
        value => Err(Error::Reserved {
            field: "position coding",
            value: value.into(),
        }),
    }
}

/// Steps over a coded mask and returns the bytes of its body.
///
/// # Errors
/// When it is cut short.
pub(crate) fn skip(reader: &mut Reader<'_>) -> Result<usize> {
    match reader.u8()? {
        ALL => Ok(0),
        _ => Ok(reader.blob()?.len()),
    }
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

fn unpack<const W: usize>(groups: &[u8], n: usize) -> Result<Vec<bool>> {
    if groups.len() != n.div_ceil(W) {
        return Err(Error::invalid("position bitmap", "has the wrong length"));
    }
    if !n.is_multiple_of(W) && groups[n / W] >> (n % W) != 0 {
        return Err(Error::invalid(
            "position bitmap",
            "has bits set past its end",
        ));
    }
    Ok((0..n).map(|i| groups[i / W] >> (i % W) & 1 == 1).collect())
}

/// The group `distance` back is the one a row up, to within a group.
fn context(i: usize, distance: usize, before: &[u8]) -> usize {
    if distance == 0 || i < distance {
        0
    } else {
        before[i - distance].count_ones() as usize
    }
}

/// Table of groups whose bits are set with probability `p`/4096 each.
fn bernoulli(p: u64) -> FreqTable {
    let weights: Vec<u64> = (0..1u32 << GROUP)
        .map(|group| {
            let ones = group.count_ones();
            // At most 2⁴⁸ before the shift.
            ((p.pow(ones) * (4096 - p).pow(GROUP as u32 - ones)) >> 1).max(1)
        })
        .collect();
    FreqTable::from_weights(&weights)
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

fn decode_groups(body: &[u8], n: usize, row: usize) -> Result<Vec<u8>> {
    let mut r = Reader::new(body, "coded position bitmap");
    let (distance, used) = match r.u8()? {
        0 => (0, 1),
        1 => (row / GROUP, CONTEXTS),
        value => {
            return Err(Error::Reserved {
                field: "position contexts",
                value: value.into(),
            });
        }
    };
    let mut tables = Vec::with_capacity(used);
    for _ in 0..used {
        let p = r.varint_below(4096, "position probability")?;
        if p == 0 {
            return Err(Error::invalid("position probability", "is zero"));
        }
        tables.push(bernoulli(p));
    }
    symbols::decode(r.rest(), n, &tables, |i, before| {
        context(i, distance, before)
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

fn decode_gaps(body: &[u8], n: usize) -> Result<Vec<bool>> {
    let mut dec = Decoder::new(body);
    let (mut count, mut gap) = (UintModel::new(), UintModel::new());
    let mut mask = vec![false; n];
    let mut at = 0u64;
    for _ in 0..count.decode(&mut dec) {
        at = at.saturating_add(gap.decode(&mut dec));
        let place = usize::try_from(at).ok().and_then(|i| mask.get_mut(i));
        match place {
            Some(place) if !dec.exhausted() => *place = true,
            _ => {
                return Err(Error::invalid(
                    "kept position",
                    "lies past the end of its tile",
                ));
            }
        }
        at += 1;
    }
    dec.finish("kept positions")?;
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

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
