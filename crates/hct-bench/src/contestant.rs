//! The strategies that are compared, and under which settings in which document.

use std::path::Path;

use hct_model::{
    Checkpoint, CompressOptions, CompressReport, Error, Progress, compress, compress_to_rate,
};
use hct_strategies::{LosslessEncoder, Preset, Quality, RdoEncoder, Strategy, UniformEncoder};

/// A strategy under certain settings.
pub struct Contestant {
    /// The strategy's name.
    pub strategy: &'static str,
    /// Which version of it, where there are two.
    pub preset: Option<Preset>,
    /// Its settings, for tables.
    pub setting: String,
    coding: Coding,
}

/// What makes the file.
enum Coding {
    /// Each tensor by this encoder.
    Strategy(Box<dyn Strategy + Send>),
    /// `rdo` at the quality that gives the file these bits per weight.
    Rate(f64),
}

impl Contestant {
    /// The rows of QUALITY, before those of other formats.
    pub fn of_quality() -> Vec<Self> {
        let rates = [2.5, 3.0, 3.5, 4.0, 5.0].map(Self::rate);
        let cosines = [0.95, 0.97, 0.98, 0.99, 0.991, 0.995, 0.998, 0.999].map(Self::rdo);
        let uniform = [0.5, 0.7, 0.9, 0.98].map(Self::uniform);
        let all = rates.into_iter().chain(cosines).chain(uniform);
        all.chain([Self::lossless()]).collect()
    }

    /// A strategy without presets.
    pub fn new(setting: String, encoder: impl Strategy + Send + 'static) -> Self {
        Contestant {
            strategy: encoder.name(),
            preset: None,
            setting,
            coding: Coding::Strategy(Box::new(encoder)),
        }
    }

    /// The same contestant, said to be of a preset.
    pub fn of_preset(self, preset: Preset) -> Self {
        Contestant {
            preset: Some(preset),
            ..self
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
        let encoder = RdoEncoder::new(Quality::Cosine(cosine));
        Self::new(format!("cosine {cosine}"), encoder)
    }

    /// `rdo` at bits per weight of the whole file.
    pub fn rate(bits: f64) -> Self {
        Contestant {
            strategy: RdoEncoder::new(Quality::Cosine(1.0)).name(),
            preset: None,
            setting: format!("{bits:.1} bits per weight"),
            coding: Coding::Rate(bits),
        }
    }

    /// `lossless`.
    pub fn lossless() -> Self {
        Self::new(String::new(), LosslessEncoder)
    }

    /// Compresses a checkpoint, without its side files, to a new file.
    pub fn compress(
        &self,
        checkpoint: &Checkpoint,
        output: &Path,
        progress: &dyn Progress,
    ) -> Result<CompressReport, Error> {
        let options = CompressOptions {
            side_files: false,
            provenance: None,
            base: None,
        };
        match &self.coding {
            Coding::Strategy(encoder) => {
                compress(checkpoint, output, false, &**encoder, options, progress)
            }
            Coding::Rate(bits) => {
                let rdo = |quality| Box::new(RdoEncoder::new(quality)) as Box<dyn Strategy>;
                compress_to_rate(checkpoint, output, false, &rdo, *bits, options, progress)
                    .map(|(report, _)| report)
            }
        }
    }
}
