//! How much text models are run on.

use serde::{Deserialize, Serialize};

use super::model_quality::ModelQuality;
use crate::text::cells::thousands;

/// The text, from the repository's root.
pub const TEXT: &str = "assets/text/evaluation.txt";

/// The part of [`TEXT`] that is used, and how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Settings {
    /// Tokens of the evaluation text that language models are run on.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub max_tokens: usize,
    /// Tokens of a window, each predicted from those before it.
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub context: usize,
    /// Sentences of the evaluation text that encoders are run on.
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub sentences: usize,
}

impl Settings {
    /// What a model was run on, as a sentence with the options that ask for it.
    pub fn describe(&self, quality: &ModelQuality) -> String {
        match quality {
            ModelQuality::Language(q) => format!(
                "Run on {} scored tokens of `{TEXT}` in windows of {} (`--max-tokens {} \
                 --context {}`).",
                thousands(q.tokens as u64),
                self.context,
                self.max_tokens,
                self.context,
            ),
            ModelQuality::Sentence(q) => format!(
                "Run on {} sentences of `{TEXT}` (`--sentences {}`).",
                q.sentences, self.sentences
            ),
        }
    }
}
