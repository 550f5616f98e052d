//! Many candidates against one reference.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::decoder::{Cache, Decoder, OutputHead};
use crate::metrics::TokenComparison;
use crate::perplexity::scored_chunks;
use crate::{Error, LanguageModel, LanguageReport, Windows};

/// What a reference model predicts for a text, ready to compare candidates with.
///
/// The model is run once. What is kept is its last hidden states, four bytes times its width per
/// token (24 MB for 10 000 tokens of a model 576 wide), and its output matrix; logits, which would
/// be a hundred times that, are made from them again for each candidate. This is exact, and costs
/// the output matrix only. The model itself can be dropped.
pub struct Reference {
    windows: Windows,
    /// For each window.
    hidden: Vec<Tensor>,
    head: OutputHead,
}

impl Reference {
    /// Runs `model` on `windows`. `progress` is told how many tokens have been done.
    ///
    /// # Errors
    /// When the windows have tokens the model does not know, or inference fails.
    pub fn new(
        model: &LanguageModel,
        windows: Windows,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Reference, Error> {
        let hidden = windows.map(progress, |_, window| {
            model.decoder.hidden(window, &mut Cache::default())
        })?;
        Ok(Reference {
            windows,
            hidden,
            head: model.decoder.head().clone(),
        })
    }

    /// Runs `candidate` on the same windows and compares. `progress` is told how many tokens have
    /// been done, of [`Windows::scored`].
    ///
    /// # Errors
    /// When the models have different vocabularies, or inference fails.
    pub fn compare(
        &self,
        candidate: &LanguageModel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<LanguageReport, Error> {
        let decoder = &candidate.decoder;
        if decoder.vocabulary() != self.head.vocabulary() {
            return Err(Error::NotComparable {
                what: "logits",
                reference: self.head.vocabulary(),
                candidate: decoder.vocabulary(),
            });
        }
        let tokens = self.windows.map(progress, |number, window| {
            self.compare_window(window, &self.hidden[number], decoder)
        })?;
        let tokens: Vec<_> = tokens.into_iter().flatten().collect();
        Ok(LanguageReport::new(&tokens))
    }

    fn compare_window(
        &self,
        window: &[u32],
        hidden: &Tensor,
        candidate: &Decoder,
    ) -> Result<Vec<TokenComparison>, Error> {
        let mut tokens = Vec::with_capacity(window.len());
        let candidate_hidden = candidate.hidden(window, &mut Cache::default())?;
        // Both in the same chunks: equal models must do equal arithmetic.
        for (first, targets) in scored_chunks(window) {
            let logits = |head: &OutputHead, hidden: &Tensor| {
                let rows = hidden.narrow(0, first, targets.len())?;
                Ok::<_, Error>(head.logits(&rows)?.flatten_all()?.to_vec1::<f32>()?)
            };
            let reference_logits = logits(&self.head, hidden)?;
            let candidate_logits = logits(candidate.head(), &candidate_hidden)?;
            let vocabulary = self.head.vocabulary();
            let chunk: Vec<TokenComparison> = reference_logits
                .par_chunks(vocabulary)
                .zip(candidate_logits.par_chunks(vocabulary))
                .zip(targets)
                .map(|((reference, candidate), &target)| {
                    TokenComparison::new(reference, candidate, target)
                })
                .collect();
            tokens.extend(chunk);
        }
        Ok(tokens)
    }
}
