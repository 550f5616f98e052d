//! `hct generate`.

use std::path::PathBuf;

use clap::Args;
use hct_eval::Model;
use serde::Serialize;

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::runnable::{Runnable, failed};

/// Let a language model continue a text, always with the most probable token
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Generate {
    /// A folder with a checkpoint, or an .hct file made from one
    #[arg(value_name = "MODEL_OR_HCT")]
    model: PathBuf,
    /// The text to continue
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// Tokens to write at most; the model may end the text before
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64)]
    tokens: usize,
    #[command(flatten)]
    base: BaseArgs,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct generate my-model.hct --prompt \"The capital of France is\"
  hct generate my-model --prompt \"Once upon a time\" -n 200 --json | jq -r .text

Prints the prompt and what follows it; in JSON \"text\" is only what follows.";

#[derive(Serialize)]
struct Report<'a> {
    prompt: &'a str,
    text: String,
}

impl Generate {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let base = self.base.open()?;
        let runnable = Runnable::open(&self.model, base.as_ref(), self.base.limits())?;
        if base.is_some() && !runnable.needs_base() {
            return Err(unneeded(&self.model));
        }
        let Model::Language(model) = runnable.load(&self.model)? else {
            return Err(usage(format!(
                "{} is a sentence encoder and writes no text; give a language model",
                self.model.display()
            )));
        };
        let text = model.generate(&self.prompt, self.tokens).map_err(failed)?;
        let report = Report {
            prompt: &self.prompt,
            text,
        };
        self.common.print(&report, |report| {
            format!("{}{}\n", report.prompt, report.text)
        })
    }
}
