//! Model-level results as columns of tables.

use super::model_quality::ModelQuality;
use super::on_texts::OnTexts;
use crate::text::cells::{fraction, percent, plus_minus};

/// A heading and the cell under it.
pub type Column = (&'static str, String);

impl ModelQuality {
    /// The columns that stand beside sizes and cosines: of the handbook, and what texts of other
    /// kinds lose on the mean.
    pub fn summary(&self) -> Vec<Column> {
        let mut columns = self.handbook();
        if let ModelQuality::Language(q) = self {
            let others = q.texts.mean_elsewhere(|p| p.kld_mean);
            columns.extend(others.map(|kld| ("KL mean, other kinds", format!("{kld:.5}"))));
        }
        columns
    }

    /// All that is measured on the handbook and fits a table.
    pub fn details(&self) -> Vec<Column> {
        let mut columns = self.handbook();
        if let ModelQuality::Language(q) = self {
            let p = q.handbook();
            columns.insert(0, ("PPL", format!("{:.3}", p.perplexity)));
            columns.insert(3, ("KL p99", format!("{:.4}", p.kld_p99)));
            columns.push(("logit cosine", format!("{:.5}", p.logit_cosine)));
            columns.push(("answers right", fraction(q.answers_right, q.answers_asked)));
        }
        columns
    }

    fn handbook(&self) -> Vec<Column> {
        match self {
            ModelQuality::Language(q) => {
                let p = q.handbook();
                vec![
                    ("PPL ratio", plus_minus(p.ppl_ratio, p.ppl_ratio_se)),
                    ("KL mean", format!("{:.5}", p.kld_mean)),
                    ("top-1", percent(p.top1)),
                    ("top-5", percent(p.top5)),
                ]
            }
            ModelQuality::Sentence(q) => {
                let h = &q.handbook;
                vec![
                    ("embedding cosine, mean", format!("{:.5}", h.cosine_mean)),
                    ("embedding cosine, worst", format!("{:.5}", h.cosine_worst)),
                    ("Spearman", format!("{:.5}", h.similarity_spearman)),
                ]
            }
        }
    }

    /// What is measured on each kind of text, with the mean of all but the handbook. Empty when
    /// the handbook is all there is.
    pub fn kinds(&self) -> Vec<(String, String)> {
        match self {
            ModelQuality::Language(q) => [
                each(&q.texts, "KL mean", |p| p.kld_mean),
                each(&q.texts, "PPL ratio", |p| p.ppl_ratio),
                each(&q.texts, "top-1", |p| p.top1),
            ]
            .concat(),
            ModelQuality::Sentence(q) => [
                each(q, "embedding cosine", |q| q.cosine_mean),
                each(q, "Spearman", |q| q.similarity_spearman),
            ]
            .concat(),
        }
    }
}

/// A column a kind, and the mean of those that are not the handbook.
fn each<T>(on: &OnTexts<T>, what: &str, value: fn(&T) -> f64) -> Vec<(String, String)> {
    let Some(mean) = on.mean_elsewhere(value) else {
        return Vec::new();
    };
    let kinds = on.by_kind().into_iter();
    kinds
        .map(|(kind, q)| (kind, value(q)))
        .chain([("mean but handbook", mean)])
        .map(|(kind, value)| (format!("{what}: {kind}"), format!("{value:.5}")))
        .collect()
}
