//! Whole calibrations of made-up models.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::Tensor;
use hct_model::{CalibrationFile, CalibrationInfo, FileSource, merge_calibrations};
use hct_strategies::{Moments, TensorStatistics};

use super::backward::passages;
use super::naive_llama::Shape;
use super::synthetic_bert;
use super::synthetic_decoders::{llama, load, qwen2, weights};
use crate::{CalibrationOptions, CalibrationWindows, Model, calibrate};

const OPTIONS: CalibrationOptions = CalibrationOptions {
    overwrite: false,
    resume: false,
};

fn words(count: u32, step: u32) -> String {
    (0..count)
        .map(|i| format!("w{} ", i * (i + step) % 40))
        .collect()
}

fn model(shape: &Shape) -> Model {
    Model::Language(load(shape, &weights(shape), Some("w39")))
}

fn windows(model: &Model, texts: &[&str], most: Option<usize>) -> CalibrationWindows {
    match model {
        Model::Language(model) => {
            CalibrationWindows::of_language_model(model, texts, Vec::new(), 9, most, 1)
        }
        Model::Sentence(encoder) => {
            CalibrationWindows::of_sentence_encoder(encoder, texts, 20, most, 1)
        }
    }
    .unwrap()
}

fn info(windows: &CalibrationWindows) -> CalibrationInfo {
    CalibrationInfo {
        tokens: windows.tokens() as u64,
        ..CalibrationInfo::default()
    }
}

fn run(model: &Model, windows: &CalibrationWindows, output: &Path) {
    calibrate(model, windows, &info(windows), output, OPTIONS, &|_| ()).unwrap();
}

fn open(path: &Path) -> CalibrationFile<FileSource> {
    CalibrationFile::new(path, FileSource::open(path).unwrap()).unwrap()
}

fn read(path: &Path, tensor: &str) -> TensorStatistics {
    open(path).tensor(tensor).unwrap().unwrap()
}

fn close(found: f32, expected: f64, scale: f64) {
    assert!(
        (f64::from(found) - expected).abs() <= 2e-5 * scale,
        "{found} {expected}"
    );
}

/// The rows of a tensor.
fn rows(tensor: &Tensor) -> Vec<Vec<f64>> {
    let rows: Vec<Vec<f32>> = tensor.to_vec2().unwrap();
    let wide = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
    rows.into_iter().map(wide).collect()
}

/// Compares with the mean over all (weight, vector) of weight · vector vectorᵀ.
fn check_moments(found: &Moments, vectors: &[(f64, Vec<f64>)]) {
    let Moments::Full(found) = found else {
        panic!("moments are a diagonal")
    };
    let mean = |i: usize, j: usize| {
        let products = vectors.iter().map(|(weight, x)| weight * x[i] * x[j]);
        products.sum::<f64>() / vectors.len() as f64
    };
    for i in 0..found.size() {
        for j in 0..found.size() {
            let scale = (mean(i, i) * mean(j, j)).sqrt();
            close(found.get(i, j), mean(i, j), scale);
        }
    }
}

