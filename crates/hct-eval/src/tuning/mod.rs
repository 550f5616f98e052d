//! Making up for a part of what coding has changed, with the weights of normalisations alone.

mod adam;

use std::sync::atomic::{AtomicUsize, Ordering};

use hct_model::TensorSource;
use rayon::prelude::*;

use crate::decoder::Decoder;
use crate::layered::Sequences;
use crate::weights::{from_f32, to_f32};
use crate::{CalibrationWindows, Error, LanguageModel};
use adam::Adam;

/// The longest step of a weight, as a share of it, times the root of the divergence: errors are as that
/// root, and so is what makes up for them. Steps grow to it and fall to nothing.
const STEP: f64 = 5e-3;
/// The longest of all.
const LONGEST: f64 = 5e-3;
/// The share of the steps in which it grows.
const GROWING: f64 = 0.1;
/// Windows of a step, run at once.
const AT_ONCE: usize = 2;
/// One window of so many is kept for measuring.
const HELD_BACK: usize = 8;
/// The least windows that [`tune_norms`] takes: one to measure on.
pub const LEAST_TO_TUNE_ON: usize = HELD_BACK;

/// What came of [`tune_norms`].
#[derive(Clone, Debug)]
pub struct TunedNorms {
    /// The tensors that were changed, by their numbers in the source, and their bytes now; none where
    /// that helped nothing.
    pub tensors: Vec<(usize, Vec<u8>)>,
    /// The mean KL divergence of the coded model from the original on the tokens held back, nats.
    pub before: f64,
    /// The same with the tensors changed.
    pub after: f64,
    /// Tokens that were learnt from.
    pub tokens: usize,
    /// Tokens that were held back.
    pub held_back: usize,
}

/// Changes the weights of the normalisations of `coded` so that it predicts more like `original`: steps
/// down the gradient of the KL divergence on `windows`, once over them. `source` is where `coded` was
/// loaded from; the new weights are rounded to the dtypes there. An eighth of the windows is held back
/// to measure on; if the divergence there does not fall, nothing is changed.
///
/// Coding has many small errors, which add up to some that depend on the channel alone, and those a
/// normalisation can undo. They are few numbers, and stored losslessly anyway. The idea is that of
/// [norm tweaking](https://arxiv.org/abs/2309.02784), the loss the divergence of the predictions; the
/// steps are [Adam](https://arxiv.org/abs/1412.6980)'s.
///
/// Both models are in memory, and what goes from layer to layer in two windows. The result does not depend
/// on the number of threads. `progress` is told how many tokens of [`CalibrationWindows::tokens`] are
/// done, about, possibly from several threads at once.
///
/// # Errors
/// When there are less than [`LEAST_TO_TUNE_ON`] windows, the models have different vocabularies, inference fails or
/// gives numbers that are not finite, or `source` is another model's.
pub fn tune_norms(
    original: &LanguageModel,
    coded: &mut LanguageModel,
    source: &dyn TensorSource,
    windows: &CalibrationWindows,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<TunedNorms, Error> {
    let (reference, candidate) = (&original.decoder, &mut coded.decoder);
    if reference.vocabulary() != candidate.vocabulary() {
        return Err(Error::NotComparable {
            what: "logits",
            reference: reference.vocabulary(),
            candidate: candidate.vocabulary(),
        });
    }
    let (held_back, learnt_from) = split(windows)?;
    let progress = Costs {
        done: AtomicUsize::new(0),
        progress,
    };
    let measure = |candidate: &Decoder| -> Result<f64, Error> {
        let sums: Result<Vec<f64>, Error> = held_back
            .par_iter()
            .map(|window| {
                let sum = candidate.divergence_from(reference, &window.tokens)?;
                progress.add(window.tokens.len() as f64 / 2.0);
                Ok(sum)
            })
            .collect();
        Ok(sums?.iter().sum::<f64>() / tokens_of(&held_back) as f64)
    };
    let norms = Norms::of(candidate, source)?;
    let before = measure(candidate)?;
    if !before.is_finite() {
        return Err(Error::NotFinite);
    }
    let length = (STEP * before.sqrt()).min(LONGEST);
    learn(
        candidate,
        reference,
        &norms,
        &learnt_from,
        length,
        &progress,
    )?;
    let bytes = norms.round(candidate)?;
    let after = measure(candidate)?;
    let helped = after < before;
    if !helped {
        candidate.set_norms(&norms.weights)?;
    }
    Ok(TunedNorms {
        tensors: match helped {
            true => norms.tensors.into_iter().zip(bytes).collect(),
            false => Vec::new(),
        },
        before,
        after: after.min(before),
        tokens: tokens_of(&learnt_from),
        held_back: tokens_of(&held_back),
    })
}

/// Gives `candidate` other weights, step by step, the longest of `length`.
fn learn(
    candidate: &mut Decoder,
    reference: &Decoder,
    norms: &Norms,
    windows: &[&Sequences],
    length: f64,
    progress: &Costs,
) -> Result<(), Error> {
    let steps = windows.len().div_ceil(AT_ONCE);
    let mut adam = Adam::new(norms.weights.iter().map(Vec::len).sum());
    let mut weights = norms.weights.clone();
    for (step, windows) in windows.chunks(AT_ONCE).enumerate() {
        let shared = &*candidate;
        let found: Result<Vec<_>, Error> = windows
            .par_iter()
            .map(|window| {
                let found = shared.norm_gradients(reference, &window.tokens)?;
                progress.add(window.tokens.len() as f64);
                Ok(found)
            })
            .collect();
        let tokens = tokens_of(windows) as f64;
        let mut sums = vec![0.0; adam.len()];
        for (_, gradients) in found? {
            // Of a factor of each weight as it was, which is what is learnt.
            let weights = norms.weights.iter().flatten();
            let gradients = gradients.into_iter().flatten().zip(weights);
            for (sum, (g, weight)) in sums.iter_mut().zip(gradients) {
                *sum += g * f64::from(*weight) / tokens;
            }
        }
        if sums.iter().any(|g| !g.is_finite()) {
            return Err(Error::NotFinite);
        }
        let factors = adam.step(&sums, length * share(step, steps));
        let mut factors = factors.iter();
        for (weights, before) in weights.iter_mut().zip(&norms.weights) {
            for ((weight, before), factor) in weights.iter_mut().zip(before).zip(&mut factors) {
                *weight = (f64::from(*before) * (1.0 + factor)) as f32;
            }
        }
        candidate.set_norms(&weights)?;
    }
    Ok(())
}

/// How long step number `step` of `steps` is, as a share of the longest.
fn share(step: usize, steps: usize) -> f64 {
    let (done, steps) = ((step + 1) as f64, steps as f64);
    (done / (GROWING * steps)).min(1.0) * (1.0 - done / (steps + 1.0))
}

/// Which windows to measure on and which to learn from, in an order that depends on what they hold
/// alone.
fn split(windows: &CalibrationWindows) -> Result<(Vec<&Sequences>, Vec<&Sequences>), Error> {
    let mut all: Vec<&Sequences> = windows.halves.iter().flatten().collect();
    all.retain(|window| !window.tokens.is_empty());
    all.sort_by_key(|window| window.seed);
    if all.len() < LEAST_TO_TUNE_ON {
        return Err(Error::TextTooShort {
            what: "windows",
            found: all.len(),
            least: LEAST_TO_TUNE_ON,
        });
    }
    let learnt_from = all.split_off(all.len().div_ceil(HELD_BACK));
    Ok((all, learnt_from))
}

fn tokens_of(windows: &[&Sequences]) -> usize {
    windows.iter().map(|window| window.tokens.len()).sum()
}

/// The normalisations of a decoder as they were loaded.
struct Norms<'a> {
    weights: Vec<Vec<f32>>,
    /// Their numbers in the source.
    tensors: Vec<usize>,
    source: &'a dyn TensorSource,
}

