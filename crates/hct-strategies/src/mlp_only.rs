//! MLP matrices only: everything else bit for bit.

use hct_core::Result;

use crate::coding;
use crate::engine::Quality;
use crate::names::{Role, role};
use crate::preset::{Options, with_options, with_quality};
use crate::target::target_for;
use crate::{Coded, LosslessEncoder, Preset, Strategy, StrategyName, TensorView, sparse};

/// Codes MLP matrices, recognised by their names, with loss, and all other tensors losslessly.
#[derive(Clone, Copy, Debug)]
pub struct MlpOnlyEncoder {
    retention: f64,
    quality: Option<Quality>,
    options: Options,
}

impl MlpOnlyEncoder {
    /// Codes MLP matrices at the quality of the uniform scheme at `retention`, in (0, 1].
    pub fn new(retention: f64) -> Self {
        MlpOnlyEncoder {
            retention,
            quality: None,
            options: Options::default(),
        }
    }
}

with_options!(MlpOnlyEncoder);
with_quality!(MlpOnlyEncoder);

impl Strategy for MlpOnlyEncoder {
    fn name(&self) -> &'static str {
        StrategyName::MlpOnly.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        if role(&tensor.meta.name) != Role::Mlp {
            let coded = LosslessEncoder.encode(tensor)?;
            let label = format!("{} ({}: not an MLP)", self.name(), coded.label);
            return Ok(Coded { label, ..coded });
        }
        let Options { preset, engine } = self.options;
        if preset == Preset::Classic {
            let (how, fragments) = (sparse::dct2(preset), self.options.fragments());
            return sparse::uniform(tensor, how, self.retention, fragments, self.name());
        }
        let quality = self.base_quality();
        coding::code(
            &engine,
            tensor,
            &target_for(&tensor.meta.name, quality),
            self.name(),
        )
    }
}
