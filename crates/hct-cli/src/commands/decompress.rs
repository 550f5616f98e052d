//! `hct decompress`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use hct_model::{VerifyFailure, decompress, decompress_undamaged, restore_file};
use serde::Serialize;

use crate::base_args::{BaseArgs, check_base};
use crate::common_args::CommonArgs;
use crate::damage;
use crate::failure::usage;
use crate::opened::open_hct;
use crate::output_path::{check_file, check_folder};
use crate::progress::Bar;
use crate::streams::{is_stream, standard_output};
use crate::units;

/// Turn an .hct file back into a checkpoint
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Decompress {
    /// The .hct file
    #[arg(value_name = "FILE.hct")]
    input: PathBuf,
    /// Where to: a name ending in .safetensors, or in .gguf where the model was a GGUF file, for a
    /// single file, - for that to standard output, else a folder, with config, tokenizer and the
    /// other files that were carried along
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Decode only the first K fragments of every tensor, for an approximation from fewer bytes
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(1..=64))]
    fragments: Option<u8>,
    #[command(flatten)]
    base: BaseArgs,
    /// Replace an existing output: a regular file, no link, device or pipe; or a folder, as a whole,
    /// where it holds nothing but files that are written again
    #[arg(long)]
    force: bool,
    /// Of a damaged file write what is not damaged: files without the tensors that are lost, which are
    /// named. Nothing is filled in; the exit status is 1
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct decompress my-model.hct -o my-model
  hct decompress my-model.hct -o model.safetensors --force
  hct decompress my-model.hct -o - | sha256sum
  hct decompress quantized.hct -o quantized.gguf
  hct decompress my-model.hct -o preview --fragments 1
  hct decompress delta.hct --base my-model -o fine-tune
  hct decompress damaged.hct -o what-is-left --keep-going";

#[derive(Serialize)]
struct Report {
    output_bytes: u64,
    /// What was damaged and is not in the output; only with --keep-going.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Vec<VerifyFailure>>,
    seconds: f64,
}

impl Decompress {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        if is_stream(&self.input) {
            return Err(usage(
                "an .hct file ends with its index, which is read first: save it to a file, and \
                 give that",
            ));
        }
        let to_stream = is_stream(&self.output);
        let single = self
            .output
            .extension()
            .is_some_and(|e| e == "safetensors" || e == "gguf");
        let check = if single { check_file } else { check_folder };
        if !to_stream {
            check(&self.output, &self.input, self.force)?;
        }
        if to_stream && self.keep_going {
            return Err(usage(
                "--keep-going takes a file or a folder to write, not -",
            ));
        }
        self.common.start()?;
        let mut model = self.base.give(open_hct(&self.input, self.base.limits())?)?;
        model.check_limits()?;
        check_base(&model)?;
        if let Some(k) = self.fragments {
            model = model.with_fragments(k.into());
        }
        let tensors = &model.index().tensors;
        let bar = Bar::new(
            "decompressing",
            tensors.iter().map(|t| t.decoded_bytes()).sum(),
        );
        let (done, lost) = match to_stream {
            true => (restore_file(&model, standard_output(), &bar)?.1, None),
            false if self.keep_going => {
                let (done, lost) = decompress_undamaged(&model, &self.output, self.force, &bar)?;
                (done, Some(lost))
            }
            false => (decompress(&model, &self.output, self.force, &bar)?, None),
        };
        drop(bar);
        let report = Report {
            output_bytes: done.output_bytes,
            lost,
            seconds: begin.elapsed().as_secs_f64(),
        };
        let summary = |report: &Report| self.summary(report);
        match to_stream {
            true => self.common.print_beside_output(&report, summary)?,
            false => self.common.print(&report, summary)?,
        }
        match report.lost.map_or(0, |lost| lost.len()) {
            0 => Ok(()),
            1 => bail!(
                "1 part of {} was lost, which is named above",
                self.input.display()
            ),
            n => bail!(
                "{n} parts of {} were lost, which are named above",
                self.input.display()
            ),
        }
    }

    fn summary(&self, report: &Report) -> String {
        let per_second = units::ratio(report.output_bytes as f64, report.seconds);
        let lost = match report.lost.as_deref() {
            None | Some([]) => String::new(),
            Some(lost) => damage::table(lost) + "\n",
        };
        format!(
            "{lost}wrote {} to {} in {} ({}/s)\n",
            units::bytes(report.output_bytes),
            match is_stream(&self.output) {
                true => "standard output".into(),
                false => self.output.display().to_string(),
            },
            units::time(Duration::from_secs_f64(report.seconds)),
            units::bytes(per_second as u64)
        )
    }
}