#[test]
fn statistics_are_the_means_that_they_are_said_to_be() {
    let shape = llama();
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("a.hctcal");
    let model = model(&shape);
    let windows = windows(&model, &[&words(50, 3)], Some(43));
    // Each with its start token.
    assert_eq!((windows.count(), windows.tokens()), (5, 43));
    run(&model, &windows, &output);
    let Model::Language(model) = &model else {
        unreachable!()
    };

    let tensors = [
        "self_attn.k_proj",
        "self_attn.o_proj",
        "mlp.up_proj",
        "mlp.down_proj",
    ];
    for tensor in tensors.map(|part| format!("model.layers.1.{part}.weight")) {
        let (mut plain, mut weighted, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for window in windows.halves.iter().flatten() {
            let (passages, _) = passages(&model.decoder, window);
            let with = passages.iter().find(|(names, _)| names.contains(&tensor));
            let (names, passage) = with.unwrap();
            let place = names.iter().position(|name| *name == tensor).unwrap();
            let gradients = rows(&passage.gradients[place]);
            for (x, g) in rows(&passage.input).into_iter().zip(gradients) {
                plain.push((1.0, x.clone()));
                weighted.push((g.iter().map(|g| g * g).sum(), x));
                squares.push(g.iter().map(|g| g * g).collect::<Vec<f64>>());
            }
        }
        assert_eq!(plain.len(), 43);
        let found = read(&output, &tensor);
        assert_eq!(found.tokens, 43);
        check_moments(&found.inputs, &plain);
        check_moments(found.weighted.as_ref().unwrap(), &weighted);
        for (row, &found) in found.rows.unwrap().iter().enumerate() {
            let mean = squares.iter().map(|squares| squares[row]).sum::<f64>() / 43.0;
            close(found, mean, mean);
        }
        assert!((0.0..=1.0).contains(&found.reliability));
    }

    let head = read(&output, "lm_head.weight");
    head.check(40, 24).unwrap();
    let embedding = read(&output, "model.embed_tokens.weight");
    embedding.check(40, 24).unwrap();
    let rows = embedding.rows.unwrap();
    close(rows.iter().sum(), 1.0, 1.0);
    assert_eq!(Some(&embedding.inputs), embedding.weighted.as_ref());
    // Every window begins with it.
    assert!(rows[39] > 0.5 * 5.0 / 43.0);
    assert!(!dir.path().join("a.hctcal.partial").exists());
}

#[test]
fn predictions_weigh_the_rows_of_the_head() {
    let shape = qwen2();
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("a.hctcal");
    let source = weights(&shape);
    let model = Model::Language(load(&shape, &source, None));
    let windows = windows(&model, &[&words(30, 3)], None);
    run(&model, &windows, &output);
    // Tied: head and embedding in one.
    let both = read(&output, "model.embed_tokens.weight");
    let (mut variance, mut frequency) = (vec![0.0; 40], vec![0.0; 40]);
    let Model::Language(model) = &model else {
        unreachable!()
    };
    let (mut of_head, mut of_embedding) = (0.0, 0.0);
    for window in windows.halves.iter().flatten() {
        let (_, g) = passages(&model.decoder, window);
        of_embedding += rows(&g).iter().flatten().map(|g| g * g).sum::<f64>() / 30.0;
        let hidden = model
            .decoder
            .hidden(&window.tokens, &mut Default::default());
        let hidden = rows(&hidden.unwrap());
        let logits = super::naive_llama::logits(&source, &shape, &window.tokens);
        for ((logits, hidden), &token) in logits.iter().zip(hidden).zip(&window.tokens) {
            frequency[token as usize] += 0.5 / 30.0;
            let square: f64 = hidden.iter().map(|h| h * h).sum();
            for (v, p) in super::naive_llama::softmax(logits).into_iter().enumerate() {
                variance[v] += p * (1.0 - p) / 30.0;
                frequency[v] += 0.5 * p / 30.0;
                of_head += p * (1.0 - p) * square / 30.0;
            }
        }
    }
    let total: f64 = variance.iter().sum();
    let found = both.rows.unwrap();
    for (v, &found) in found.iter().enumerate() {
        let sum = of_head * variance[v] / total + of_embedding * frequency[v];
        let expected = sum / (of_head + of_embedding);
        close(found, expected, 10.0 * expected);
    }
    let trace: f32 = both.weighted.unwrap().diagonal().iter().sum();
    close(trace, of_head + of_embedding, of_head + of_embedding);
}

#[test]
fn any_number_of_threads_and_any_interruption_gives_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let shape = llama();
    let model = model(&shape);
    let texts = [words(40, 3), words(60, 4)];
    let windows = windows(&model, &[&texts[0], &texts[1]], Some(90));
    let info = info(&windows);
    let whole = dir.path().join("whole.hctcal");
    run(&model, &windows, &whole);
    let whole = fs::read(whole).unwrap();
    for threads in [1, 3] {
        let output = dir.path().join(format!("{threads}.hctcal"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| run(&model, &windows, &output));
        assert!(fs::read(output).unwrap() == whole, "{threads} threads");
    }
    let output = dir.path().join("again.hctcal");
    let resume = CalibrationOptions {
        overwrite: false,
        resume: true,
    };
    // Interrupted again and again, further on each time.
    for stop in [3, 30, 60, 75, 88] {
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            let progress = |done| assert!(done < stop, "interrupted on purpose");
            calibrate(&model, &windows, &info, &output, resume, &progress).unwrap();
        }));
        assert!(stopped.is_err() && !output.exists(), "{stop}");
    }
    assert!(
        dir.path()
            .join("again.hctcal.partial")
            .join("layer-1")
            .exists()
    );
    calibrate(&model, &windows, &info, &output, resume, &|_| ()).unwrap();
    assert!(fs::read(&output).unwrap() == whole);
    assert!(!dir.path().join("again.hctcal.partial").exists());
    assert!(calibrate(&model, &windows, &info, &output, resume, &|_| ()).is_err());
}

