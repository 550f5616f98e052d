//! Model-level results as columns of tables.

use super::model_quality::ModelQuality;
use crate::text::cells::{fraction, percent, plus_minus};

/// A heading and the cell under it.
pub type Column = (&'static str, String);

impl ModelQuality {
    /// The columns that stand beside sizes and cosines.
    pub fn summary(&self) -> Vec<Column> {
        match self {
            ModelQuality::Language(q) => vec![
                ("PPL ratio", plus_minus(q.ppl_ratio, q.ppl_ratio_se)),
                ("KL mean", format!("{:.5}", q.kld_mean)),
                ("top-1", percent(q.top1)),
                ("top-5", percent(q.top5)),
            ],
            ModelQuality::Sentence(q) => vec![
                ("embedding cosine, mean", format!("{:.5}", q.cosine_mean)),
                ("embedding cosine, worst", format!("{:.5}", q.cosine_worst)),
                ("Spearman", format!("{:.5}", q.similarity_spearman)),
            ],
        }
    }

    /// All that is measured and fits a table.
    pub fn details(&self) -> Vec<Column> {
        let mut columns = self.summary();
        if let ModelQuality::Language(q) = self {
            columns.insert(0, ("PPL", format!("{:.3}", q.perplexity)));
            columns.insert(3, ("KL p99", format!("{:.4}", q.kld_p99)));
            columns.push(("logit cosine", format!("{:.5}", q.logit_cosine)));
            columns.push(("answers right", fraction(q.answers_right, q.answers_asked)));
        }
        columns
    }
}
