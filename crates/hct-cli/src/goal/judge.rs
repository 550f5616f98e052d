//! A model as it was, to compare what becomes of it with.

use anyhow::bail;
use hct_eval::{LanguageModel, Model, Reference, SentenceReference, Windows, sentences};
use serde::Serialize;

use crate::calibration_run::CONTEXT;
use crate::counter::Counter;
use crate::failure::usage;
use crate::runnable::failed;
use crate::units;

/// Tokens that are compared, of all texts together: the mean is then good to a few per cent, and
/// they take a fraction of the time of coding.
const TOKENS: usize = 4096;
/// Sentences of all texts together.
const SENTENCES: usize = 1000;
/// Tokens that a model writes itself, and of one text of them: many short ones are written at once.
const OWN_TOKENS: usize = 4096;
const OWN_LENGTH: usize = 128;
/// What they are drawn by. Calibrations use others as a rule, and longer texts always.
const OWN_SEED: u64 = 0x4845_4c44;

/// What to compare on.
pub enum JudgeTexts {
    /// These texts, and what they are.
    Given(Vec<String>, &'static str),
    /// What the model writes.
    Own,
}

/// The model as it was.
pub struct Judge {
    reference: References,
    on: &'static str,
}

enum References {
    Language(Vec<Reference>),
    Sentence(Vec<SentenceReference>),
}

/// How a candidate compares.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Measured {
    Language {
        /// Mean KL divergence, nats.
        kld: f64,
        /// Perplexity over that of the model as it was.
        ppl_ratio: f64,
        tokens: usize,
        /// What it was measured on.
        text: &'static str,
    },
    Sentence {
        /// Of the similarities of all pairs of sentences.
        rank_correlation: f64,
        sentences: usize,
        text: &'static str,
    },
}

impl Measured {
    /// Lines of a table: what, how much, and on what.
    pub fn rows(&self) -> Vec<(&'static str, String, String)> {
        match self {
            Measured::Language {
                kld,
                ppl_ratio,
                tokens,
                text,
            } => {
                let on = format!("mean of {} tokens {text}", units::grouped(*tokens as u64));
                let ratio = format!("{}x", units::fixed(*ppl_ratio, 4));
                let was = "that of the model as it was".to_owned();
                vec![
                    ("KL divergence", units::fixed(*kld, 5), on),
                    ("perplexity", ratio, was),
                ]
            }
            Measured::Sentence {
                rank_correlation,
                sentences,
                text,
            } => {
                let sentences = units::grouped(*sentences as u64);
                let on = format!("of similarities of {sentences} sentences {text}");
                vec![("rank correlation", units::fixed(*rank_correlation, 6), on)]
            }
        }
    }
}

impl Judge {
    /// Runs `model`.
    pub fn new(model: &Model, texts: &JudgeTexts) -> anyhow::Result<Judge> {
        let (reference, on) = match (model, texts) {
            (Model::Language(model), _) => {
                let (windows, on) = windows(model, texts)?;
                let scored = windows.iter().map(Windows::scored).sum();
                let bar = Counter::new("reference", "tokens", scored);
                let mut before = 0;
                let mut references = Vec::new();
                for windows in windows {
                    let count = windows.scored();
                    let reference =
                        Reference::new(model, windows, &mut |done| bar.set(before + done));
                    references.push(reference.map_err(failed)?);
                    before += count;
                }
                (References::Language(references), on)
            }
            (Model::Sentence(encoder), JudgeTexts::Given(texts, on)) => {
                let share = (SENTENCES / texts.len().max(1)).max(3);
                let mut references = Vec::new();
                for text in texts {
                    let bar = Counter::new("reference", "sentences", share);
                    let sentences = sentences(text, share);
                    let reference =
                        SentenceReference::new(encoder, sentences, &mut |done| bar.set(done));
                    references.push(reference.map_err(failed)?);
                }
                (References::Sentence(references), *on)
            }
            (Model::Sentence(_), JudgeTexts::Own) => {
                return Err(usage(
                    "a sentence encoder writes no text to be measured on; give some with --eval-text",
                ));
            }
        };
        Ok(Judge { reference, on })
    }

    /// Whether it is a language model.
    pub fn is_language_model(&self) -> bool {
        matches!(self.reference, References::Language(_))
    }

    /// Runs what became of the model.
    pub fn measure(&self, candidate: &Model) -> anyhow::Result<Measured> {
        match (&self.reference, candidate) {
            (References::Language(references), Model::Language(candidate)) => {
                let bar = Counter::new("comparing", "tokens", TOKENS);
                let (mut kld, mut log_ratio, mut tokens) = (0.0, 0.0, 0);
                for reference in references {
                    let report = reference.compare(candidate, &mut |done| bar.set(tokens + done));
                    let report = report.map_err(failed)?;
                    kld += report.kld_mean * report.tokens as f64;
                    log_ratio += report.ppl_ratio.ln() * report.tokens as f64;
                    tokens += report.tokens;
                }
                Ok(Measured::Language {
                    kld: kld / tokens as f64,
                    ppl_ratio: (log_ratio / tokens as f64).exp(),
                    tokens,
                    text: self.on,
                })
            }
            (References::Sentence(references), Model::Sentence(candidate)) => {
                let bar = Counter::new("comparing", "sentences", SENTENCES);
                let (mut sum, mut sentences) = (0.0, 0);
                for reference in references {
                    let report =
                        reference.compare(candidate, &mut |done| bar.set(sentences + done));
                    let report = report.map_err(failed)?;
                    sum += report.similarity_spearman * report.sentences as f64;
                    sentences += report.sentences;
                }
                Ok(Measured::Sentence {
                    rank_correlation: sum / sentences as f64,
                    sentences,
                    text: self.on,
                })
            }
            _ => bail!("the compressed model is of another kind than the original"),
        }
    }
}

/// What to run a language model on.
fn windows(
    model: &LanguageModel,
    texts: &JudgeTexts,
) -> anyhow::Result<(Vec<Windows>, &'static str)> {
    let context = CONTEXT.min(model.max_context());
    match texts {
        JudgeTexts::Given(texts, on) => {
            let share = (TOKENS / texts.len().max(1)).max(2);
            let cut = texts
                .iter()
                .map(|text| model.windows(text, context, Some(share)).map_err(failed));
            Ok((cut.collect::<anyhow::Result<_>>()?, *on))
        }
        JudgeTexts::Own => {
            let bar = Counter::new("writing", "tokens", OWN_TOKENS);
            let length = OWN_LENGTH.min(context);
            let written = model.self_text(OWN_TOKENS, length, OWN_SEED, &mut |done| {
                bar.set(done);
            });
            let windows = Windows::of_texts(written.map_err(failed)?).map_err(failed)?;
            Ok((vec![windows], "that the model wrote"))
        }
    }
}
