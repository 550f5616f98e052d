//! `hct eval`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use hct_eval::{
    LanguageModel, LanguageReport, Model, Perplexity, Reference, SentenceEncoder,
    SentenceReference, SentenceReport, perplexity, sentences,
};

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::counter::Counter;
use crate::failure::usage;
use crate::runnable::{Runnable, failed};
use crate::table::{Align, Table};
use crate::units;

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
    /// The text, UTF-8
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Tokens that are run at a time, each predicted from those before it [default: 512]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Use only the first N tokens of the text
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

Language models (Llama, Qwen2): the text is cut into windows of --context tokens. perplexity is
e to the mean negative log-probability of a token. With --against it is the other model's, and
kld_mean and kld_p99 are the KL divergence of its predictions from MODEL's (nats, mean and 99th
percentile), top1 and top5 the share of MODEL's most probable tokens that are also the other's,
logit_cosine the mean cosine of the logits, ppl_ratio its perplexity over MODEL's, with a standard
error. Sentence encoders (BERT) need --against: cosine of the vectors of the first 1000 sentences,
mean and worst, and the rank correlation of the similarities of all pairs.";

impl Eval {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let text = fs::read_to_string(&self.text)
            .with_context(|| format!("cannot read the text {}", self.text.display()))?;
        let base = self.base.open()?;
        let reference = Runnable::open(&self.model, base.as_ref())?;
        // Before the long work, so that a wrong path shows at once.
        let candidate = self.against.as_deref();
        let candidate = candidate
            .map(|path| {
                Ok::<_, anyhow::Error>((
                    path,
                    Runnable::open_like(path, &reference, base.as_ref())?,
                ))
            })
            .transpose()?;
        let used = reference.needs_base() || candidate.iter().any(|(_, c)| c.needs_base());
        if base.is_some() && !used {
            return Err(unneeded(self.against.as_deref().unwrap_or(&self.model)));
        }
        match (reference.load(&self.model)?, candidate) {
            (Model::Language(model), None) => {
                let found = self.perplexity(&model, &text)?;
                self.common.print(&found, perplexity_table)
            }
            (Model::Language(model), Some((path, candidate))) => {
                let found = self.compare(model, (path, &candidate), &text)?;
                self.common.print(&found, language_table)
            }
            (Model::Sentence(_), None) => Err(usage(format!(
                "{} is a sentence encoder, which has no perplexity; pass another model to compare \
                 it with as --against",
                self.model.display()
            ))),
            (Model::Sentence(encoder), Some((path, candidate))) => {
                let found = self.compare_encoders(&encoder, (path, &candidate), &text)?;
                self.common.print(&found, sentence_table)
            }
        }
    }

    fn windows(&self, model: &LanguageModel, text: &str) -> anyhow::Result<hct_eval::Windows> {
        let context = self.context.unwrap_or(CONTEXT);
        let windows = model.windows(text, context, self.max_tokens);
        windows.map_err(failed)
    }

    fn perplexity(&self, model: &LanguageModel, text: &str) -> anyhow::Result<Perplexity> {
        let windows = self.windows(model, text)?;
        let bar = Counter::new("running", "tokens", windows.scored());
        perplexity(model, &windows, &mut |done| bar.set(done)).map_err(failed)
    }

    fn compare(
        &self,
        model: LanguageModel,
        (path, candidate): (&Path, &Runnable),
        text: &str,
    ) -> anyhow::Result<LanguageReport> {
        let windows = self.windows(&model, text)?;
        let tokens = windows.scored();
        let bar = Counter::new("reference", "tokens", tokens);
        let reference =
            Reference::new(&model, windows, &mut |done| bar.set(done)).map_err(failed)?;
        drop((bar, model));
        let Model::Language(candidate) = candidate.load(path)? else {
            return Err(different_kinds(&self.model, path));
        };
        let bar = Counter::new("comparing", "tokens", tokens);
        let report = reference.compare(&candidate, &mut |done| bar.set(done));
        report.map_err(failed)
    }

    fn compare_encoders(
        &self,
        encoder: &SentenceEncoder,
        (path, candidate): (&Path, &Runnable),
        text: &str,
    ) -> anyhow::Result<SentenceReport> {
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
        let sentences = sentences(text, MOST_SENTENCES);
        let count = sentences.len();
        let bar = Counter::new("reference", "sentences", count);
        let reference = SentenceReference::new(encoder, sentences, &mut |done| bar.set(done));
        let reference = reference.map_err(failed)?;
        drop(bar);
        let bar = Counter::new("comparing", "sentences", count);
        let report = reference.compare(&candidate, &mut |done| bar.set(done));
        report.map_err(failed)
    }
}

fn different_kinds(model: &Path, against: &Path) -> anyhow::Error {
    usage(format!(
        "{} and {} cannot be compared: one is a language model, the other a sentence encoder",
        model.display(),
        against.display()
    ))
}

fn perplexity_table(found: &Perplexity) -> String {
    render([
        ("perplexity", units::fixed(found.perplexity, 4)),
        ("tokens", units::grouped(found.tokens as u64)),
    ])
}

fn language_table(found: &LanguageReport) -> String {
    let ratio = units::fixed(found.ppl_ratio, 4);
    let error = units::fixed(found.ppl_ratio_se, 4);
    render([
        ("perplexity", units::fixed(found.perplexity, 4)),
        (
            "of the reference",
            units::fixed(found.reference_perplexity, 4),
        ),
        ("ratio", format!("{ratio} ± {error}")),
        ("KL divergence, mean", units::fixed(found.kld_mean, 5)),
        ("KL divergence, p99", units::fixed(found.kld_p99, 5)),
        ("same top token", percent(found.top1)),
        ("top five shared", percent(found.top5)),
        ("logit cosine", units::fixed(found.logit_cosine, 6)),
        ("tokens", units::grouped(found.tokens as u64)),
    ])
}

fn sentence_table(found: &SentenceReport) -> String {
    render([
        ("sentence cosine, mean", units::fixed(found.cosine_mean, 6)),
        (
            "sentence cosine, worst",
            units::fixed(found.cosine_worst, 6),
        ),
        (
            "rank correlation of similarities",
            units::fixed(found.similarity_spearman, 6),
        ),
        ("sentences", units::grouped(found.sentences as u64)),
    ])
}

fn percent(share: f64) -> String {
    units::fixed(100.0 * share, 2) + " %"
}

fn render<const N: usize>(rows: [(&str, String); N]) -> String {
    let mut table = Table::bare(&[Align::Left, Align::Left]);
    for (what, value) in rows {
        table.row([what.to_owned(), value]);
    }
    table.render()
}
