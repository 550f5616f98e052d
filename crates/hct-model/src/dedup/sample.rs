//! A part of a tensor that is coded to estimate what the whole takes.

use hct_core::fold;

use crate::tensor_info::TensorInfo;

/// Elements of a sample; smaller tensors are taken whole.
const ELEMENTS: usize = 1 << 16;
/// Runs that long rows are sampled by.
const RUNS: usize = 16;

/// Rows of a tensor, spread evenly over it.
pub(super) struct Sample {
    /// Bytes of the rows.
    pub bytes: Vec<u8>,
    /// Rows and columns; where the tensor is whole, its own shape.
    pub shape: Vec<u64>,
    /// Bytes of a row.
    pub row: usize,
    /// How many times as many bytes the whole tensor has.
    pub times: f64,
}

impl Sample {
    /// The sample of the tensor `info`, whose elements are `bytes`.
    pub fn of(info: &TensorInfo, bytes: &[u8]) -> Sample {
        let width = info.dtype.bits();
        let dims = fold(&info.shape).filter(|(rows, cols)| rows * cols > ELEMENTS);
        let Some((rows, cols)) = dims.filter(|_| width.is_multiple_of(8)) else {
            return Sample {
                bytes: bytes.to_vec(),
                shape: info.shape.clone(),
                row: bytes.len().max(1),
                times: 1.0,
            };
        };
        // Long rows are cut.
        let run = cols.min(ELEMENTS / RUNS);
        let (runs, of) = (ELEMENTS / run, rows * cols / run);
        let row = run * width / 8;
        let mut sample = Vec::with_capacity(runs * row);
        for k in 0..runs {
            let start = k * of / runs * row;
            sample.extend_from_slice(bytes.get(start..start + row).unwrap_or_default());
        }
        Sample {
            times: bytes.len() as f64 / sample.len().max(1) as f64,
            bytes: sample,
            shape: vec![runs as u64, run as u64],
            row,
        }
    }

    /// Whether it is all there is.
    pub fn is_whole(&self) -> bool {
        self.times == 1.0
    }

    /// Every other row.
    pub fn half(&self) -> Sample {
        let rows = self.bytes.chunks(self.row).step_by(2);
        let (count, bytes) = (rows.len() as u64, rows.flatten().copied().collect());
        Sample {
            bytes,
            shape: vec![count, self.shape.last().copied().unwrap_or(1)],
            row: self.row,
            times: 2.0 * self.times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hct_core::Dtype;

    fn info(shape: &[u64]) -> TensorInfo {
        TensorInfo {
            name: "t".into(),
            dtype: Dtype::BF16,
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn rows_are_spread_over_the_tensor() {
        let bytes: Vec<u8> = (0..1024u32 * 512 * 2).map(|i| (i / 1024) as u8).collect();
        let sample = Sample::of(&info(&[1024, 512]), &bytes);
        assert_eq!(
            (sample.shape.as_slice(), sample.times),
            (&[128, 512][..], 8.0)
        );
        let rows: Vec<u8> = sample.bytes.chunks(1024).map(|row| row[0]).collect();
        assert_eq!(rows[..4], [0, 8, 16, 24]);
        let half = sample.half();
        assert_eq!((half.shape.as_slice(), half.times), (&[64, 512][..], 16.0));
        assert_eq!(half.bytes[1024], 16);
    }

    #[test]
    fn long_rows_are_cut_and_small_tensors_whole() {
        let bytes = vec![0; 2 << 20];
        let sample = Sample::of(&info(&[1, 1 << 20]), &bytes);
        assert_eq!(sample.shape, [16, 4096]);
        let small = Sample::of(&info(&[3, 5, 7]), &bytes[..210]);
        assert!(small.is_whole() && small.shape == [3, 5, 7]);
        assert!(Sample::of(&info(&[0, 7]), &[]).is_whole());
    }
}
