//! Sentence encoders against a reference.

use rayon::prelude::*;
use serde::Serialize;

use crate::statistics::{cosine, mean, spearman};
use crate::{Error, SentenceEncoder};

/// The vectors that a reference encoder gives sentences.
pub struct SentenceReference {
    sentences: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

/// How a candidate's vectors compare with its reference's.
#[derive(Clone, Debug, Serialize)]
pub struct SentenceReport {
    /// Mean cosine of the two vectors of a sentence.
    pub cosine_mean: f64,
    /// The least of them.
    pub cosine_worst: f64,
    /// Spearman's correlation of the similarities (cosines) of all pairs of sentences, by the one
    /// and by the other model: whether a search would find the same.
    pub similarity_spearman: f64,
    /// How many sentences there were.
    pub sentences: usize,
}

impl SentenceReference {
    /// Runs `encoder` on all sentences. `progress` is told how many have been done.
    ///
    /// # Errors
    /// When there are fewer than three sentences, or inference fails.
    pub fn new(
        encoder: &SentenceEncoder,
        sentences: Vec<String>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<SentenceReference, Error> {
        if sentences.len() < 3 {
            // Two have a single similarity, and nothing to correlate.
            return Err(Error::TextTooShort {
                what: "sentences",
                found: sentences.len(),
                least: 3,
            });
        }
        let vectors = embed_all(encoder, &sentences, progress)?;
        Ok(SentenceReference { sentences, vectors })
    }

    /// Runs `candidate` on the same sentences and compares. `progress` is told how many have been
    /// done.
    ///
    /// # Errors
    /// When the vectors differ in length, or inference fails.
    pub fn compare(
        &self,
        candidate: &SentenceEncoder,
        progress: &mut dyn FnMut(usize),
    ) -> Result<SentenceReport, Error> {
        let vectors = embed_all(candidate, &self.sentences, progress)?;
        let (reference, other) = (self.vectors[0].len(), vectors[0].len());
        if reference != other {
            return Err(Error::NotComparable {
                what: "dimensions",
                reference,
                candidate: other,
            });
        }
        let pairs = self.vectors.iter().zip(&vectors);
        let cosines: Vec<f64> = pairs.map(|(a, b)| cosine(a, b)).collect();
        // `f64::min` would pass over NaN.
        let worst = cosines.iter().copied().min_by(|a, b| {
            let nan_first = b.is_nan().cmp(&a.is_nan());
            nan_first.then(a.total_cmp(b))
        });
        Ok(SentenceReport {
            cosine_mean: mean(cosines.iter().copied()),
            cosine_worst: worst.unwrap_or(f64::NAN),
            similarity_spearman: spearman(&similarities(&self.vectors), &similarities(&vectors)),
            sentences: self.sentences.len(),
        })
    }
}

fn embed_all(
    encoder: &SentenceEncoder,
    sentences: &[String],
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<f32>>, Error> {
    let mut vectors = Vec::with_capacity(sentences.len());
    // Sentences are too short to occupy the cores one at a time.
    for batch in sentences.chunks(32) {
        let batch = batch.par_iter().map(|sentence| encoder.embed(sentence));
        vectors.extend(batch.collect::<Result<Vec<_>, Error>>()?);
        progress(vectors.len());
    }
    Ok(vectors)
}

/// Of every pair, in a fixed order.
fn similarities(vectors: &[Vec<f32>]) -> Vec<f64> {
    let firsts = vectors.par_iter().enumerate();
    firsts
        .flat_map_iter(|(i, a)| vectors[i + 1..].iter().map(move |b| cosine(a, b)))
        .collect()
}
