//! The files, each made of little to show one thing.

mod blocks;
mod by_hand;
mod column_order;
mod files;
mod lossless;
mod on_base;
mod sparse;
mod sums;
mod trellis;

use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, HctWriter, Preparation, Result, TensorMeta, Transform,
};

/// Name and bytes of every file.
///
/// # Errors
/// Never, while the encoders take what they took.
pub fn all() -> Result<Vec<(String, Vec<u8>)>> {
    let mut cases = Cases(Vec::new());
    lossless::add(&mut cases)?;
    blocks::add(&mut cases)?;
    sparse::add(&mut cases)?;
    trellis::add(&mut cases)?;
    column_order::add(&mut cases)?;
    sums::add(&mut cases)?;
    on_base::add(&mut cases)?;
    files::add(&mut cases)?;
    by_hand::add(&mut cases);
    Ok(cases.0)
}

/// Files made so far.
struct Cases(Vec<(String, Vec<u8>)>);

impl Cases {
    fn file(&mut self, name: impl Into<String>, file: Vec<u8>) {
        self.0.push((name.into(), file));
    }

    /// A file of some tensors.
    fn tensors(
        &mut self,
        name: impl Into<String>,
        tensors: Vec<(TensorMeta, EncodedTensor)>,
    ) -> Result<()> {
        let mut writer = HctWriter::new(Vec::new())?;
        for (meta, tensor) in tensors {
            writer.add_tensor(meta, tensor, None, "vectors")?;
        }
        self.file(name, writer.finish()?);
        Ok(())
    }

    /// A file of one tensor of one plane.
    fn plane(&mut self, name: impl Into<String>, dtype: Dtype, plane: EncodedPlane) -> Result<()> {
        let shape = [plane.recipe().rows as u64, plane.recipe().cols as u64];
        self.tensors(
            name,
            vec![(meta("w", dtype, &shape), EncodedTensor::plane(plane))],
        )
    }
}

fn meta(name: &str, dtype: Dtype, shape: &[u64]) -> TensorMeta {
    let (name, shape) = (name.into(), shape.into());
    TensorMeta { name, dtype, shape }
}

/// Nearly Gaussian noise.
fn noise(i: usize) -> f32 {
    let mut s = i as u32 ^ 0x9e37_79b9;
    let mut sum = 0.0;
    for _ in 0..6 {
        s = s.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        sum += ((s ^ (s >> 15)) & 0xffff) as f32 / 65536.0 - 0.5;
    }
    sum * 0.05
}

/// Noise whose size depends on row and column, around column means, with two outliers of hundreds
/// of standard deviations.
fn weights(rows: usize, cols: usize) -> Vec<f32> {
    let mut out: Vec<f32> = (0..rows * cols)
        .map(|i| {
            let (r, c) = (i / cols, i % cols);
            let size = 1.0 + (r % 7) as f32 + if c % 5 == 0 { 6.0 } else { 0.0 };
            0.02 * (c % 9) as f32 + size * noise(i)
        })
        .collect();
    out[rows * cols / 3] = 300.0;
    out[rows * cols / 2] = -41.5;
    out
}

fn preparation(transform: Transform, whole: bool, remove_means: bool, tile: usize) -> Preparation {
    Preparation {
        transform,
        whole,
        remove_means,
        tile,
    }
}
