//! What to code checkpoints by, as people ask for it.

use std::io::Write;
#[cfg(feature = "fs")]
use std::path::Path;
use std::sync::Arc;

use hct_strategies::{Allocation, Calibration, Plan, SpecError, StrategyName, StrategySpec};

use crate::base::BaseMatch;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
#[cfg(feature = "fs")]
use crate::fs::{To, compress_proven, compress_resumable_proven, compress_to_rate_proven};
use crate::made_by::{provenance, with_part};
use crate::parts::{CheckpointPart, Part};
use crate::progress::Progress;
use crate::proof::Proof;
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
    /// Store hashes of everything as it was; unless said, where the strategy is lossless.
    pub hashes: Option<bool>,
    /// Code this part of the checkpoint alone.
    pub part: Option<Part>,
    /// Read and decode a file again once it is written, before it gets its name: see [`prove`].
    ///
    /// [`prove`]: crate::prove
    pub proof: Option<Proof>,
}

impl CodingJob<'_> {
    /// What files say of how they were made; none where that is too long, of a huge importance map.
    pub fn provenance(&self) -> Option<String> {
        let hash = self.calibration.as_ref().map(|(_, hash)| &hash[..]);
        let whole = provenance(self.said(), hash, self.allocation.map(|(_, hash)| hash))?;
        match self.part {
            Some(part) => with_part(&whole, part),
            None => Some(whole),
        }
    }

    /// Codes `source` to a writer that `new_output` makes: to several, the best of which is given
    /// back, where the spec asks for a size.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint, and as [`encode`] and [`encode_to_rate`].
    pub fn encode<W: Write + Send>(
        &self,
        source: &dyn CheckpointSource,
        new_output: &mut dyn FnMut() -> Result<W, Error>,
        progress: &dyn Progress,
    ) -> Result<(W, CompressReport), Error> {
        let plan = self.plan(source)?;
        self.each(source, |source, options| match &plan {
            Plan::Strategy(strategy) => {
                encode(source, new_output()?, &**strategy, options, progress)
            }
            Plan::Rate(rate) => {
                let (output, report, _) =
                    encode_to_rate(source, new_output, rate, options, progress)?;
                Ok((output, report))
            }
            _ => Err(SpecError::NeedsPlan.into()),
        })
    }

    /// Codes `source` to the file `output`, which appears under its name only when it is complete;
    /// `overwrite` lets it replace another.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint, and as [`crate::compress`] and
    /// [`crate::compress_to_rate`]; when the proof fails.
    #[cfg(feature = "fs")]
    pub fn compress(
        &self,
        source: &dyn CheckpointSource,
        output: &Path,
        overwrite: bool,
        progress: &dyn Progress,
    ) -> Result<CompressReport, Error> {
        let plan = self.plan(source)?;
        let proof = self.proof.as_ref();
        self.each(source, |source, options| match &plan {
            Plan::Strategy(strategy) => {
                let strategy = &**strategy;
                compress_proven(
                    source, output, overwrite, strategy, options, proof, progress,
                )
            }
            Plan::Rate(rate) => {
                let done = compress_to_rate_proven(
                    source, output, overwrite, rate, options, proof, progress,
                )?;
                Ok(done.0)
            }
            _ => Err(SpecError::NeedsPlan.into()),
        })
    }

    /// The same, keeping what is done, as [`crate::compress_resumable`] does; `state` is text that is another
    /// when the source has been changed.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint or ask for a size, and as
    /// [`crate::compress_resumable`]; when the proof fails.
    #[cfg(feature = "fs")]
    pub fn compress_resumable(
        &self,
        source: &dyn CheckpointSource,
        state: &str,
        output: &Path,
        overwrite: bool,
        progress: &dyn Progress,
    ) -> Result<CompressReport, Error> {
        let plan = self.plan(source)?;
        self.each(source, |source, options| match &plan {
            Plan::Strategy(strategy) => compress_resumable_proven(
                source,
                state,
                To { output, overwrite },
                &**strategy,
                options,
                self.proof.as_ref(),
                progress,
            ),
            Plan::Rate(_) => Err(Error::SizeNeedsPlan {
                why: "takes several tries, which are not kept",
            }),
            _ => Err(SpecError::NeedsPlan.into()),
        })
    }

    /// Whether coding takes several tries: a size is asked for.
    ///
    /// # Errors
    /// When the options do not go with the checkpoint.
    pub fn takes_tries(&self, source: &dyn CheckpointSource) -> Result<bool, Error> {
        Ok(matches!(self.plan(source)?, Plan::Rate(_)))
    }

    /// Does `work` on the source, or on the part of it that is asked for.
    fn each<T>(
        &self,
        source: &dyn CheckpointSource,
        work: impl FnOnce(&dyn CheckpointSource, CompressOptions<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let provenance = self.provenance();
        let options = CompressOptions {
            side_files: self.side_files,
            provenance: provenance.as_deref(),
            base: self.base,
            hashes: self.hashes.unwrap_or(self.is_lossless()),
        };
        let Some(part) = self.part else {
            return work(source, options);
        };
        let part = CheckpointPart::new(source, part);
        let base = options.base.map(|matched| part.base(matched));
        let base = base.as_ref();
        work(&part, CompressOptions { base, ..options })
    }

    fn is_lossless(&self) -> bool {
        self.allocation.is_none() && self.spec.strategy() == StrategyName::Lossless
    }

    /// The spec that files are said to be made by.
    fn said(&self) -> &StrategySpec {
        match self.allocation {
            Some((allocation, _)) => &allocation.default,
            None => self.spec,
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
            None => match self.spec.plan(names, calibration)? {
                Plan::Rate(_) if self.part.is_some() => {
                    return Err(Error::SizeNeedsPlan {
                        why: "cannot be reached part by part",
                    });
                }
                plan => plan,
            },
        })
    }
}
