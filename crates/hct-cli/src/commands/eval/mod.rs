//! `hct eval`.

mod results;
mod text;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use hct_eval::{
    LanguageModel, LanguageReport, Model, Perplexity, Reference, SentenceEncoder,
    SentenceReference, SentenceReport, Windows, perplexity, sentences,
};

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::counter::Counter;
use crate::failure::usage;
use crate::runnable::{Runnable, failed};
use results::Results;
use text::Text;

/// Tokens of a window unless given.
const CONTEXT: usize = 512;
/// Sentences an encoder is tried on: all pairs of them are compared.
const MOST_SENTENCES: usize = 1000;

/// Run a model on a text and measure how well it predicts, and how far another one differs
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Eval {
    /// The reference: a folder with a checkpoint, or an .hct file made from one
    model: PathBuf,
    /// The model to compare with it; weights alone are run with MODEL's configuration
    #[arg(long, value_name = "OTHER")]
    against: Option<PathBuf>,
    #[command(flatten)]
    base: BaseArgs,
    /// A text, UTF-8; may be given several times, for a row of the table each
    #[arg(long = "text", value_name = "FILE", required = true)]
    texts: Vec<PathBuf>,
    /// Tokens that are run at a time, each predicted from those before it [default: 512]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Use only the first N tokens of each text
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct eval my-model --text assets/text/evaluation.txt
  hct eval my-model --against my-model.hct --text assets/text/evaluation.txt --max-tokens 4096
  hct eval fine-tune --against delta.hct --base my-model --text prose.txt
  hct eval my-model --against my-model.hct --text prose.txt --json | jq .kld_mean
  hct eval my-model --against my-model.hct --text prose.txt --text code.txt --max-tokens 4096

Language models (Llama, Qwen2): a text is cut into windows of --context tokens. perplexity is
e to the mean negative log-probability of a token. With --against it is the other model's, and
kld_mean and kld_p99 are the KL divergence of its predictions from MODEL's (nats, mean and 99th
percentile), top1 and top5 the share of MODEL's most probable tokens that are also the other's,
logit_cosine the mean cosine of the logits, ppl_ratio its perplexity over MODEL's, with a standard
error. Sentence encoders (BERT) need --against: cosine of the vectors of the first 1000 sentences,
mean and worst, and the rank correlation of the similarities of all pairs. Every text is evaluated
by itself; with several, --json prints an array with an object a text, which names it as text.";

