//! One of our coders on tensors of any number and size, within a worker.

use anyhow::{Result, ensure};
use hct_core::{Dtype, EncodedTensor, HctReader, HctWriter, MatrixView, TensorMeta};

use super::entrants::TRELLIS;
use super::order::Measured;
use super::timed::timed;
use crate::weights::gaussian_bytes;

/// Columns of a tensor, if it has so many weights.
const COLS: usize = 2048;
const DTYPE: Dtype = Dtype::BF16;
/// Bytes of a band at most, as `hct decompress` cuts tensors.
const BAND: u64 = 4 << 20;
/// Most weights that are drawn; more are the same ones again, which no coder here would notice.
const DRAWN: usize = 1 << 24;

/// Weights that tensors are cut from, and cut from again where they do not suffice.
#[derive(Default)]
pub struct Pool {
    bytes: Vec<u8>,
}

/// What the tensors of a file are, all alike.
struct Tensors<'a> {
    pool: &'a [u8],
    exact: bool,
    count: usize,
    rows: usize,
    cols: usize,
}

impl Pool {
    /// Codes so many tensors of so many weights each into a file in memory, and decodes it.
    pub fn measure(&mut self, exact: bool, count: usize, weights: usize) -> Result<Measured> {
        if self.bytes.len() < 2 * weights {
            let drawn = gaussian_bytes(weights.clamp(1 << 22, DRAWN), DTYPE)?;
            self.bytes = drawn.repeat((2 * weights).div_ceil(drawn.len()));
        }
        let cols = COLS.min(weights.isqrt());
        let tensors = Tensors {
            pool: &self.bytes,
            exact,
            count,
            rows: weights / cols,
            cols,
        };
        ensure!(
            tensors.rows * cols == weights && count > 0,
            "{weights} weights are no matrix of {cols} columns"
        );
        let (encode, file) = timed(|| tensors.encode())?;
        let (decode, last) = timed(|| tensors.decode(&file))?;
        ensure!(
            !exact || last == tensors.bytes(count - 1),
            "bits came back changed"
        );
        let mut band = Vec::new();
        let (bands, ()) = timed(|| tensors.decode_bands(&file, &mut band))?;
        ensure!(
            !band.is_empty() && last.ends_with(&band),
            "a band is not what the tensor has there"
        );
        Ok(Measured {
            encode,
            decode,
            bands,
            bytes: file.len() as u64,
            ..Measured::default()
        })
    }
}

impl Tensors<'_> {
    /// The bytes of a tensor.
    fn bytes(&self, i: usize) -> &[u8] {
        let len = 2 * self.rows * self.cols;
        let start = i % (self.pool.len() / len) * len;
        &self.pool[start..start + len]
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut writer = HctWriter::new(Vec::new())?;
        for i in 0..self.count {
            let meta = TensorMeta {
                name: format!("layers.{i}.weight"),
                dtype: DTYPE,
                shape: vec![self.rows as u64, self.cols as u64],
            };
            let bytes = self.bytes(i);
            let tensor = match self.exact {
                true => EncodedTensor::lossless(&meta, bytes)?,
                false => {
                    TRELLIS.code(MatrixView::from_bytes(bytes, DTYPE, self.rows, self.cols)?)?
                }
            };
            writer.add_tensor(meta, tensor, None, "bench")?;
        }
        Ok(writer.finish()?)
    }

    /// Decodes all tensors and returns the last.
    fn decode(&self, file: &[u8]) -> Result<Vec<u8>> {
        let reader = HctReader::open(file)?;
        ensure!(
            reader.index().tensors.len() == self.count,
            "tensors were lost"
        );
        let mut last = Vec::new();
        for i in 0..self.count {
            last = reader.decode(i)?;
        }
        Ok(last)
    }

    /// Decodes all tensors band by band into a room that is used again, and leaves the last band there.
    fn decode_bands(&self, file: &[u8], room: &mut Vec<u8>) -> Result<()> {
        let reader = HctReader::open(file)?;
        for i in 0..self.count {
            for band in reader.tensor(i)?.bands(BAND) {
                room.resize(band.byte_len() as usize, 0);
                band.decode_into(room)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_all_sizes_come_back() {
        let mut pool = Pool::default();
        for exact in [true, false] {
            // More tensors than the pool has weights for.
            for (count, weights) in [(1, 1 << 14), (1100, 1 << 12)] {
                let measured = pool.measure(exact, count, weights).unwrap();
                let bits = 8.0 * measured.bytes as f64 / (count * weights) as f64;
                assert!((2.0..16.5).contains(&bits), "{bits} bits per weight");
            }
        }
        assert!(pool.measure(true, 1, 1000).is_err());
    }
}
