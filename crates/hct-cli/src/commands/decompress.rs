//! `hct decompress`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hct_model::{decompress, restore_file};
use serde::Serialize;

use crate::base_args::{BaseArgs, check_base};
use crate::common_args::CommonArgs;
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
    /// Replace an existing output (a folder: as a whole)
    #[arg(long)]
    force: bool,
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
  hct decompress delta.hct --base my-model -o fine-tune";

#[derive(Serialize)]
struct Report {
    output_bytes: u64,
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
        let done = match to_stream {
            true => restore_file(&model, standard_output(), &bar)?.1,
            false => decompress(&model, &self.output, self.force, &bar)?,
        };
        drop(bar);
        let report = Report {
            output_bytes: done.output_bytes,
            seconds: begin.elapsed().as_secs_f64(),
        };
        let summary = |report: &Report| self.summary(report);
        match to_stream {
            true => self.common.print_beside_output(&report, summary),
            false => self.common.print(&report, summary),
        }
    }

    fn summary(&self, report: &Report) -> String {
        let per_second = units::ratio(report.output_bytes as f64, report.seconds);
        format!(
            "wrote {} to {} in {} ({}/s)\n",
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
