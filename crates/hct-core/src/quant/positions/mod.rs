//! Which coefficients of a sparse tile are kept, coded with whatever takes the fewest bytes: nothing
//! (all kept), a bitmap, the mask in groups of four through rANS under Bernoulli tables, or the gaps
//! between positions.

#[cfg(feature = "encode")]
pub(crate) mod encode;

use crate::entropy::binary::{Decoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::entropy::symbols;
use crate::wire::Reader;
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

/// The positions of every group.
const UNPACKED: [[bool; GROUP]; 1 << GROUP] = {
    let mut all = [[false; GROUP]; 1 << GROUP];
    let mut at = 0;
    while at < GROUP << GROUP {
        let (group, i) = (at / GROUP, at % GROUP);
        all[group][i] = group >> i & 1 == 1;
        at += 1;
    }
    all
};

/// The mask of a tile of `n` values in rows of `row`.
///
/// # Errors
/// When the mode is reserved or the body is not what an encoder makes.
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
    let mut mask = vec![false; groups.len() * W];
    let (fours, _) = mask.as_chunks_mut::<GROUP>();
    for (fours, &group) in fours.chunks_exact_mut(W / GROUP).zip(groups) {
        for (i, four) in fours.iter_mut().enumerate() {
            *four = UNPACKED[usize::from(group >> (GROUP * i) & 15)];
        }
    }
    mask.truncate(n);
    Ok(mask)
}

/// How many positions of a group are kept: a table in a register, since counting bits takes an
/// instruction that not every CPU has.
fn ones(group: u8) -> usize {
    const COUNTS: u64 = {
        let mut counts = 0;
        let mut group = 0u64;
        while group < 1 << GROUP {
            counts |= (group.count_ones() as u64) << (4 * group);
            group += 1;
        }
        counts
    };
    (COUNTS >> (4 * (group & 15)) & 15) as usize
}

/// The group `distance` back is the one a row up, to within a group.
fn context(i: usize, distance: usize, before: &[u8]) -> usize {
    if distance == 0 || i < distance {
        0
    } else {
        ones(before[i - distance])
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
