//! How a model runs after coding, as the JSON documents keep it.

use hct_eval::{LanguageReport, SentenceReport};
use serde::{Deserialize, Deserializer, Serialize};

use super::on_texts::OnTexts;
use super::questions::Answers;

/// What became of a model, against the model as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum ModelQuality {
    /// Of a language model.
    Language(LanguageQuality),
    /// Of a sentence encoder, on each text.
    Sentence(OnTexts<SentenceQuality>),
}

impl ModelQuality {
    /// What was lost on each kind of text: of a language model the mean KL divergence in nats, of a
    /// sentence encoder 1 − Spearman.
    pub fn loss(&self) -> OnTexts<f64> {
        match self {
            ModelQuality::Language(q) => q.texts.map(|p| p.kld_mean),
            ModelQuality::Sentence(q) => q.map(|q| 1.0 - q.similarity_spearman),
        }
    }

    /// What [`ModelQuality::loss`] is called.
    pub fn loss_name(&self) -> &'static str {
        match self {
            ModelQuality::Language(_) => "KL divergence",
            ModelQuality::Sentence(_) => "1 − Spearman",
        }
    }
}

/// What became of a language model: its predictions on each text, and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanguageQuality {
    /// Its predictions.
    #[serde(flatten)]
    pub texts: OnTexts<Predictions>,
    /// Questions that the reference answers right.
    pub answers_asked: usize,
    /// Those of them that are still answered right.
    pub answers_right: usize,
    /// What the model writes after [`super::questions::SAMPLE`].
    pub sample: String,
}

/// Predictions for a text against the reference's; the fields of [`LanguageReport`]. A model that
/// computes no numbers any more has NaN, which is `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
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
    pub fn new(
        texts: OnTexts<Predictions>,
        reference: &Answers,
        own: &Answers,
        sample: String,
    ) -> Self {
        LanguageQuality {
            texts,
            answers_asked: reference.right(),
            answers_right: reference.right_in_both(own),
            sample,
        }
    }

    /// Its predictions on the text that tables are about unless they say otherwise.
    pub fn handbook(&self) -> &Predictions {
        &self.texts.handbook
    }
}

impl From<LanguageReport> for Predictions {
    fn from(report: LanguageReport) -> Self {
        Predictions {
            ppl_ratio: report.ppl_ratio,
            ppl_ratio_se: report.ppl_ratio_se,
            perplexity: report.perplexity,
            kld_mean: report.kld_mean,
            kld_p99: report.kld_p99,
            top1: report.top1,
            top5: report.top5,
            logit_cosine: report.logit_cosine,
            tokens: report.tokens,
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
        let broken = SentenceQuality {
            cosine_mean: f64::NAN,
            cosine_worst: 0.25,
            similarity_spearman: f64::NAN,
            sentences: 3,
        };
        let all = OnTexts::measure(|_| Ok(broken.clone())).unwrap();
        let text = serde_json::to_string(&ModelQuality::Sentence(all)).unwrap();
        let ModelQuality::Sentence(read) = serde_json::from_str(&text).unwrap() else {
            panic!("read as another kind of model");
        };
        assert_eq!(read.by_kind().len(), 4);
        for (_, read) in read.by_kind() {
            assert!(read.cosine_mean.is_nan() && read.similarity_spearman.is_nan());
            assert_eq!((read.cosine_worst, read.sentences), (0.25, 3));
        }
    }
}
