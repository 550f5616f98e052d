//! Row by row over the numbers of tensors.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, Device, Storage, Tensor};
use rayon::prelude::*;

use crate::Error;

/// The numbers of an F32 tensor that lie one after the other, borrowed.
///
/// # Errors
/// When they do not.
pub(crate) fn values(tensor: &Tensor) -> Result<impl Deref<Target = [f32]>, Error> {
    let (storage, layout) = tensor.storage_and_layout();
    let is_f32 = matches!(&*storage, Storage::Cpu(CpuStorage::F32(_)));
    match layout.contiguous_offsets() {
        Some((start, end)) if is_f32 => Ok(Values(storage, start..end)),
        _ => Err(candle_core::Error::Msg("not contiguous F32 on the CPU".into()).into()),
    }
}

/// A guard of the storage of a tensor, and which part of that it is.
struct Values<S>(S, Range<usize>);

impl<S: Deref<Target = Storage>> Deref for Values<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.0 {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.1.clone()],
            _ => &[],
        }
    }
}

/// Tensors of the shape of `inputs`, each row (of the last dimension) of them filled by `fill` from
/// the number of the row and theirs. They are zero before that.
pub(crate) fn by_rows<const N: usize, const M: usize>(
    inputs: [&Tensor; N],
    fill: impl Fn(usize, [&[f32]; N], [&mut [f32]; M]) + Sync,
) -> Result<[Tensor; M], Error> {
    let shape = inputs[0].shape();
    let width = shape.dims().last().copied().unwrap_or(1).max(1);
    for input in &inputs[1..] {
        if input.shape() != shape {
            let message = format!("shapes {:?} and {shape:?} differ", input.shape());
            return Err(candle_core::Error::Msg(message).into());
        }
    }
    let mut guards = Vec::with_capacity(N);
    for input in inputs {
        guards.push(values(input)?);
    }
    let slices: [&[f32]; N] = std::array::from_fn(|i| &*guards[i]);
    let mut outs: [Vec<f32>; M] = std::array::from_fn(|_| vec![0.0; shape.elem_count()]);
    // Enough at a time that handing them out costs little.
    let rows = (1usize << 14).div_ceil(width);
    let mut rest = outs.each_mut().map(|out| out.chunks_mut(rows * width));
    let mut chunks = Vec::new();
    loop {
        let next = rest.each_mut().map(Iterator::next);
        if !next.iter().all(Option::is_some) {
            break;
        }
        chunks.push(next.map(Option::unwrap_or_default));
    }
    chunks
        .into_par_iter()
        .enumerate()
        .for_each(|(chunk, mut outs)| {
            let first = chunk * rows;
            let count = outs.first().map_or(0, |out| out.len() / width);
            for row in 0..count {
                let at = (first + row) * width;
                let outs = outs.each_mut().map(|out| &mut out[row * width..][..width]);
                fill(
                    first + row,
                    slices.map(|values| &values[at..at + width]),
                    outs,
                );
            }
        });
    let mut tensors = Vec::with_capacity(M);
    for out in outs {
        tensors.push(Tensor::from_vec(out, shape, &Device::Cpu)?);
    }
    tensors
        .try_into()
        .map_err(|_| candle_core::Error::Msg("another number of tensors".into()).into())
}

/// The sum of two tensors. That of candle is spread over threads of its own, which wait in a loop and so
/// take time from those of Rayon.
pub(crate) fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor, Error> {
    let [sum] = by_rows([a, b], |_, [a, b], [out]| {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = a + b;
        }
    })?;
    Ok(sum)
}

/// The sum of each row and `row`.
pub(crate) fn plus_row(x: &Tensor, row: &Tensor) -> Result<Tensor, Error> {
    let row = values(row)?;
    let row = &*row;
    let [sum] = by_rows([x], |_, [x], [out]| {
        for ((out, x), added) in out.iter_mut().zip(x).zip(row) {
            *out = x + added;
        }
    })?;
    Ok(sum)
}

/// Each row times its factor; for the same reason not by candle.
pub(crate) fn scaled(x: &Tensor, factor: impl Fn(usize) -> f32 + Sync) -> Result<Tensor, Error> {
    let [scaled] = by_rows([x], |row, [x], [out]| {
        let factor = factor(row);
        for (out, x) in out.iter_mut().zip(x) {
            *out = factor * x;
        }
    })?;
    Ok(scaled)
}

/// The sum of a row, in eight sums side by side.
pub(crate) fn total(x: &[f32]) -> f32 {
    let (x, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for x in x {
        for i in 0..8 {
            sums[i] += x[i];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// The sum of the products of two rows, in eight sums side by side.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
