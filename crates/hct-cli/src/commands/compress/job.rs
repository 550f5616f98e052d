//! Coding, once it is known how.

use std::env;
use std::io::{BufWriter, Seek};
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use hct_model::{
    BaseMatch, CheckpointSource, CompressOptions, CompressReport, Error, TensorInfo, compress,
    compress_resumable, compress_to_rate, encode, encode_to_rate, partial_folder,
};
use hct_strategies::{Allocation, Calibration, Plan, StrategySpec};

use super::Compress;
use crate::failure::usage;
use crate::made_by::{provenance, with_part};
use crate::progress::Bar;
use crate::streams::{is_stream, send, standard_output};

/// There are two kinds, but a library may bring a third.
const UNKNOWN_PLAN: &str = "the strategy asks for a plan that this command does not know";

/// What there is to do, and what it takes.
pub struct Job<'a> {
    pub options: &'a Compress,
    /// The checkpoint, or the part of it that is asked for.
    pub checkpoint: &'a dyn CheckpointSource,
    /// The tensors of the whole checkpoint, which strategies look at.
    pub names: Vec<&'a str>,
    /// The calibration to go by, and the SHA-256 of its file.
    pub calibration: Option<(Arc<dyn Calibration>, String)>,
    pub base: Option<&'a BaseMatch<'a>>,
    /// The plan to follow, and the SHA-256 of its file.
    pub allocation: Option<(Allocation, String)>,
    /// What is another when the checkpoint has been changed.
    pub state: String,
}

impl Job<'_> {
    /// Codes as a spec says to where the options say.
    pub fn code(&self, spec: &StrategySpec) -> anyhow::Result<CompressReport> {
        match is_stream(&self.options.output) {
            true => self.code_to_stream(spec),
            false => self.code_by(spec, &self.options.output, self.options.force),
        }
    }

    /// Codes to a file as a spec says.
    pub fn code_by(
        &self,
        spec: &StrategySpec,
        output: &Path,
        force: bool,
    ) -> anyhow::Result<CompressReport> {
        let (plan, provenance) = self.plan(spec)?;
        let (source, options) = (self.checkpoint, self.options(provenance.as_deref()));
        let bar = self.bar();
        match &plan {
            Plan::Strategy(strategy) if self.options.resume => {
                let done = compress_resumable(
                    source,
                    &self.state,
                    output,
                    force,
                    &**strategy,
                    options,
                    &bar,
                );
                match done {
                    Err(Error::Cancelled) => bail!(
                        "stopped; what is done is in {}: the same command goes on from there",
                        partial_folder(output).display()
                    ),
                    done => Ok(done?),
                }
            }
            Plan::Strategy(strategy) => {
                Ok(compress(source, output, force, &**strategy, options, &bar)?)
            }
            Plan::Rate(rate) => Ok(compress_to_rate(source, output, force, rate, options, &bar)?.0),
            _ => bail!(UNKNOWN_PLAN),
        }
    }

    /// Codes to standard output: tensor by tensor, or, where a size takes several tries, all at once
    /// from a temporary file.
    fn code_to_stream(&self, spec: &StrategySpec) -> anyhow::Result<CompressReport> {
        let (plan, provenance) = self.plan(spec)?;
        let (source, options) = (self.checkpoint, self.options(provenance.as_deref()));
        let bar = self.bar();
        match &plan {
            Plan::Strategy(strategy) => {
                let out = standard_output();
                let (_, report) = encode(source, out, &**strategy, options, &bar)?;
                Ok(report)
            }
            Plan::Rate(rate) => {
                let mut new_output = || match tempfile::tempfile() {
                    Ok(file) => Ok(BufWriter::with_capacity(1 << 20, file)),
                    Err(reason) => Err(Error::Io {
                        action: "create a file in",
                        path: env::temp_dir(),
                        reason,
                    }),
                };
                let (file, report, _) =
                    encode_to_rate(source, &mut new_output, rate, options, &bar)?;
                drop(bar);
                let mut file = file.into_inner().map_err(|error| error.into_error())?;
                file.rewind()?;
                send(file)?;
                Ok(report)
            }
            _ => bail!(UNKNOWN_PLAN),
        }
    }

    /// What a spec comes to, and what the file says of it.
    fn plan(&self, spec: &StrategySpec) -> anyhow::Result<(Plan, Option<String>)> {
        let (calibration, hash) = self.calibration.clone().unzip();
        let (plan, spec, plan_hash) = match &self.allocation {
            Some((allocation, plan_hash)) => {
                let strategy = allocation.build(&self.names, calibration)?;
                let plan = Plan::Strategy(strategy);
                (plan, &allocation.default, Some(&plan_hash[..]))
            }
            None => {
                let plan = spec.plan(self.names.iter().copied(), calibration)?;
                (plan, spec, None)
            }
        };
        if self.options.part.is_some() && matches!(plan, Plan::Rate(_)) {
            return Err(usage(
                "a size of the whole model cannot be reached part by part: make a plan of it with \
                 `hct plan --export PLAN.json`, and give that with every --part as --plan",
            ));
        }
        if self.options.resume && matches!(plan, Plan::Rate(_)) {
            return Err(usage(
                "a size takes several tries, which --resume does not keep: make a plan of it with \
                 `hct plan --export PLAN.json`, and follow that with --plan",
            ));
        }
        let provenance = provenance(spec, hash.as_deref(), plan_hash);
        if provenance.is_none() {
            eprintln!("warning: the importance map is too large for the file to say what it was");
        }
        let provenance = match self.options.part {
            Some(part) => provenance.and_then(|text| with_part(&text, part)),
            None => provenance,
        };
        Ok((plan, provenance))
    }

    fn options<'o>(&'o self, provenance: Option<&'o str>) -> CompressOptions<'o> {
        CompressOptions {
            side_files: !self.options.no_side_files,
            provenance,
            base: self.base,
        }
    }

    fn bar(&self) -> Bar {
        let sizes = self.checkpoint.tensors().iter().map(TensorInfo::byte_len);
        Bar::new("compressing", sizes.sum())
    }
}
