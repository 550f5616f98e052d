//! How much text models are run on.

use serde::{Deserialize, Serialize};

use super::model_quality::ModelQuality;
use super::on_texts::OnTexts;
use super::texts::{HANDBOOK, OTHERS};
use crate::text::cells::thousands;

/// The part of each text that is used, and how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Settings {
    /// Tokens of each evaluation text that language models are run on.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub max_tokens: usize,
    /// Tokens of a window, each predicted from those before it.
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub context: usize,
    /// Sentences of each evaluation text that encoders are run on.
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub sentences: usize,
}

impl Settings {
    /// What a model was run on, as sentences with the options that ask for it.
    pub fn describe(&self, quality: &ModelQuality) -> String {
        match quality {
            ModelQuality::Language(q) => format!(
                "Run on {} in windows of {} (`--max-tokens {} --context {}`).",
                texts(&q.texts, "scored tokens", |q| q.tokens),
                self.context,
                self.max_tokens,
                self.context,
            ),
            ModelQuality::Sentence(q) => format!(
                "Run on {} (`--sentences {}`).",
                texts(q, "sentences", |q| q.sentences),
                self.sentences
            ),
        }
    }
}

/// How much of which texts.
fn texts<T>(on: &OnTexts<T>, what: &str, count: impl Fn(&T) -> usize) -> String {
    let count = |q: &T| thousands(count(q) as u64);
    let first = format!("{} {what} of `{}`", count(&on.handbook), HANDBOOK.path);
    let others = OTHERS.iter().filter_map(|text| {
        let q = on.elsewhere.get(text.kind)?;
        Some(format!("{} of `{}`", count(q), text.path))
    });
    let all: Vec<String> = [first].into_iter().chain(others).collect();
    match all.split_last() {
        Some((last, before @ [_, ..])) => format!("{} and {last}", before.join(", ")),
        _ => all.concat(),
    }
}
