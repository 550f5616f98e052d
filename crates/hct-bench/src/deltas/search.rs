//! The smallest file that reaches a goal.

use anyhow::{Context, Result};

use super::report::DeltaRow;
use crate::evaluation::ModelQuality;

/// The embedding cosine at which a fine-tuned encoder counts as kept.
pub const EMBEDDING_COSINE: f64 = 0.999;

/// Settings that are tried after the ends.
const STEPS: usize = 6;

/// Whether a model is what it was, as far as its kind is judged here.
fn reached(row: &DeltaRow) -> bool {
    matches!(&row.quality, Some(ModelQuality::Sentence(q)) if q.handbook.cosine_mean >= EMBEDDING_COSINE)
}

/// The smallest row found by halving the logarithm of 1 − c, for a cosine c from `coarse` to
/// `fine`, that reaches the goal.
///
/// # Errors
/// When not even `fine` does, or a row cannot be measured.
pub fn least(
    coarse: f64,
    fine: f64,
    mut measure: impl FnMut(f64) -> Result<DeltaRow>,
) -> Result<DeltaRow> {
    let loss = |cosine: f64| libm::log2(1.0 - cosine);
    let (mut misses, mut reaches) = (loss(coarse), loss(fine));
    let mut best = Some(measure(fine)?).filter(reached);
    for _ in 0..STEPS {
        let middle = 0.5 * (misses + reaches);
        let row = measure(1.0 - libm::exp2(middle))?;
        if !reached(&row) {
            misses = middle;
            continue;
        }
        reaches = middle;
        if best.as_ref().is_none_or(|b| row.bytes < b.bytes) {
            best = Some(row);
        }
    }
    best.context("no setting reaches the goal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{OnTexts, SentenceQuality};

    #[test]
    fn the_least_that_reaches_is_found() {
        let measure = |cosine: f64| {
            let quality = SentenceQuality {
                cosine_mean: 1.0 - 0.1 * (1.0 - cosine),
                cosine_worst: 0.0,
                similarity_spearman: 0.0,
                sentences: 1,
            };
            Ok(DeltaRow {
                name: String::new(),
                setting: cosine.to_string(),
                bytes: (-1000.0 * libm::log2(1.0 - cosine)) as u64,
                on_base: false,
                cosine,
                rel_mse: 0.0,
                delta_cosine: 0.0,
                quality: Some(ModelQuality::Sentence(OnTexts {
                    handbook: quality,
                    elsewhere: Default::default(),
                })),
            })
        };
        let found = least(0.5, 0.9999, measure).unwrap();
        assert!(reached(&found));
        // 1 − c is to be 0.01: 6,644 bytes, a step away at most.
        assert!((6643..6850).contains(&found.bytes), "{}", found.bytes);
        assert!(least(0.5, 0.9, measure).is_err());
    }
}
