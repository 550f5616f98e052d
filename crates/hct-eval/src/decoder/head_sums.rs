//! What is summed at the two ends of a decoder, and the statistics that come of it.

use candle_core::Tensor;
use hct_model::StatisticsGroup;
use rayon::prelude::*;

use crate::Error;
use crate::moments::{Halves, ProductSums, of_rows, tensor};
use crate::random::{Random, pick, softmax};

/// Sums over tokens.
pub(crate) struct EndSums {
    /// Of the products of final hidden states.
    hidden: ProductSums,
    /// The same, each weighted by the sum of p (1 − p) over the vocabulary.
    weighted_hidden: ProductSums,
    /// Of p (1 − p) of each token of the vocabulary.
    variance: Vec<f64>,
    /// Of p.
    probability: Vec<f64>,
    /// How often each token was looked up.
    count: Vec<u64>,
    /// Of the products of gradients at what was looked up.
    looked_up: ProductSums,
}

/// The names of the matrices at the ends.
pub(super) enum EndNames {
    /// One matrix is both.
    Tied(String),
    Untied {
        embedding: String,
        head: String,
    },
}

impl EndSums {
    pub fn new(vocabulary: usize, width: usize) -> EndSums {
        EndSums {
            hidden: ProductSums::new(width),
            weighted_hidden: ProductSums::new(width),
            variance: vec![0.0; vocabulary],
            probability: vec![0.0; vocabulary],
            count: vec![0; vocabulary],
            looked_up: ProductSums::new(width),
        }
    }

    /// Adds predictions. `logits` (rows x vocabulary) become the gradient of −ln p of a token that
    /// is drawn from each row's prediction, the numbers `first`, `first + 1`, … of `seed` deciding.
    /// Gives the sum of p (1 − p) of each row.
    pub fn predict(&mut self, logits: &mut [f32], seed: u64, first: u64) -> Vec<f32> {
        let vocabulary = self.variance.len();
        let rows = logits.par_chunks_exact_mut(vocabulary).enumerate();
        let drawn: Vec<(f32, u32)> = rows
            .map(|(row, logits)| {
                softmax(logits);
                let squares: f64 = logits.iter().map(|&p| f64::from(p) * f64::from(p)).sum();
                let unit = Random::nth(seed, first + row as u64).unit();
                ((1.0 - squares).max(0.0) as f32, pick(logits, unit))
            })
            .collect();
        let variance = self.variance.par_chunks_mut(CHUNK);
        let sums = variance.zip(self.probability.par_chunks_mut(CHUNK));
        sums.enumerate()
            .for_each(|(chunk, (variance, probability))| {
                for row in logits.chunks_exact(vocabulary) {
                    let row = &row[chunk * CHUNK..];
                    for ((variance, sum), &p) in variance.iter_mut().zip(&mut *probability).zip(row)
                    {
                        *variance += f64::from(p * (1.0 - p));
                        *sum += f64::from(p);
                    }
                }
            });
        for (row, &(_, token)) in logits.chunks_exact_mut(vocabulary).zip(&drawn) {
            row[token as usize] -= 1.0;
        }
        drawn.into_iter().map(|(spread, _)| spread).collect()
    }

    /// Adds final hidden states (tokens x width), with the spread that [`Self::predict`] gave.
    pub fn add_hidden(&mut self, hidden: &Tensor, spread: &[f32]) -> Result<(), Error> {
        self.hidden.add(hidden)?;
        self.weighted_hidden.add_weighted(hidden, spread)
    }

    /// Adds the gradients (tokens x width) at what these tokens looked up.
    pub fn add_looked_up(&mut self, tokens: &[u32], g: &Tensor) -> Result<(), Error> {
        for &token in tokens {
            self.count[token as usize] += 1;
        }
        self.looked_up.add(g)
    }

    pub(super) fn finish(
        [a, b]: [EndSums; 2],
        tokens: [u64; 2],
        names: EndNames,
    ) -> Result<Vec<StatisticsGroup>, Error> {
        let all = (tokens[0] + tokens[1]) as f64;
        let means = |a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| (a + b) / all).collect()
        };
        let variance = means(&a.variance, &b.variance);
        let probability = means(&a.probability, &b.probability);
        let counts = a.count.iter().zip(&b.count);
        // Tokens that the text happens to lack come elsewhere: half of it is what the model expects.
        let frequency: Vec<f64> = counts
            .zip(&probability)
            .map(|((a, b), p)| 0.5 * (a + b) as f64 / all + 0.5 * p)
            .collect();
        let pool = |a, b| {
            let sums = [a, b];
            Halves { sums, tokens }.pooled()
        };
        let tokens = tokens[0] + tokens[1];
        match names {
            EndNames::Untied { embedding, head } => {
                let inputs = pool(a.hidden, b.hidden)?;
                let head = StatisticsGroup {
                    tokens,
                    reliability: inputs.reliability,
                    inputs: inputs.into_moments(),
                    tensors: vec![tensor(
                        head,
                        pool(a.weighted_hidden, b.weighted_hidden)?,
                        &variance,
                    )],
                };
                let looked_up = pool(a.looked_up, b.looked_up)?;
                Ok(vec![
                    of_rows(tokens, embedding, looked_up, &frequency)?,
                    head,
                ])
            }
            EndNames::Tied(name) => {
                let trace = |a: &ProductSums, b: &ProductSums| a.trace() + b.trace();
                let of_head = trace(&a.weighted_hidden, &b.weighted_hidden);
                let of_embedding = trace(&a.looked_up, &b.looked_up);
                let share = |part: f64| part / (of_head + of_embedding);
                let total = |values: &[f64]| values.iter().sum::<f64>();
                let head_scale = share(of_head) / total(&variance);
                let embedding_scale = share(of_embedding) / total(&frequency);
                let rows: Vec<f64> = variance
                    .iter()
                    .zip(&frequency)
                    .map(|(v, f)| v * head_scale + f * embedding_scale)
                    .collect();
                let both = pool(
                    a.weighted_hidden.plus(&a.looked_up),
                    b.weighted_hidden.plus(&b.looked_up),
                )?;
                Ok(vec![of_rows(tokens, name, both, &rows)?])
            }
        }
    }
}

/// Entries of the vocabulary at a time.
const CHUNK: usize = 1024;
