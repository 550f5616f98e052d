//! Short ways to code tensors and to write them into files.

use half::{bf16, f16};
use hct_core::{
    DEFAULT_TILE, Dtype, EncodedPlane, EncodedTensor, Gains, HctWriter, MatrixView, Preparation,
    Result, TensorMeta, Transform, TrellisAnalysis, TrellisSettings,
};

pub fn meta(name: &str, dtype: Dtype, shape: &[u64]) -> TensorMeta {
    TensorMeta {
        name: name.into(),
        dtype,
        shape: shape.to_vec(),
    }
}

/// `values` in `dtype`, which must be F32, F16 or BF16; past its range the largest finite value.
pub fn bytes_of(values: &[f32], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Dtype::BF16 => values
            .iter()
            .map(|&v| bf16::from_f32(v).clamp(bf16::MIN, bf16::MAX))
            .flat_map(|v| v.to_le_bytes())
            .collect(),
        Dtype::F16 => values
            .iter()
            .map(|&v| f16::from_f32(v).clamp(f16::MIN, f16::MAX))
            .flat_map(|v| v.to_le_bytes())
            .collect(),
        other => panic!("{other} is not for weights"),
    }
}

/// Inverse of [`bytes_of`].
pub fn floats_of(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    match dtype {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::BF16 => pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        Dtype::F16 => pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        other => panic!("{other} is not for weights"),
    }
}

/// A file that holds one tensor.
pub fn file_of(meta: TensorMeta, tensor: EncodedTensor) -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    writer.add_tensor(meta, tensor, None, "test").unwrap();
    writer.finish().unwrap()
}

/// `transform` of the whole plane, or of tiles of at most `tile` values.
pub fn preparation(transform: Transform, whole: bool, tile: Option<usize>) -> Preparation {
    Preparation {
        transform,
        whole,
        remove_means: false,
        tile: tile.unwrap_or(DEFAULT_TILE),
    }
}

/// Codes with the trellis quantizer at `step` times the root mean square of the prepared values.
pub fn trellis(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    states: usize,
    step: f64,
) -> Result<EncodedPlane> {
    let analysis = TrellisAnalysis::new(matrix, preparation, TrellisSettings::new(states))?;
    encode(&analysis, step)
}

/// The same with a gain per row.
pub fn with_gains(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    states: usize,
    step: f64,
    gains: Vec<i32>,
) -> Result<EncodedPlane> {
    let settings = TrellisSettings::new(states);
    encode(
        &TrellisAnalysis::with_gains(matrix, preparation, settings, Gains::of_rows(gains))?,
        step,
    )
}

/// A plane in column order with gains.
pub fn column_order(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    states: usize,
    step: f64,
    gains: Gains,
) -> Result<EncodedPlane> {
    let settings = TrellisSettings::new(states);
    let analysis = TrellisAnalysis::with_gains(matrix, preparation, settings, gains)?;
    encode(&analysis.column_order()?, step)
}

/// Fine gains of both sides of a matrix.
pub fn fine_gains(rows: usize, cols: usize) -> Gains {
    let side = |n: usize, period: i32| {
        let gain = |i: i32| (i * 7 % period) - period / 2;
        Some((0..n as i32).map(gain).collect())
    };
    Gains {
        rows: side(rows, 41),
        columns: side(cols, 29),
        fine: true,
    }
}

fn encode(analysis: &TrellisAnalysis<'_>, step: f64) -> Result<EncodedPlane> {
    let step = ((step * analysis.energy().sqrt()) as f32).max(analysis.min_step());
    analysis.encode(step, &analysis.train(step, 1 << 18))
}

/// Σ (a − b)².
pub fn squared_error(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum()
}
