//! How well a model predicts a text, by itself.

use rayon::prelude::*;
use serde::Serialize;

use crate::decoder::Cache;
use crate::metrics::LogProbabilities;
use crate::{Error, LanguageModel, Windows};

/// The perplexity of a model on a text.
#[derive(Clone, Debug, Serialize)]
pub struct Perplexity {
    /// e to the mean negative log-probability of the scored tokens.
    pub perplexity: f64,
    /// How many tokens were scored.
    pub tokens: usize,
}

/// The perplexity of `model` on `windows`. `progress` is told how many tokens have been scored.
///
/// # Errors
/// When the windows have tokens the model does not know, or inference fails.
pub fn perplexity(
    model: &LanguageModel,
    windows: &Windows,
    progress: &mut dyn FnMut(usize),
) -> Result<Perplexity, Error> {
    let sums = windows.map(progress, |_, window| {
        let hidden = model.decoder.hidden(window, &mut Cache::default())?;
        scored_chunks(window)
            .map(|(first, targets)| {
                let rows = hidden.narrow(0, first, targets.len())?;
                let logits: Vec<f32> = model
                    .decoder
                    .head()
                    .logits(&rows)?
                    .flatten_all()?
                    .to_vec1()?;
                let losses: Vec<f64> = logits
                    .par_chunks(model.decoder.vocabulary())
                    .zip(targets)
                    .map(|(row, &target)| -LogProbabilities::of(row).at(target))
                    .collect();
                Ok(losses.iter().sum::<f64>())
            })
            .collect::<Result<Vec<f64>, Error>>()
    })?;
    let tokens = windows.scored();
    let sum: f64 = sums.into_iter().flatten().sum();
    Ok(Perplexity {
        perplexity: (sum / tokens as f64).exp(),
        tokens,
    })
}

/// The tokens of a window that are scored, in chunks small enough that their logits take little
/// memory, each with the number of the row of hidden states that its first is predicted from.
pub(crate) fn scored_chunks(window: &[u32]) -> impl Iterator<Item = (usize, &[u32])> {
    const ROWS: usize = 128;
    let chunks = window[1..].chunks(ROWS).enumerate();
    chunks.map(|(chunk, targets)| (chunk * ROWS, targets))
}
