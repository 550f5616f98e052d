//! Encoding tiles of trellis-quantized values.

use super::contexts::{Contexts, Statistics, symbol};
use super::decode::point;
use super::viterbi::{self, Search};
use super::{Trellis, multiple};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::rans::RansEncoder;

/// A tile's values and their classes.
pub(crate) struct TileValues<'a> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
}

/// Signed indices of a tile by Viterbi search.
pub(crate) fn quantize(
    trellis: Trellis,
    lanes: usize,
    step: f32,
    lambda: f32,
    costs: &[f32],
    tile: &TileValues<'_>,
) -> Vec<i32> {
    let mut indices = vec![0; tile.values.len()];
    let search = Search {
        inv_step: 1.0 / step,
        lambda,
        costs,
    };
    match lanes {
        8 => viterbi::quantize::<8>(trellis, &search, tile.values, tile.classes, &mut indices),
        _ => viterbi::quantize::<32>(trellis, &search, tile.values, tile.classes, &mut indices),
    }
    indices
}

/// Calls `visit(i, context, quantizer)` for every symbol in order.
fn walk(
    trellis: Trellis,
    lanes: usize,
    classes: &[u8],
    indices: &[i32],
    mut visit: impl FnMut(usize, usize, usize),
) {
    let mut states = vec![0; lanes];
    let quantizers = trellis.quantizers();
    for (step, (ks, cs)) in indices.chunks(lanes).zip(classes.chunks(lanes)).enumerate() {
        for (l, ((&k, &class), state)) in ks.iter().zip(cs).zip(&mut states).enumerate() {
            let q = trellis.quantizer(*state);
            visit(step * lanes + l, usize::from(class) * quantizers + q, q);
            *state = trellis.next(*state, (k & 1) as usize);
        }
    }
}

/// Adds a quantized tile to the statistics.
pub(crate) fn collect(
    trellis: Trellis,
    lanes: usize,
    step: f32,
    tile: &TileValues<'_>,
    indices: &[i32],
    stats: &mut Statistics,
) {
    let inv = 1.0 / step;
    walk(trellis, lanes, tile.classes, indices, |i, context, q| {
        let m = indices[i].abs();
        let residual = tile.values[i].abs() * inv - multiple(m, q as i32) as f32;
        stats.add(context, m as usize, residual);
    });
}

/// Squared errors of indices under the decoder's reproduction points, summed over each run of
/// `row` values.
pub(crate) fn squared_errors(
    trellis: Trellis,
    lanes: usize,
    step: f32,
    contexts: &Contexts,
    tile: &TileValues<'_>,
    indices: &[i32],
    row: usize,
) -> Vec<f64> {
    let mut sums = Vec::with_capacity(indices.len().div_ceil(row));
    let (mut sum, mut left) = (0f64, row);
    walk(trellis, lanes, tile.classes, indices, |i, context, q| {
        let m = indices[i].unsigned_abs() as usize;
        let p = match m {
            0 => 0.0,
            m if contexts.coded_magnitude(context, m) == m => {
                point(q as i32, m, contexts.shift(context, m), step)
            }
            // Patched values have no shift.
            m => point(q as i32, m, 0.0, step),
        };
        let d = f64::from(tile.values[i].abs()) - f64::from(p);
        sum += d * d;
        left -= 1;
        if left == 0 {
            sums.push(std::mem::take(&mut sum));
            left = row;
        }
    });
    if left < row {
        sums.push(sum);
    }
    sums
}

/// The coded symbols of a tile and its patches.
pub(crate) struct CodedTile {
    pub stream: Vec<u8>,
    pub patches: Vec<u8>,
}

/// Entropy-codes a quantized tile.
pub(crate) fn code(
    trellis: Trellis,
    lanes: usize,
    contexts: &Contexts,
    classes: &[u8],
    indices: &[i32],
) -> CodedTile {
    // Context and symbol of each value, so that the reverse pass need not know the states.
    let mut coded = vec![(0u16, 0u16); indices.len()];
    let mut patched = Vec::new();
    walk(trellis, lanes, classes, indices, |i, context, q| {
        let k = indices[i];
        let m = k.unsigned_abs() as usize;
        let c = contexts.coded_magnitude(context, m);
        if c != m {
            let v = multiple(m as i32, q as i32);
            patched.push((i as u64, i64::from(if k < 0 { -v } else { v })));
        }
        let s = symbol(if k < 0 { -(c as i32) } else { c as i32 });
        coded[i] = (context as u16, s as u16);
    });
    let mut rans = RansEncoder::new(lanes, indices.len() / 4);
    for (i, &(context, s)) in coded.iter().enumerate().rev() {
        rans.put(
            i % lanes,
            contexts.tables[usize::from(context)].get(usize::from(s)),
        );
    }
    CodedTile {
        stream: rans.finish(),
        patches: code_patches(&patched),
    }
}

fn code_patches(patched: &[(u64, i64)]) -> Vec<u8> {
    let mut enc = Encoder::new();
    let (mut count, mut gap, mut value) = (UintModel::new(), UintModel::new(), UintModel::new());
    count.encode(&mut enc, patched.len() as u64);
    let mut next = 0;
    for &(i, v) in patched {
        gap.encode(&mut enc, i - next);
        value.encode_signed(&mut enc, v);
        next = i + 1;
    }
    enc.finish()
}
