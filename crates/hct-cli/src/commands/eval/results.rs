//! What was found for each text, as tables and JSON.

use hct_eval::{LanguageReport, Perplexity, SentenceReport};
use serde::{Serialize, Serializer};

use super::text::Text;
use crate::table::{Align, Table, printable};
use crate::units;

/// What is found for one text.
pub trait Found: Serialize {
    /// Its numbers, each with the name that it has in a table of its own and the one above a column.
    fn cells(&self) -> Vec<(&'static str, &'static str, String)>;

    /// What, if anything, is no number any more: the logits of which model, or its vectors.
    fn fault(&self) -> Option<&'static str>;
}

/// The results of all texts, one at least.
pub struct Results<'a, T>(Vec<OfText<'a, T>>);

#[derive(Serialize)]
struct OfText<'a, T> {
    text: std::borrow::Cow<'a, str>,
    #[serde(flatten)]
    found: T,
}

impl<'a, T: Found> Results<'a, T> {
    /// Each text with what was found for it, in the same order.
    pub fn new(texts: &'a [Text], found: Vec<T>) -> Results<'a, T> {
        let of_text = |(text, found): (&'a Text, T)| OfText {
            text: text.path.to_string_lossy(),
            found,
        };
        Results(texts.iter().zip(found).map(of_text).collect())
    }

    /// The first text for which something is no number, and what.
    pub fn fault(&self) -> Option<(&str, &'static str)> {
        let mut texts = self.0.iter();
        texts.find_map(|of| Some((&*of.text, of.found.fault()?)))
    }

    /// Of one text a line a number, of several a row a text.
    pub fn table(&self) -> String {
        match self.0.as_slice() {
            [one] => {
                let mut table = Table::bare(&[Align::Left, Align::Left]);
                for (what, _, value) in one.found.cells() {
                    table.row([what.to_owned(), value]);
                }
                table.render()
            }
            several => {
                let cells: Vec<_> = several.iter().map(|of| of.found.cells()).collect();
                let numbers = cells.first().into_iter().flatten();
                let mut head = vec![("text", Align::Left)];
                head.extend(numbers.map(|&(_, column, _)| (column, Align::Right)));
                let mut table = Table::new(&head);
                for (of, cells) in several.iter().zip(cells) {
                    let values = cells.into_iter().map(|(_, _, value)| value);
                    table.row([printable(&of.text)].into_iter().chain(values));
                }
                table.render()
            }
        }
    }
}

/// Of one text its numbers alone, of several an array.
impl<T: Serialize> Serialize for Results<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.found.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl Found for Perplexity {
    fn cells(&self) -> Vec<(&'static str, &'static str, String)> {
        vec![
            ("perplexity", "perplexity", units::fixed(self.perplexity, 4)),
            ("tokens", "tokens", units::grouped(self.tokens as u64)),
        ]
    }

    fn fault(&self) -> Option<&'static str> {
        (!self.perplexity.is_finite()).then_some("the logits of the model")
    }
}

impl Found for LanguageReport {
    fn cells(&self) -> Vec<(&'static str, &'static str, String)> {
        let ratio = units::fixed(self.ppl_ratio, 4);
        let error = units::fixed(self.ppl_ratio_se, 4);
        vec![
            ("perplexity", "perplexity", units::fixed(self.perplexity, 4)),
            (
                "of the reference",
                "reference",
                units::fixed(self.reference_perplexity, 4),
            ),
            ("ratio", "ratio", format!("{ratio} ± {error}")),
            (
                "KL divergence, mean",
                "KL mean",
                units::fixed(self.kld_mean, 5),
            ),
            (
                "KL divergence, p99",
                "KL p99",
                units::fixed(self.kld_p99, 5),
            ),
            ("same top token", "top 1", percent(self.top1)),
            ("top five shared", "top 5", percent(self.top5)),
            ("logit cosine", "logits", units::fixed(self.logit_cosine, 6)),
            ("tokens", "tokens", units::grouped(self.tokens as u64)),
        ]
    }

    fn fault(&self) -> Option<&'static str> {
        if !self.reference_perplexity.is_finite() {
            return Some("the logits of the reference");
        }
        let others = [self.perplexity, self.kld_mean, self.logit_cosine];
        let all = others.iter().all(|value| value.is_finite());
        (!all).then_some("the logits of the model compared")
    }
}

impl Found for SentenceReport {
    fn cells(&self) -> Vec<(&'static str, &'static str, String)> {
        vec![
            (
                "sentence cosine, mean",
                "cosine mean",
                units::fixed(self.cosine_mean, 6),
            ),
            (
                "sentence cosine, worst",
                "worst",
                units::fixed(self.cosine_worst, 6),
            ),
            (
                "rank correlation of similarities",
                "rank correlation",
                units::fixed(self.similarity_spearman, 6),
            ),
            (
                "sentences",
                "sentences",
                units::grouped(self.sentences as u64),
            ),
        ]
    }

    fn fault(&self) -> Option<&'static str> {
        let finite = self.cosine_mean.is_finite() && self.cosine_worst.is_finite();
        (!finite).then_some("the vectors of sentences")
    }
}

fn percent(share: f64) -> String {
    units::fixed(100.0 * share, 2) + " %"
}