impl<'a> Norms<'a> {
    fn of(decoder: &mut Decoder, source: &'a dyn TensorSource) -> Result<Self, Error> {
        let (mut weights, mut tensors) = (Vec::new(), Vec::new());
        for (name, weight) in decoder.norms()? {
            let found = source.tensors().iter().position(|info| info.name == name);
            tensors.push(found.ok_or(Error::TensorMissing { name })?);
            weights.push(weight);
        }
        Ok(Norms {
            weights,
            tensors,
            source,
        })
    }

    /// Rounds the weights of `decoder` to the dtypes of the source; gives their bytes.
    fn round(&self, decoder: &mut Decoder) -> Result<Vec<Vec<u8>>, Error> {
        let (mut rounded, mut bytes) = (Vec::new(), Vec::new());
        for ((_, weight), &tensor) in decoder.norms()?.iter().zip(&self.tensors) {
            let info = &self.source.tensors()[tensor];
            let of_tensor = from_f32(info, weight)?;
            rounded.push(to_f32(info, &of_tensor)?);
            bytes.push(of_tensor);
        }
        decoder.set_norms(&rounded)?;
        Ok(bytes)
    }
}

/// What has been done, in tokens learnt from.
struct Costs<'a> {
    done: AtomicUsize,
    progress: &'a (dyn Fn(usize) + Sync),
}

impl Costs<'_> {
    fn add(&self, cost: f64) {
        let cost = cost.round() as usize;
        (self.progress)(self.done.fetch_add(cost, Ordering::Relaxed) + cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_and_fall() {
        let shares: Vec<f64> = (0..40).map(|step| share(step, 40)).collect();
        let most = shares.iter().copied().fold(0.0, f64::max);
        assert!(most <= 1.0 && most > 0.85, "{most}");
        assert!(shares[0] < 0.3 && shares[39] < 0.05);
        let peak = shares.iter().position(|share| *share == most).unwrap();
        assert!(shares[..=peak].is_sorted() && shares[peak..].is_sorted_by(|a, b| a > b));
        assert!((0.0..=1.0).contains(&share(0, 1)));
    }
}
