//! Weights made up from their names, the same everywhere and whenever they are made again.
//!
//! Gaussian, of a standard deviation that layers and kinds of tensors differ in; rows differ a
//! little, and of the columns one in 256 is up to sixteen times as loud, as in trained models.

use hct_model::TensorInfo;

use crate::gaussian::standard_gaussian;
use crate::split_mix::SplitMix;

/// Standard deviation of most tensors, and that of its logarithm among tensors and among rows.
const DEVIATION: f32 = 0.02;
const TENSOR_SPREAD: f32 = 0.4;
const ROW_SPREAD: f32 = 0.15;
/// Columns for each that is loud.
const LOUD_EVERY: u64 = 256;
/// Gaussian numbers, of which weights take any.
const NUMBERS: usize = 1 << 16;

/// What weights are made with.
pub struct Source {
    numbers: Vec<f32>,
}

/// A tensor's weights, row by row.
pub struct Rows<'a> {
    source: &'a Source,
    seed: u64,
    deviation: f32,
    columns: Vec<f32>,
    rows: u64,
}

impl Source {
    /// The same always.
    pub fn new() -> Source {
        Source {
            numbers: standard_gaussian(NUMBERS),
        }
    }

    /// The rows of a tensor; a vector is one row, around 1.
    pub fn rows<'a>(&'a self, tensor: &TensorInfo) -> Rows<'a> {
        let seed = hash(&tensor.name);
        let mut random = SplitMix(seed);
        let cols = tensor.shape.last().copied().unwrap_or(1);
        let rows = tensor.shape.iter().rev().skip(1).product();
        let scale = libm::expf(TENSOR_SPREAD * self.number(random.next()));
        let columns = (0..cols).map(|_| {
            let bits = random.next();
            match bits % LOUD_EVERY {
                0 => 4.0 + (bits >> 32) as f32 * (12.0 / u32::MAX as f32),
                _ => 1.0,
            }
        });
        Rows {
            source: self,
            seed,
            deviation: DEVIATION * scale,
            columns: columns.collect(),
            rows,
        }
    }

    fn number(&self, bits: u64) -> f32 {
        self.numbers[bits as usize % NUMBERS]
    }
}

impl Rows<'_> {
    /// How many.
    pub fn count(&self) -> u64 {
        self.rows
    }

    /// Bytes of each.
    pub fn row_bytes(&self) -> usize {
        2 * self.columns.len()
    }

    /// The weights of row `row` as BF16.
    pub fn write(&self, row: u64, out: &mut [u8]) {
        let mut random = SplitMix(self.seed ^ row.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let own = libm::expf(ROW_SPREAD * self.source.number(random.next()));
        let scale = self.deviation * own;
        let four = out.as_chunks_mut::<2>().0.chunks_mut(4);
        for (out, columns) in four.zip(self.columns.chunks(4)) {
            let mut bits = random.next();
            for (pair, column) in out.iter_mut().zip(columns) {
                *pair = bf16(self.source.number(bits) * scale * column);
                bits >>= 16;
            }
        }
    }
}

/// The nearest BF16 of a finite number.
fn bf16(value: f32) -> [u8; 2] {
    let bits = value.to_bits();
    let rounded = bits + 0x7fff + (bits >> 16 & 1);
    ((rounded >> 16) as u16).to_le_bytes()
}

/// FNV-1a.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use hct_core::Dtype;

    use super::*;

    #[test]
    fn weights_are_as_they_are_said_to_be() {
        let source = Source::new();
        let tensor = TensorInfo {
            name: "w".into(),
            dtype: Dtype::BF16,
            shape: vec![64, 4096],
        };
        let rows = source.rows(&tensor);
        assert_eq!((rows.count(), rows.row_bytes()), (64, 8192));
        let mut columns = vec![0.0; 4096];
        let mut row = vec![0; rows.row_bytes()];
        for i in 0..64 {
            rows.write(i, &mut row);
            for (sum, pair) in columns.iter_mut().zip(row.as_chunks::<2>().0) {
                let value = f32::from_bits(u32::from(u16::from_le_bytes(*pair)) << 16);
                *sum += value * value / 64.0;
            }
        }
        let loud = columns.iter().filter(|&&square| square > 0.003).count();
        assert!((4..64).contains(&loud), "{loud}");
        let mut again = row.clone();
        source.rows(&tensor).write(63, &mut again);
        assert!(row == again);
        assert_eq!(bf16(1.0), half::bf16::from_f32(1.0).to_le_bytes());
        assert_eq!(bf16(-0.1), half::bf16::from_f32(-0.1).to_le_bytes());
    }
}
