//! Sending tensors through strategies, into a file and back.

#![allow(dead_code, reason = "every test binary uses its own part")]

#[path = "../../../hct-core/tests/common/mod.rs"]
pub mod common;

use common::{Kind, bytes_of, file_of, floats_of, meta};
use hct_core::{Dtype, HctReader, TensorMeta};
use hct_strategies::{
    AdaptiveEncoder, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, MixedPrecisionEncoder, MlpOnlyEncoder, Preset, Quality, RdoEncoder, Strategy,
    SvdEncoder, TensorView, UniformEncoder,
};

/// A tensor before and after.
pub struct Trip {
    pub label: String,
    /// Bytes of payload.
    pub bytes: usize,
    /// Coefficients not coded as zero, as a share of all elements.
    pub retention: f64,
    pub file: Vec<u8>,
    pub original: Vec<f32>,
    pub decoded: Vec<f32>,
}

impl Trip {
    /// Through `strategy`, a file and a reader.
    pub fn of(strategy: &dyn Strategy, meta: &TensorMeta, bytes: &[u8]) -> Trip {
        let coded = strategy
            .encode(TensorView {
                meta,
                bytes,
                base: None,
            })
            .unwrap();
        let (payload, retention) = (coded.tensor.payload_bytes(), coded.tensor.retention());
        let file = file_of(meta.clone(), coded.tensor);
        let decoded = HctReader::open(&file).unwrap().decode(0).unwrap();
        Trip {
            label: coded.label,
            bytes: payload,
            retention,
            original: floats_of(bytes, meta.dtype),
            decoded: floats_of(&decoded, meta.dtype),
            file,
        }
    }

    pub fn bits_per_weight(&self) -> f64 {
        8.0 * self.bytes as f64 / self.original.len() as f64
    }

    pub fn cosine(&self) -> f64 {
        cosine(&self.original, &self.decoded)
    }

    pub fn rel_mse(&self) -> f64 {
        rel_mse(&self.original, &self.decoded)
    }

    /// Cosines of the rows once the original's mean row is subtracted from both, in ascending order.
    pub fn row_cosines(&self, cols: usize) -> Vec<f64> {
        let rows = self.original.len() / cols;
        let mut mean = vec![0f64; cols];
        for row in self.original.chunks(cols) {
            let terms = mean.iter_mut().zip(row);
            terms.for_each(|(m, &v)| *m += f64::from(v) / rows as f64);
        }
        let centered = |row: &[f32]| -> Vec<f32> {
            let terms = row.iter().zip(&mean);
            terms.map(|(&v, m)| (f64::from(v) - m) as f32).collect()
        };
        let pairs = self.original.chunks(cols).zip(self.decoded.chunks(cols));
        let mut cosines: Vec<f64> = pairs
            .map(|(a, b)| cosine(&centered(a), &centered(b)))
            .collect();
        cosines.sort_by(f64::total_cmp);
        cosines
    }

    /// The values after the first `k` fragments.
    pub fn prefix(&self, k: usize, dtype: Dtype) -> Vec<f32> {
        let reader = HctReader::open(&self.file).unwrap();
        floats_of(
            &reader.tensor(0).unwrap().fragments(k).decode().unwrap(),
            dtype,
        )
    }
}

pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    let terms = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    terms.sum()
}

pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    if a == b {
        return 1.0;
    }
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

pub fn rel_mse(a: &[f32], b: &[f32]) -> f64 {
    common::squared_error(a, b) / dot(a, a).max(f64::MIN_POSITIVE)
}

/// A tensor of a kind, small values where that does not change the kind.
pub fn tensor(name: &str, kind: Kind, shape: &[u64], dtype: Dtype) -> (TensorMeta, Vec<u8>) {
    let (rows, cols) = hct_core::fold(shape).unwrap();
    let values: Vec<f32> = kind.values(rows, cols, 5);
    let values: Vec<f32> = match kind {
        Kind::HugeOutlier | Kind::Extremes | Kind::Subnormals => values,
        _ => values.iter().map(|v| 0.02 * v).collect(),
    };
    (meta(name, dtype, shape), bytes_of(&values, dtype))
}

/// Every lossy strategy under a preset, with so many fragments.
pub fn strategies(preset: Preset, fragments: usize) -> Vec<Box<dyn Strategy>> {
    let stacks = LayerStacks::of((0..9).map(|_| "layers.8.mlp.up_proj.weight"));
    let map = ImportanceMap::by_role();
    macro_rules! with {
        ($encoder:expr) => {
            Box::new($encoder.preset(preset).fragments(fragments)) as Box<dyn Strategy>
        };
    }
    vec![
        with!(UniformEncoder::new(0.9)),
        with!(AdaptiveEncoder::new(0.99)),
        with!(SvdEncoder::new(24)),
        with!(HybridEncoder::new(24, 0.9)),
        with!(MixedPrecisionEncoder::new(0.9, 0.1)),
        with!(ImportanceEncoder::new(0.9, map)),
        with!(MlpOnlyEncoder::new(0.9)),
        with!(HybridLayersEncoder::new(0.9, stacks)),
        Box::new(RdoEncoder::new(Quality::RelMse(0.01)).fragments(fragments)),
    ]
}

/// Statistics of every tensor of so many columns: nothing but the mean squares of inputs, which
/// grow from column to column.
pub struct Inputs(pub usize);

impl hct_strategies::Calibration for Inputs {
    fn statistics(&self, _: &str) -> hct_core::Result<Option<hct_strategies::TensorStatistics>> {
        let squares = (1..=self.0).map(|i| i as f32).collect();
        let moments = hct_strategies::Moments::Diagonal(squares);
        Ok(Some(hct_strategies::TensorStatistics::of_inputs(
            1000, moments,
        )))
    }
}
