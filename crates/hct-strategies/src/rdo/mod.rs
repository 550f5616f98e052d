//! Rate–distortion optimization: for each tensor the recipe of least rate at a given quality.

mod preparation;
mod quality;
mod search;

use hct_core::{
    EncodedPlane, EncodedTensor, Error, MatrixView, Result, TensorMeta, TrellisSettings, fold,
};

use crate::names::is_embedding;
use crate::{Coded, LosslessEncoder, Strategy, TensorView};
pub use quality::Quality;
use search::Search;

/// How hard to look for the least rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Scalar quantization.
    Fast,
    /// 8-state trellis.
    Default,
    /// 32-state trellis, more passes, every transform measured.
    Max,
}

impl Effort {
    fn settings(self) -> TrellisSettings {
        let (states, passes) = match self {
            Effort::Fast => (1, 1),
            Effort::Default => (8, 1),
            Effort::Max => (32, 3),
        };
        TrellisSettings {
            passes,
            ..TrellisSettings::new(states)
        }
    }
}

/// Codes every tensor with the trellis (or scalar) quantizer at the step that just reaches a
/// quality, after the transform that needs the fewest bits there.
#[derive(Clone, Copy, Debug)]
pub struct RdoEncoder {
    quality: Quality,
    effort: Effort,
}

impl RdoEncoder {
    /// Reaches `quality` with default effort.
    pub fn new(quality: Quality) -> Self {
        RdoEncoder {
            quality,
            effort: Effort::Default,
        }
    }

    /// Looks harder, or less hard.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }
}

fn matrix<'a>(tensor: TensorView<'a>) -> Result<MatrixView<'a>> {
    let (rows, cols) =
        fold(&tensor.meta.shape).ok_or_else(|| Error::Encode("the tensor is empty".into()))?;
    MatrixView::from_bytes(tensor.bytes, tensor.meta.dtype, rows, cols)
}

/// Whether lossless coding might take fewer bytes than `plane`: when the target is near lossless,
/// or the tensor is constant or of few values. A run in its middle tells well enough.
fn lossless_may_win(tensor: TensorView<'_>, plane: &EncodedPlane) -> Result<bool> {
    const SAMPLE: usize = 1 << 16;
    let width = tensor.meta.dtype.bits() / 8;
    let len = tensor.bytes.len().min(SAMPLE);
    let start = (tensor.bytes.len() - len) / 2 / width * width;
    let meta = TensorMeta {
        shape: vec![(len / width) as u64],
        ..tensor.meta.clone()
    };
    let sample = EncodedTensor::lossless(&meta, &tensor.bytes[start..start + len])?;
    let share = len as f64 / tensor.bytes.len() as f64;
    Ok((sample.payload_bytes() as f64) < 1.25 * share * plane.payload_bytes() as f64 + 64.0)
}

impl Strategy for RdoEncoder {
    fn name(&self) -> &'static str {
        "rdo"
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let matrix = matrix(tensor)?;
        let search = Search::new(
            matrix,
            tensor.meta.dtype,
            self.quality,
            self.effort,
            is_embedding(&tensor.meta.name),
        );
        if let Some(plane) = search.run()? {
            if !lossless_may_win(tensor, &plane)? {
                return Ok(Coded {
                    tensor: EncodedTensor::plane(plane),
                    label: "rdo".into(),
                });
            }
            let lossless = EncodedTensor::lossless(tensor.meta, tensor.bytes)?;
            if plane.payload_bytes() < lossless.payload_bytes() {
                return Ok(Coded {
                    tensor: EncodedTensor::plane(plane),
                    label: "rdo".into(),
                });
            }
            return Ok(Coded {
                tensor: lossless,
                label: "rdo (lossless is smaller)".into(),
            });
        }
        let coded = LosslessEncoder.encode(tensor)?;
        Ok(Coded {
            label: "rdo (lossless: target out of reach)".into(),
            ..coded
        })
    }
}
