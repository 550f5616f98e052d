//! Tuning the normalisations of made-up decoders, against plain loops.

use std::sync::Mutex;

use hct_model::TensorSource;

use super::made_up::MadeUp;
use super::naive_llama::{self, Shape};
use super::synthetic_decoders::{llama, load, qwen2, weights};
use crate::random::Random;
use crate::{CalibrationWindows, Error, LanguageModel, TunedNorms, tune_norms};

const TOKENS: [u32; 9] = [3, 17, 3, 39, 0, 8, 21, 21, 5];

/// `shape` with noise on its matrices, as coding leaves it.
fn coded(shape: &Shape, noise: f64) -> MadeUp {
    let mut source = weights(shape);
    let mut random = Random::new(3);
    let names: Vec<String> = source.tensors().iter().map(|t| t.name.clone()).collect();
    for name in names.iter().filter(|name| !name.contains("norm")) {
        for value in source.get_mut(name) {
            *value *= 1.0 + (noise * random.normal()) as f32;
        }
    }
    source
}

fn windows(model: &LanguageModel, words: u32) -> CalibrationWindows {
    let text: String = (0..words)
        .map(|i| format!("w{} ", i * (i + 7) % 40))
        .collect();
    let texts = [&text[..]];
    CalibrationWindows::of_language_model(model, &texts, Vec::new(), 24, None, 1).unwrap()
}

fn tune(shape: &Shape, source: &MadeUp) -> (LanguageModel, TunedNorms) {
    let original = load(shape, &weights(shape), None);
    let mut model = load(shape, source, None);
    let on = windows(&original, 900);
    let told = Mutex::new(0);
    let tuned = tune_norms(&original, &mut model, source, &on, &|done| {
        let mut told = told.lock().unwrap();
        *told = done.max(*told);
    });
    let told = told.into_inner().unwrap();
    assert!(told.abs_diff(on.tokens()) <= on.count(), "{told}");
    (model, tuned.unwrap())
}

#[test]
fn gradients_of_normalisations_are_those_of_the_divergence() {
    for shape in [llama(), qwen2()] {
        let original = load(&shape, &weights(&shape), None);
        let mut source = coded(&shape, 0.1);
        let mut model = load(&shape, &source, None);
        let reference = naive_llama::logits(&weights(&shape), &shape, &TOKENS);
        let divergence = |source: &MadeUp| -> f64 {
            let logits = naive_llama::logits(source, &shape, &TOKENS);
            let rows = reference.iter().zip(&logits).flat_map(|(p, q)| {
                let (p, q) = (naive_llama::softmax(p), naive_llama::softmax(q));
                p.into_iter().zip(q).map(|(p, q)| p * (p / q).ln())
            });
            rows.sum()
        };
        let (sum, found) = model
            .decoder
            .norm_gradients(&original.decoder, &TOKENS)
            .unwrap();
        let expected = divergence(&source);
        assert!((sum - expected).abs() < 1e-4 * expected, "{sum} {expected}");
        let alone = model
            .decoder
            .divergence_from(&original.decoder, &TOKENS)
            .unwrap();
        assert!(
            (alone - expected).abs() < 1e-4 * expected,
            "{alone} {expected}"
        );
        let norms = model.decoder.norms().unwrap();
        assert_eq!(norms.len(), 2 * shape.layers + 1);
        assert_eq!(norms.len(), found.len());
        for ((name, weight), found) in norms.iter().zip(&found) {
            assert_eq!(weight, source.get(name));
            let scale = found.iter().fold(0f64, |most, g| most.max(g.abs()));
            assert!(scale > 1e-3, "{name} has gradients of {scale} only");
            for at in [0, 7, 23] {
                let mut loss = |value: f32| {
                    source.get_mut(name)[at] = value;
                    (f64::from(value), divergence(&source))
                };
                let (high, above) = loss(weight[at] + 1e-3);
                let (low, below) = loss(weight[at] - 1e-3);
                source.get_mut(name)[at] = weight[at];
                let expected = (above - below) / (high - low);
                let error = (found[at] - expected).abs();
                assert!(
                    error < 2e-3 * scale,
                    "{name} {at}: {} {expected}",
                    found[at]
                );
            }
        }
    }
}

#[test]
fn what_is_lost_falls_and_the_tensors_are_those_of_the_model() {
    for shape in [llama(), qwen2()] {
        let mut source = coded(&shape, 0.1);
        // What a normalisation can undo: a layer's inputs are all too small.
        for (at, value) in source
            .get_mut("model.layers.1.mlp.up_proj.weight")
            .iter_mut()
            .enumerate()
        {
            *value *= if at % shape.hidden < 12 { 0.9 } else { 1.0 };
        }
        let (model, tuned) = tune(&shape, &source);
        assert!(tuned.after < 0.97 * tuned.before, "{tuned:?}");
        assert_eq!(tuned.tensors.len(), 2 * shape.layers + 1);
        let held_back = tuned.held_back as f64 / (tuned.tokens + tuned.held_back) as f64;
        assert!((0.1..0.15).contains(&held_back), "{held_back}");
        // The model that was given is the one that the tensors make.
        for (number, bytes) in &tuned.tensors {
            let name = source.tensors()[*number].name.clone();
            assert!(name.contains("norm"), "{name}");
            for (value, bytes) in source.get_mut(&name).iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        let mut loaded = load(&shape, &source, None);
        let mut given = model;
        assert_eq!(
            loaded.decoder.norms().unwrap(),
            given.decoder.norms().unwrap()
        );
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let source = coded(&llama(), 0.1);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let tuned = pool.build().unwrap().install(|| tune(&llama(), &source).1);
        (tuned.tensors, tuned.before, tuned.after)
    };
    assert!(on(1) == on(3));
}

#[test]
fn a_model_that_lost_nothing_is_left_alone() {
    let source = weights(&llama());
    let (mut model, tuned) = tune(&llama(), &source);
    assert!(
        tuned.before < 1e-9 && tuned.after == tuned.before,
        "{tuned:?}"
    );
    assert!(tuned.tensors.is_empty());
    for (name, weight) in model.decoder.norms().unwrap() {
        assert_eq!(weight, source.get(&name));
    }
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let shape = llama();
    let original = load(&shape, &weights(&shape), None);
    let tune = |source: &MadeUp, on: &CalibrationWindows| {
        let mut model = load(&shape, source, None);
        tune_norms(&original, &mut model, source, on, &|_| ())
    };
    // Seven windows.
    let error = tune(&coded(&shape, 0.1), &windows(&original, 160)).unwrap_err();
    assert!(matches!(
        error,
        Error::TextTooShort {
            what: "windows",
            found: 7,
            least: 8
        }
    ));
    let mut broken = coded(&shape, 0.1);
    broken.get_mut("model.layers.1.mlp.up_proj.weight")[5] = f32::NAN;
    let error = tune(&broken, &windows(&original, 300)).unwrap_err();
    assert!(matches!(error, Error::NotFinite));
}
