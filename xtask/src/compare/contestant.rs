//! The strategies that are compared.

use hct_strategies::{LosslessEncoder, Quality, RdoEncoder, Strategy, UniformEncoder};

/// A strategy under certain settings.
pub struct Contestant {
    /// The strategy's name.
    pub strategy: &'static str,
    /// Its settings, for tables.
    pub setting: String,
    /// What codes the tensors.
    pub encoder: Box<dyn Strategy + Send>,
}

impl Contestant {
    fn new(setting: String, encoder: impl Strategy + Send + 'static) -> Self {
        Contestant {
            strategy: encoder.name(),
            setting,
            encoder: Box::new(encoder),
        }
    }

    /// `uniform` at a retention.
    pub fn uniform(retention: f64) -> Self {
        Self::new(
            format!("retention {retention:.2}"),
            UniformEncoder::new(retention),
        )
    }

    /// `rdo` at a cosine.
    pub fn rdo(cosine: f64) -> Self {
        Self::new(
            format!("cosine {cosine}"),
            RdoEncoder::new(Quality::Cosine(cosine)),
        )
    }

    /// `lossless`.
    pub fn lossless() -> Self {
        Self::new(String::new(), LosslessEncoder)
    }
}
