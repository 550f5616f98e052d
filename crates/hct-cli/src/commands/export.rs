//! `hct export`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hct_model::{
    AtomicFile, ExportFiles, ExportOptions, ExportType, Opened, TensorInfo, export_gguf, is_url,
};
use serde::Serialize;

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::opened::on_base;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::units;

/// Write a Llama or Qwen2 model as a GGUF file, which llama.cpp runs
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    /// The model: an .hct file or a folder, with its config.json and tokenizer.json
    input: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "OUT.gguf")]
    output: PathBuf,
    /// What most weights are stored as
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value = "f16")]
    kind: Kind,
    /// What llama.cpp calls the way the tokenizer splits text, where that is not known here, such as
    /// llama-bpe
    #[arg(long, value_name = "NAME")]
    tokenizer_pre: Option<String>,
    #[command(flatten)]
    base: BaseArgs,
    /// Replace an existing output
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct export my-model.hct -o my-model.gguf
  hct export my-model -o my-model.gguf --type q8_0
  hct diff my-model my-model.gguf                     how much the type costs

Vectors are F32. With q8_0 and q4_0 rows that are no whole blocks of 32 weights are F16, and with q4_0
the embedding and the head are q8_0. What came as GGUF is given back by `hct decompress -o OUT.gguf`.";

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    F16,
    Bf16,
    #[value(name = "q8_0")]
    Q8_0,
    #[value(name = "q4_0")]
    Q4_0,
}

impl From<Kind> for ExportType {
    fn from(kind: Kind) -> ExportType {
        match kind {
            Kind::F16 => ExportType::F16,
            Kind::Bf16 => ExportType::Bf16,
            Kind::Q8_0 => ExportType::Q8_0,
            Kind::Q4_0 => ExportType::Q4_0,
        }
    }
}

#[derive(Serialize)]
struct Report {
    tensors: usize,
    output_bytes: u64,
    seconds: f64,
}

impl Export {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        check_file(&self.output, &self.input, self.force)?;
        self.common.start()?;
        let base = self.base.open()?;
        let (model, needs) = on_base(Opened::open(&self.input)?, base.as_ref())?;
        if base.is_some() && !needs {
            return Err(unneeded(&self.input));
        }
        let files = ExportFiles {
            config: model.side_file("config.json")?,
            tokenizer: model.side_file("tokenizer.json")?,
            tokenizer_config: model.side_file("tokenizer_config.json")?,
        };
        let options = ExportOptions {
            kind: self.kind.into(),
            name: name(&self.input),
            splitting: self.tokenizer_pre.as_deref(),
        };
        let tensors = model.source().tensors();
        let bar = Bar::new("exporting", tensors.iter().map(TensorInfo::byte_len).sum());
        let output = AtomicFile::create(&self.output)?;
        let source = model.source();
        let file = export_gguf(source, &files, &options, &self.input, output, &bar)?;
        file.finish(self.force)?;
        drop(bar);
        let report = Report {
            tensors: tensors.len(),
            output_bytes: self.output.metadata()?.len(),
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, |report| {
            format!(
                "wrote {} tensors to {}: {} in {}\n",
                report.tensors,
                self.output.display(),
                units::bytes(report.output_bytes),
                units::time(Duration::from_secs_f64(report.seconds))
            )
        })
    }
}

/// What a model is called: the name of its folder or file, without what says that it is an HCT file.
fn name(path: &Path) -> &str {
    // Of a URL without its query.
    let path = match path.to_str().filter(|_| is_url(path)) {
        Some(url) => Path::new(url.split(['?', '#']).next().unwrap_or(url)),
        None => path,
    };
    let stem = match path.extension() {
        Some(extension) if extension == "hct" => path.file_stem(),
        _ => path.file_name(),
    };
    stem.and_then(|name| name.to_str()).unwrap_or("model")
}