#[test]
fn merging_is_what_one_run_over_both_texts_gives() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(&llama());
    let texts = [words(32, 3), words(64, 4)];
    let path = |name: &str| dir.path().join(name);
    run(&model, &windows(&model, &[&texts[0]], None), &path("a"));
    run(&model, &windows(&model, &[&texts[1]], None), &path("b"));
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    run(&model, &windows(&model, &all, None), &path("all"));
    let files = [open(&path("a")), open(&path("b"))];
    let merged = merge_calibrations(&files, &path("merged"), Vec::new()).unwrap();
    fs::write(path("merged"), merged).unwrap();
    for (number, shape) in open(&path("all")).groups().iter().enumerate() {
        for tensor in &shape.tensors {
            let expected = read(&path("all"), &tensor.name);
            let found = read(&path("merged"), &tensor.name);
            assert_eq!((number > 20, found.tokens), (false, expected.tokens));
            for (found, expected) in [
                (Some(&found.inputs), Some(&expected.inputs)),
                (found.weighted.as_ref(), expected.weighted.as_ref()),
            ] {
                let (Some(Moments::Full(found)), Some(Moments::Full(expected))) = (found, expected)
                else {
                    panic!("moments are missing")
                };
                let diagonal = expected.diagonal();
                for i in 0..expected.size() {
                    for j in i..expected.size() {
                        let scale = f64::from(diagonal[i] * diagonal[j]).sqrt();
                        close(found.get(i, j), expected.get(i, j).into(), scale);
                    }
                }
            }
            let pairs = found
                .rows
                .iter()
                .flatten()
                .zip(expected.rows.iter().flatten());
            for (&found, &expected) in pairs {
                close(found, expected.into(), expected.into());
            }
            let difference = (found.reliability - expected.reliability).abs();
            assert!(
                difference < 0.3,
                "{} {}",
                found.reliability,
                expected.reliability
            );
        }
    }
}

#[test]
fn encoders_have_statistics_of_their_layers_and_tables() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("a.hctcal");
    let model = Model::Sentence(synthetic_bert::load(&synthetic_bert::weights()));
    let text = (0..12u32).map(|i| words(5 + i % 4, i) + "\n\n");
    let windows = windows(&model, &[&text.collect::<String>()], None);
    assert!(windows.count() > 3);
    run(&model, &windows, &output);
    let tokens = windows.tokens() as u64;
    for (tensor, rows, cols) in [
        ("encoder.layer.1.attention.self.value.weight", 24, 24),
        ("encoder.layer.0.intermediate.dense.weight", 40, 24),
        ("encoder.layer.0.output.dense.weight", 24, 40),
        ("embeddings.word_embeddings.weight", 40, 24),
        ("embeddings.position_embeddings.weight", 16, 24),
    ] {
        let found = read(&output, tensor);
        found.check(rows, cols).unwrap();
        assert_eq!(found.tokens, tokens);
        assert!(found.rows.unwrap().iter().all(|&row| row > 0.0), "{tensor}");
    }
    let file = open(&output);
    assert!(file.tensor("pooler.dense.weight").unwrap().is_none());
}

#[test]
fn windows_come_from_all_texts_in_turn() {
    let model = model(&llama());
    let long = words(80, 3);
    let short = words(8, 4);
    let mixed = windows(&model, &[&long, &short], Some(36));
    assert_eq!((mixed.count(), mixed.tokens()), (4, 36));
    // 8 of each text and the start token; the short one has a single window.
    assert_eq!(mixed.tokens_of_halves(), [18, 18]);
    // A single window is made two.
    let single = windows(&model, &[&short], None);
    assert_eq!((single.count(), single.tokens()), (2, 10));
    let Model::Language(model) = &model else {
        unreachable!()
    };
    let empty = CalibrationWindows::of_language_model(model, &[""], Vec::new(), 9, None, 1);
    assert!(empty.is_err());
    let own = vec![vec![39, 1, 2], vec![39, 3]];
    let own = CalibrationWindows::of_language_model(model, &[], own, 9, None, 1).unwrap();
    assert_eq!((own.count(), own.tokens()), (2, 5));
}
