//! Importance matrices as `llama-imatrix` of llama.cpp writes them: mean squares of the inputs of
//! matrices, by the names that llama.cpp gives them.

mod bytes;
mod entry;
mod gguf;
mod legacy;

use std::collections::HashMap;
use std::path::PathBuf;

use hct_core::ReadAt;
use hct_strategies::{Calibration, Moments, TensorStatistics};

use crate::calibration::CalibrationFault;
use crate::error::Error;
use crate::gguf::names::name_in_gguf;
use entry::Entry;

/// The largest file that is read; those of models of 70 billion weights have some 30 MB.
const MAX_LEN: u64 = 1 << 30;

/// An importance matrix, read whole. Its statistics are those of inputs alone: the diagonal of their
/// moments, without gradients.
///
/// Tensors are asked for by their names in checkpoints of the Llama, Qwen2 and BERT layouts.
pub struct Imatrix {
    entries: HashMap<String, Entry>,
}

impl Imatrix {
    /// Reads a file of either form: GGUF with `general.type` = `imatrix`, or the older one without
    /// a header. `path` names it in messages. Tensors of several matrices (experts) are left out.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn new(path: impl Into<PathBuf>, source: &impl ReadAt) -> Result<Imatrix, Error> {
        let path = path.into();
        let len = source.size();
        let fault = || Error::calibration(&path);
        if len > MAX_LEN {
            return Err(fault()(CalibrationFault::Imatrix {
                what: "it is too large",
            }));
        }
        let bytes = source
            .read_at(0, len as usize)
            .map_err(Error::reading(&path))?;
        let read = match is_gguf(&bytes) {
            true => gguf::read(&bytes),
            false => legacy::read(&bytes).map_err(|what| CalibrationFault::Imatrix { what }),
        };
        let entries = read.map_err(fault())?;
        for entry in entries.values() {
            if !entry.squares.iter().all(|&x| x.is_finite() && x >= 0.0) {
                return Err(fault()(CalibrationFault::Imatrix {
                    what: "a mean square is negative or not finite",
                }));
            }
        }
        Ok(Imatrix { entries })
    }
}

/// Whether these are the first bytes of a GGUF file.
pub(crate) fn is_gguf(bytes: &[u8]) -> bool {
    bytes.starts_with(crate::gguf::MAGIC)
}

impl Calibration for Imatrix {
    fn statistics(&self, tensor: &str) -> hct_core::Result<Option<TensorStatistics>> {
        let entry = name_in_gguf(tensor).and_then(|name| self.entries.get(&name));
        Ok(entry.map(|entry| {
            TensorStatistics::of_inputs(entry.tokens, Moments::Diagonal(entry.squares.clone()))
        }))
    }
}
