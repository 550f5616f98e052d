//! Numbers of any kind by any strategy.

use hct_core::Dtype;
use hct_model::{
    CompressReport, GgufType, HctModel, Header, Safetensors, TensorInfo, TensorSource, encode,
    verify,
};
use hct_strategies::{Plan, StrategyName, StrategySpec};

use super::PLAIN;

/// What is exact comes back, and the rest is a file that verifies and whose finite values stay finite.
pub fn round_trip(data: &[u8]) {
    let Some(matrix) = Matrix::of(data) else {
        return;
    };
    let Some((coded, report)) = matrix.coded() else {
        return;
    };
    let model = HctModel::new("fuzzed", coded).unwrap();
    assert!(verify(&model, &()).is_empty());
    let back = model.read(0).unwrap();
    assert_eq!(back.len(), matrix.numbers.len());
    if report.lossy_weights == 0 {
        assert!(back[..] == *matrix.numbers);
    } else {
        let values = |bytes: &[u8]| GgufType::Plain(matrix.dtype).dequantize(bytes).unwrap();
        let pairs = values(matrix.numbers).into_iter().zip(values(&back));
        assert!({ pairs }.all(|(x, y)| x.is_finite() && y.is_finite()));
    }
}

/// A matrix, and how it is to be coded: three bytes say that, the others are its numbers.
pub struct Matrix<'a> {
    strategy: StrategyName,
    dtype: Dtype,
    columns: u64,
    numbers: &'a [u8],
}

impl<'a> Matrix<'a> {
    pub fn of(data: &'a [u8]) -> Option<Self> {
        let ([which, dtype, width], numbers) = data.split_first_chunk()?;
        let strategies = StrategyName::ALL;
        let dtype = [Dtype::F32, Dtype::F16, Dtype::BF16][usize::from(*dtype) % 3];
        let columns = 1 + u64::from(*width);
        let row = columns as usize * dtype.bits() / 8;
        Some(Matrix {
            strategy: strategies[usize::from(*which) % strategies.len()],
            dtype,
            columns,
            numbers: &numbers[..numbers.len() / row * row],
        })
    }

    /// As an HCT file, where the strategy takes no more than a matrix.
    pub fn coded(&self) -> Option<(Vec<u8>, CompressReport)> {
        let info = TensorInfo {
            name: "model.layers.0.mlp.up_proj.weight".into(),
            dtype: self.dtype,
            shape: vec![self.rows(), self.columns],
        };
        let file = safetensors_of(&[info], self.numbers);
        let source = Safetensors::new("fuzzed", [("m.safetensors", &file[..])]).unwrap();
        let spec = StrategySpec::builder(self.strategy).finish().unwrap();
        let Ok(Plan::Strategy(strategy)) = spec.plan([], None) else {
            return None;
        };
        Some(encode(&source, Vec::new(), &*strategy, PLAIN, &()).unwrap())
    }

    fn rows(&self) -> u64 {
        self.numbers.len() as u64 / (self.columns * self.dtype.bits() as u64 / 8)
    }
}

/// A safetensors file of these tensors, whose bytes are `numbers`.
pub fn safetensors_of(tensors: &[TensorInfo], numbers: &[u8]) -> Vec<u8> {
    let header = Header::of(tensors).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.header_bytes());
    file.extend_from_slice(numbers);
    file
}
