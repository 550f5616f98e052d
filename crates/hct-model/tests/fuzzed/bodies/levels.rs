//! What comes of bytes at the level of the CPU that is used: to be the same at every other.

use std::sync::LazyLock;

use hct_model::{HctModel, TensorSource, error_chain};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::repair::repaired;
use super::round_trip::Matrix;

/// On one thread: of several that err any may be the first to say so.
static ALONE: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(1).build().unwrap());

/// All bytes and errors that came of it, in order.
pub type Outcome = Vec<Result<Vec<u8>, String>>;

/// Of an HCT file, its checksums made to fit, what decodes and why the rest does not; of other bytes the
/// file that they make as numbers, and what that decodes to.
pub fn outcome(data: &[u8]) -> Outcome {
    ALONE.install(|| {
        let mut outcome = Vec::new();
        if data.starts_with(b"HCT") {
            if let Some(model) = repaired(data) {
                decoded(&model, &mut outcome);
            }
        } else if let Some((file, _)) = Matrix::of(data).and_then(|matrix| matrix.coded()) {
            decoded(&HctModel::new("coded", file.clone()).unwrap(), &mut outcome);
            outcome.push(Ok(file));
        }
        outcome
    })
}

/// Every tensor of the file: its bytes, its numbers, rows in its middle.
fn decoded(model: &HctModel<Vec<u8>>, outcome: &mut Outcome) {
    for (number, record) in model.index().tensors.iter().enumerate() {
        outcome.push(said(model.read(number).map(|bytes| bytes.into_owned())));
        let Ok(part) = model.tensor(number) else {
            continue;
        };
        let mut values = vec![0.0; part.elements() as usize];
        let numbers = part.decode_f32(&mut values);
        let bits = values.iter().flat_map(|v| v.to_bits().to_le_bytes());
        outcome.push(said(numbers.map(|()| bits.collect())));
        let rows = record.shape.first().copied().unwrap_or(1);
        let middle = part.rows(rows / 3..rows - rows / 3);
        outcome.push(said(middle.and_then(|part| part.decode())));
    }
}

fn said(result: Result<Vec<u8>, hct_model::Error>) -> Result<Vec<u8>, String> {
    result.map_err(|error| error_chain(&error))
}
