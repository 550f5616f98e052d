//! What to code checkpoints by, as people ask for it.

use std::io::Write;
#[cfg(feature = "fs")]
use std::path::Path;
use std::sync::Arc;

use hct_strategies::{Allocation, Calibration, Plan, SpecError, StrategySpec};

use crate::base::BaseMatch;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
#[cfg(feature = "fs")]
use crate::fs::{compress, compress_to_rate};
use crate::made_by::provenance;
use crate::progress::Progress;
use crate::rate_target::encode_to_rate;

/// A spec and what goes with it. Files made by equal jobs of the same checkpoint have the same
/// bytes, whoever asks: they say what they were made by, too ([`provenance`]).
#[derive(Clone)]
pub struct CodingJob<'a> {
    /// The strategy and its options; that of the plan by default where there is one.
    pub spec: &'a StrategySpec,
    /// A plan to follow instead, and the SHA-256 of its file in hexadecimal.
    pub allocation: Option<(&'a Allocation, &'a str)>,
    /// The calibration to go by, and the SHA-256 of its file.
    pub calibration: Option<(Arc<dyn Calibration>, String)>,
    /// What tensors may be coded against.
    pub base: Option<&'a BaseMatch<'a>>,
    /// Carry config, tokenizer and other side files.
    pub side_files: bool,
}

impl CodingJob<'_> {
    /// What files say of how they were made; none where that is too long, of a huge importance map.
    pub fn provenance(&self) -> Option<String> {
        let hash = self.calibration.as_ref().map(|(_, hash)| &hash[..]);
        provenance(self.said(), hash, self.allocation.map(|(_, hash)| hash))
    }

    /// Codes `source` to a writer that `new_output` makes: to several, the best of which is given
    /// back, where the spec asks for a size.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint, and as [`encode`] and [`encode_to_rate`].
    pub fn encode<W: Write>(
        &self,
        source: &dyn CheckpointSource,
        new_output: &mut dyn FnMut() -> Result<W, Error>,
        progress: &dyn Progress,
    ) -> Result<(W, CompressReport), Error> {
        let provenance = self.provenance();
        let options = self.options(provenance.as_deref());
        match self.plan(source)? {
            Plan::Strategy(strategy) => {
                encode(source, new_output()?, &*strategy, options, progress)
            }
            Plan::Rate(rate) => {
                let (output, report, _) =
                    encode_to_rate(source, new_output, &rate, options, progress)?;
                Ok((output, report))
            }
            _ => Err(SpecError::NeedsPlan.into()),
        }
    }

    /// Codes `source` to the file `output`, which appears under its name only when it is complete;
    /// `overwrite` lets it replace another.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint, and as [`compress`] and
    /// [`compress_to_rate`].
    #[cfg(feature = "fs")]
    pub fn compress(
        &self,
        source: &dyn CheckpointSource,
        output: &Path,
        overwrite: bool,
        progress: &dyn Progress,
    ) -> Result<CompressReport, Error> {
        let provenance = self.provenance();
        let options = self.options(provenance.as_deref());
        match self.plan(source)? {
            Plan::Strategy(strategy) => {
                compress(source, output, overwrite, &*strategy, options, progress)
            }
            Plan::Rate(rate) => {
                Ok(compress_to_rate(source, output, overwrite, &rate, options, progress)?.0)
            }
            _ => Err(SpecError::NeedsPlan.into()),
        }
    }

    /// The spec that files are said to be made by.
    fn said(&self) -> &StrategySpec {
        match self.allocation {
            Some((allocation, _)) => &allocation.default,
            None => self.spec,
        }
    }

    fn options<'o>(&'o self, provenance: Option<&'o str>) -> CompressOptions<'o> {
        CompressOptions {
            side_files: self.side_files,
            provenance,
            base: self.base,
        }
    }

    fn plan(&self, source: &dyn CheckpointSource) -> Result<Plan, Error> {
        let calibration = self.calibration.as_ref();
        let calibration = calibration.map(|(calibration, _)| Arc::clone(calibration));
        let names = source.tensors().iter().map(|t| &t.name[..]);
        Ok(match self.allocation {
            Some((allocation, _)) => {
                let names: Vec<&str> = names.collect();
                Plan::Strategy(allocation.build(&names, calibration)?)
            }
            None => self.spec.plan(names, calibration)?,
        })
    }
}
