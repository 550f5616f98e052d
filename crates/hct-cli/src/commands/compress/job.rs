//! Coding, once it is known how.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use hct_model::{
    BaseMatch, Checkpoint, CheckpointPart, CodingJob, CompressReport, Error, Part, Proof,
    TensorInfo, TensorSource, partial_folder,
};
use hct_strategies::{Allocation, Calibration, StrategySpec};

use crate::destination::{Destination, is_elsewhere};
use crate::progress::Bar;
use crate::stop::say_kept;

/// What there is to do, and what it takes.
pub struct Job<'a> {
    pub output: &'a Path,
    /// Whether another file may be there.
    pub force: bool,
    /// Whether what is done is kept.
    pub resume: bool,
    pub side_files: bool,
    /// Whether to store hashes, where the strategy does not decide.
    pub hashes: Option<bool>,
    /// The part of the checkpoint to code.
    pub part: Option<Part>,
    pub checkpoint: &'a Checkpoint,
    /// The calibration to go by, and the SHA-256 of its file.
    pub calibration: Option<(Arc<dyn Calibration>, String)>,
    pub base: Option<&'a BaseMatch<'a>>,
    /// Whether what is written is read again.
    pub proof: Option<Proof>,
    /// The plan to follow, and the SHA-256 of its file.
    pub allocation: Option<(Allocation, String)>,
}

impl Job<'_> {
    /// Codes as a spec says to where the options say.
    pub fn code(&self, spec: &StrategySpec) -> anyhow::Result<CompressReport> {
        let output = self.output;
        match self.resume {
            _ if is_elsewhere(output) => self.code_elsewhere(spec),
            true => self.code_resumably(spec, output),
            false => self.code_by(spec, output, self.force),
        }
    }

    /// Codes to a file as a spec says.
    pub fn code_by(
        &self,
        spec: &StrategySpec,
        output: &Path,
        force: bool,
    ) -> anyhow::Result<CompressReport> {
        let job = self.job(spec);
        Ok(job.compress(self.checkpoint, output, force, &self.bar())?)
    }

    fn code_resumably(&self, spec: &StrategySpec, output: &Path) -> anyhow::Result<CompressReport> {
        let (job, force) = (self.job(spec), self.force);
        let state = self.checkpoint.state();
        let kept = format!(
            "what is done is in {}: the same command goes on from there",
            partial_folder(output).display()
        );
        say_kept(Some(kept.clone()));
        match job.compress_resumable(self.checkpoint, &state, output, force, &self.bar()) {
            Err(Error::Cancelled) => bail!("stopped; {kept}"),
            done => Ok(done?),
        }
    }

    /// Codes to standard output or an object: tensor by tensor, or, where a size takes several tries, all
    /// at once from a temporary file.
    fn code_elsewhere(&self, spec: &StrategySpec) -> anyhow::Result<CompressReport> {
        let job = self.job(spec);
        let several = job.takes_tries(self.checkpoint)?;
        let mut new_output = || match several {
            false => Destination::begin(self.output, self.force),
            true => Destination::kept(),
        };
        let (output, report) = job.encode(self.checkpoint, &mut new_output, &self.bar())?;
        output.finish(self.output, self.force)?;
        Ok(report)
    }

    fn job<'o>(&'o self, spec: &'o StrategySpec) -> CodingJob<'o> {
        let allocation = self.allocation.as_ref();
        let job = CodingJob {
            spec,
            allocation: allocation.map(|(plan, hash)| (plan, &hash[..])),
            calibration: self.calibration.clone(),
            base: self.base,
            side_files: self.side_files,
            hashes: self.hashes,
            part: self.part,
            proof: self.proof.clone(),
        };
        if job.provenance().is_none() {
            eprintln!("warning: the importance map is too large for the file to say what it was");
        }
        job
    }

    fn bar(&self) -> Bar {
        let part = self
            .part
            .map(|part| CheckpointPart::new(self.checkpoint, part));
        let tensors = match &part {
            Some(part) => part.tensors(),
            None => self.checkpoint.tensors(),
        };
        let sizes = tensors.iter().map(TensorInfo::byte_len);
        Bar::new("compressing", sizes.sum())
    }
}
