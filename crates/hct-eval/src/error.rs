//! Everything that can keep a model from being loaded, run or compared.
//!
//! As in `hct-model`, messages do not repeat their sources and print names that come from files
//! with `{:?}`.

use std::io;
use std::path::PathBuf;

use hct_core::Dtype;

/// What is wrong, and with what.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file next to the weights could not be read.
    #[error("cannot read {}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// `config.json` is not JSON, or lacks something.
    #[error("config.json")]
    ConfigJson(#[source] serde_json::Error),
    /// A model of a kind that this crate has no forward pass for.
    #[error("cannot run models of type {model_type:?}, only llama, qwen2 and bert")]
    Architecture {
        /// What `config.json` calls it.
        model_type: String,
    },
    /// A setting that would need another forward pass.
    #[error("config.json: {setting} = {value} is not supported")]
    Setting {
        /// The key.
        setting: &'static str,
        /// Its value, as JSON.
        value: String,
    },
    /// Sizes that do not go together.
    #[error("config.json: {0}")]
    Sizes(&'static str),
    /// `tokenizer.json` could not be used.
    #[error("tokenizer.json")]
    Tokenizer(#[source] tokenizers::Error),
    /// A text could not be tokenised, or tokens not be turned into text.
    #[error("tokenizing")]
    Tokenizing(#[source] tokenizers::Error),

    /// A tensor could not be read or decoded.
    #[error(transparent)]
    Read(#[from] hct_model::Error),
    /// The weights lack a tensor that the configuration calls for.
    #[error("there is no tensor {name:?}, which config.json calls for")]
    TensorMissing {
        /// The tensor.
        name: String,
    },
    /// A tensor does not have the shape that the configuration calls for.
    #[error("tensor {name:?} has the shape {found:?}; config.json calls for {expected:?}")]
    TensorShape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<u64>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A tensor of a type that no number can be made of here.
    #[error("tensor {name:?} is stored as {dtype}; only F16, BF16, F32 and F64 can be run")]
    TensorDtype {
        /// The tensor.
        name: String,
        /// Its element type.
        dtype: Dtype,
    },
    /// A tensor whose bytes do not match its shape.
    #[error("tensor {name:?} has {found} bytes; its shape makes {expected}")]
    TensorLength {
        /// The tensor.
        name: String,
        /// How many bytes there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },

    /// A context that leaves nothing to predict, or that the model was not made for.
    #[error("a context of {context} tokens is not possible: this model takes {least} to {most}")]
    Context {
        /// The context asked for.
        context: usize,
        /// The least that has a token to score.
        least: usize,
        /// The most the model has positions for.
        most: usize,
    },
    /// A text without a single token to score, or without sentences to compare.
    #[error("the text is too short: it gives {found} {what}, and at least {least} are needed")]
    TextTooShort {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        least: usize,
    },
    /// The tokenizer gives tokens the model has no embedding for.
    #[error(
        "token {token} is outside the model's vocabulary of {vocabulary}; the tokenizer belongs to another model"
    )]
    TokenOutOfVocabulary {
        /// The token.
        token: u32,
        /// The rows of the embedding.
        vocabulary: usize,
    },
    /// Two models that do not predict the same things.
    #[error("the models cannot be compared: one gives {reference} {what}, the other {candidate}")]
    NotComparable {
        /// What differs.
        what: &'static str,
        /// How many the reference has.
        reference: usize,
        /// How many the candidate has.
        candidate: usize,
    },
    /// Sums over a text that are no statistics, as those of a model whose numbers overflow.
    #[error("the model does not compute finite numbers on this text")]
    Statistics(#[source] hct_core::Error),
    /// A model that computes no numbers any more.
    #[error("the logits of the model are not finite numbers (NaN or infinite)")]
    NotFinite,
    /// The inference engine failed.
    #[error("inference")]
    Engine(#[from] candle_core::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn no_message_repeats_its_source() {
        let json = || serde_json::from_str::<u8>("x").unwrap_err();
        let text = || tokenizers::Error::from("not a tokenizer");
        let read_file = Error::ReadFile {
            path: "config.json".into(),
            reason: io::Error::other("no such luck"),
        };
        for (error, behind) in [
            (read_file, "no such luck".to_owned()),
            (Error::ConfigJson(json()), json().to_string()),
            (Error::Tokenizer(text()), text().to_string()),
            (Error::Tokenizing(text()), text().to_string()),
            (
                candle_core::Error::Msg("no such engine".into()).into(),
                "no such engine".to_owned(),
            ),
        ] {
            assert_eq!(error.source().unwrap().to_string(), behind);
            assert!(!error.to_string().contains(&behind), "{error}");
        }
    }
}
