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

/// A tensor of the shape of `inputs`, each row (of the last dimension) of it filled by `fill` from
/// theirs.
pub(super) fn by_rows<const N: usize>(
    inputs: [&Tensor; N],
    fill: impl Fn([&[f32]; N], &mut [f32]) + Sync,
) -> Result<Tensor, Error> {
    let shape = inputs[0].shape();
    let Some(&width) = shape.dims().last().filter(|&&width| width > 0) else {
        return Ok(inputs[0].clone());
    };
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
    let mut out = vec![0.0; shape.elem_count()];
    // Enough at a time that handing them out costs little.
    let rows = (1usize << 14).div_ceil(width);
    out.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(chunk, out)| {
            let first = chunk * rows * width;
            for (row, out) in out.chunks_mut(width).enumerate() {
                let at = first + row * width;
                fill(slices.map(|values| &values[at..at + width]), out);
            }
        });
    Ok(Tensor::from_vec(out, shape, &Device::Cpu)?)
}

/// The sum of the products of two rows, in eight sums side by side.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
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