impl Eval {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let texts = Text::read_all(&self.texts)?;
        let base = self.base.open()?;
        let reference = Runnable::open(&self.model, base.as_ref(), self.base.limits())?;
        // Before the long work, so that a wrong path shows at once.
        let candidate = self.against.as_deref();
        let candidate = candidate
            .map(|path| {
                Ok::<_, anyhow::Error>((
                    path,
                    Runnable::open_like(path, &reference, base.as_ref(), self.base.limits())?,
                ))
            })
            .transpose()?;
        let used = reference.needs_base() || candidate.iter().any(|(_, c)| c.needs_base());
        if base.is_some() && !used {
            return Err(unneeded(self.against.as_deref().unwrap_or(&self.model)));
        }
        match (reference.load(&self.model)?, candidate) {
            (Model::Language(model), None) => {
                let found = self.perplexities(&model, &texts)?;
                self.print(&texts, found)
            }
            (Model::Language(model), Some((path, candidate))) => {
                let found = self.compare(model, (path, &candidate), &texts)?;
                self.print(&texts, found)
            }
            (Model::Sentence(_), None) => Err(usage(format!(
                "{} is a sentence encoder, which has no perplexity; pass another model to compare \
                 it with as --against",
                self.model.display()
            ))),
            (Model::Sentence(encoder), Some((path, candidate))) => {
                let found = self.compare_encoders(&encoder, (path, &candidate), &texts)?;
                self.print(&texts, found)
            }
        }
    }

    fn print<T: results::Found>(&self, texts: &[Text], found: Vec<T>) -> anyhow::Result<()> {
        let results = Results::new(texts, found);
        self.common.print(&results, Results::table)?;
        match results.fault() {
            None => Ok(()),
            Some((text, what)) => bail!(
                "{what} are not finite numbers (NaN or infinite) on {text}: the weights are damaged, or \
                 too far from what they were"
            ),
        }
    }

    /// Each text as windows, and how many tokens of all of them are scored.
    fn windows(
        &self,
        model: &LanguageModel,
        texts: &[Text],
    ) -> anyhow::Result<(Vec<Windows>, usize)> {
        let context = self.context.unwrap_or(CONTEXT);
        let cut = |text: &Text| {
            let windows = model.windows(&text.content, context, self.max_tokens);
            windows.map_err(|error| text.failed(error))
        };
        let windows: Vec<Windows> = texts.iter().map(cut).collect::<anyhow::Result<_>>()?;
        let scored = windows.iter().map(Windows::scored).sum();
        Ok((windows, scored))
    }

    fn perplexities(
        &self,
        model: &LanguageModel,
        texts: &[Text],
    ) -> anyhow::Result<Vec<Perplexity>> {
        let (windows, scored) = self.windows(model, texts)?;
        let bar = Counter::new("running", "tokens", scored);
        let mut before = 0;
        let run = |windows: &Windows| {
            let found = perplexity(model, windows, &mut |done| bar.set(before + done));
            before += windows.scored();
            found.map_err(failed)
        };
        windows.iter().map(run).collect()
    }

    fn compare(
        &self,
        model: LanguageModel,
        (path, candidate): (&Path, &Runnable),
        texts: &[Text],
    ) -> anyhow::Result<Vec<LanguageReport>> {
        let (windows, scored) = self.windows(&model, texts)?;
        let counts: Vec<usize> = windows.iter().map(Windows::scored).collect();
        let bar = Counter::new("reference", "tokens", scored);
        let mut before = 0;
        let mut references = Vec::with_capacity(windows.len());
        for (windows, count) in windows.into_iter().zip(&counts) {
            let reference = Reference::new(&model, windows, &mut |done| bar.set(before + done));
            references.push(reference.map_err(failed)?);
            before += count;
        }
        drop((bar, model));
        let Model::Language(candidate) = candidate.load(path)? else {
            return Err(different_kinds(&self.model, path));
        };
        let bar = Counter::new("comparing", "tokens", scored);
        let mut before = 0;
        let compare = |(reference, count): (&Reference, &usize)| {
            let report = reference.compare(&candidate, &mut |done| bar.set(before + done));
            before += count;
            report.map_err(failed)
        };
        references.iter().zip(&counts).map(compare).collect()
    }

    fn compare_encoders(
        &self,
        encoder: &SentenceEncoder,
        (path, candidate): (&Path, &Runnable),
        texts: &[Text],
    ) -> anyhow::Result<Vec<SentenceReport>> {
        for (given, option) in [
            (self.context.is_some(), "--context"),
            (self.max_tokens.is_some(), "--max-tokens"),
        ] {
            if given {
                return Err(usage(format!(
                    "{option} is for language models, and {} is a sentence encoder; leave it out",
                    self.model.display()
                )));
            }
        }
        let Model::Sentence(candidate) = candidate.load(path)? else {
            return Err(different_kinds(&self.model, path));
        };
        let compare = |text: &Text| {
            let sentences = sentences(&text.content, MOST_SENTENCES);
            let count = sentences.len();
            let bar = Counter::new("reference", "sentences", count);
            let reference = SentenceReference::new(encoder, sentences, &mut |done| bar.set(done));
            let reference = reference.map_err(|error| text.failed(error))?;
            drop(bar);
            let bar = Counter::new("comparing", "sentences", count);
            let report = reference.compare(&candidate, &mut |done| bar.set(done));
            report.map_err(failed)
        };
        texts.iter().map(compare).collect()
    }
}

fn different_kinds(model: &Path, against: &Path) -> anyhow::Error {
    usage(format!(
        "{} and {} cannot be compared: one is a language model, the other a sentence encoder",
        model.display(),
        against.display()
    ))
}
