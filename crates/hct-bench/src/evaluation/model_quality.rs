//! How a model runs after coding, as the JSON documents keep it.

use hct_eval::{LanguageReport, SentenceReport};
use serde::{Deserialize, Deserializer, Serialize};

use super::questions::Answers;

/// What became of a model, against the model as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum ModelQuality {
    /// Of a language model.
    Language(LanguageQuality),
    /// Of a sentence encoder.
    Sentence(SentenceQuality),
}

/// What became of a language model; the fields of [`LanguageReport`], and answers. A model that
/// computes no numbers any more has NaN, which is `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanguageQuality {
    /// Perplexity over that of the reference.
    #[serde(deserialize_with = "null_is_nan")]
    pub ppl_ratio: f64,
    /// Its standard error.
    #[serde(deserialize_with = "null_is_nan")]
    pub ppl_ratio_se: f64,
    /// Perplexity.
    #[serde(deserialize_with = "null_is_nan")]
    pub perplexity: f64,
    /// Mean KL divergence from the reference's predictions, in nats.
    #[serde(deserialize_with = "null_is_nan")]
    pub kld_mean: f64,
    /// The 99th percentile of the same.
    #[serde(deserialize_with = "null_is_nan")]
    pub kld_p99: f64,
    /// How often the most probable token is the reference's.
    pub top1: f64,
    /// Mean share of the reference's five most probable tokens that are kept.
    pub top5: f64,
    /// Mean cosine of the logits.
    #[serde(deserialize_with = "null_is_nan")]
    pub logit_cosine: f64,
    /// Scored tokens.
    pub tokens: usize,
    /// Questions that the reference answers right.
    pub answers_asked: usize,
    /// Those of them that are still answered right.
    pub answers_right: usize,
    /// What the model writes after [`super::questions::SAMPLE`].
    pub sample: String,
}

/// What became of a sentence encoder; the fields of [`SentenceReport`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentenceQuality {
    /// Mean cosine of a sentence's vector and the reference's.
    #[serde(deserialize_with = "null_is_nan")]
    pub cosine_mean: f64,
    /// The least of them.
    #[serde(deserialize_with = "null_is_nan")]
    pub cosine_worst: f64,
    /// Rank correlation of the similarities of all pairs of sentences.
    #[serde(deserialize_with = "null_is_nan")]
    pub similarity_spearman: f64,
    /// Sentences.
    pub sentences: usize,
}

fn null_is_nan<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or(f64::NAN))
}

impl LanguageQuality {
    /// Puts together what was measured.
    pub fn new(report: &LanguageReport, reference: &Answers, own: &Answers, text: String) -> Self {
        LanguageQuality {
            ppl_ratio: report.ppl_ratio,
            ppl_ratio_se: report.ppl_ratio_se,
            perplexity: report.perplexity,
            kld_mean: report.kld_mean,
            kld_p99: report.kld_p99,
            top1: report.top1,
            top5: report.top5,
            logit_cosine: report.logit_cosine,
            tokens: report.tokens,
            answers_asked: reference.right(),
            answers_right: reference.right_in_both(own),
            sample: text,
        }
    }
}

impl From<SentenceReport> for SentenceQuality {
    fn from(report: SentenceReport) -> Self {
        SentenceQuality {
            cosine_mean: report.cosine_mean,
            cosine_worst: report.cosine_worst,
            similarity_spearman: report.similarity_spearman,
            sentences: report.sentences,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_without_numbers_survives_json() {
        let broken = ModelQuality::Sentence(SentenceQuality {
            cosine_mean: f64::NAN,
            cosine_worst: 0.25,
            similarity_spearman: f64::NAN,
            sentences: 3,
        });
        let text = serde_json::to_string(&broken).unwrap();
        let ModelQuality::Sentence(read) = serde_json::from_str(&text).unwrap() else {
            panic!("read as another kind of model");
        };
        assert!(read.cosine_mean.is_nan() && read.similarity_spearman.is_nan());
        assert_eq!((read.cosine_worst, read.sentences), (0.25, 3));
    }
}
