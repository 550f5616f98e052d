//! Compressing to a quality that is measured, on a small made-up Llama checkpoint.
#![cfg(feature = "eval")]

mod common;

use std::fs;
use std::path::Path;

use common::llama::make;
use common::{hct, succeed};
use serde_json::Value;
use tempfile::TempDir;

fn made() -> TempDir {
    let dir = TempDir::new().unwrap();
    make(dir.path());
    dir
}

/// The KL divergence of a file from the model, as `eval` has it.
fn kld(dir: &Path, file: &str, text: &str) -> f64 {
    let eval = format!("eval m --against {file} --text {text} --context 64 --json");
    succeed(dir, &eval).json()["kld_mean"].as_f64().unwrap()
}

fn only_these(dir: &Path, names: &[&str]) {
    let mut found: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names);
}

#[test]
fn a_divergence_is_kept_to_and_used_up() {
    let dir = made();
    let dir = dir.path();
    let mut sizes = Vec::new();
    for most in [0.2, 0.02, 0.002] {
        let compress =
            format!("compress m -o m.hct --max-kld {most} --eval-text text.txt --force --json");
        let report = succeed(dir, &compress).json();
        let measured = report["measured"]["kld"].as_f64().unwrap();
        assert!(
            measured <= most && measured > 0.5 * most,
            "{most}: {measured}"
        );
        assert_eq!(report["measured"]["text"], "of --eval-text");
        let again = kld(dir, "m.hct", "text.txt");
        assert!((again - measured).abs() < 1e-9, "{again}, not {measured}");
        sizes.push(report["output_bytes"].as_u64().unwrap());
    }
    assert!(sizes.is_sorted(), "{sizes:?}");
    only_these(dir, &["m", "m.hct", "text.txt"]);
    // The file says what was found, so that it can be made without looking.
    let spec = succeed(dir, "info m.hct --json").json()["made_by"]["spec"].clone();
    let rel_mse = &spec["rel_mse"];
    succeed(dir, &format!("compress m -o again.hct --rel-mse {rel_mse}"));
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("m.hct") == read("again.hct"));
}

#[test]
fn texts_are_calibrated_on_and_measured_on_apart() {
    let dir = made();
    let dir = dir.path();
    let compress = "compress m --text text.txt --quality small -o m.hct --json";
    let report = succeed(dir, compress).json();
    assert_eq!(report["measured"]["text"], "held back of --text");
    // A fifth of 200 words, the first of which nothing comes before.
    let tokens = report["measured"]["tokens"].as_u64().unwrap();
    assert!((35..45).contains(&tokens), "{tokens}");
    assert!(report["measured"]["kld"].as_f64().unwrap() <= 0.1);
    let made_by = &succeed(dir, "info m.hct --json").json()["made_by"];
    assert_eq!(made_by["spec"]["strategy"], "calibrated");
    assert!(made_by["calibration"].is_string());
    let shown = succeed(dir, &compress.replace("--json", "--force --threads 1"));
    assert!(shown.stdout.contains("KL divergence"), "{}", shown.stdout);
    assert!(shown.stdout.contains("perplexity"), "{}", shown.stdout);
    only_these(dir, &["m", "m.hct", "text.txt"]);
}

#[test]
fn a_model_needs_no_text_at_all() {
    let dir = made();
    let dir = dir.path();
    let compress = "compress m --self-text 400 --max-ppl-ratio 1.2 -o m.hct --json";
    let report = succeed(dir, compress).json();
    assert!(report["measured"]["ppl_ratio"].as_f64().unwrap() <= 1.2);
    assert_eq!(report["measured"]["text"], "that the model wrote");
    // The same bytes again, on another number of threads.
    let first = fs::read(dir.join("m.hct")).unwrap();
    succeed(dir, &format!("{compress} --force --threads 1"));
    assert!(fs::read(dir.join("m.hct")).unwrap() == first);
    // Calibrating first and compressing then gives the same as both at once.
    succeed(dir, "calibrate m --text text.txt --context 64 -o c.hctcal");
    succeed(dir, "compress m --calibration c.hctcal -o two.hct");
    succeed(dir, "compress m --text text.txt -o one.hct");
    let report: Value = succeed(dir, "diff two.hct one.hct --json").json();
    assert_eq!(report["total"]["rel_mse"], 0.0);
}

#[test]
fn normalisations_make_up_for_a_part_of_what_is_lost() {
    let dir = made();
    let dir = dir.path();
    let words: String = (0..4000u32)
        .map(|i| format!("w{} ", i * i % 89 * (i % 7) % 96))
        .collect();
    fs::write(dir.join("long.txt"), words).unwrap();
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    let compress = "compress m --text long.txt --step 0.02 -o m.hct --tune --verify --json";
    let report = succeed(dir, compress).json();
    let tuning = &report["tuning"];
    assert_eq!(tuning["tensors"], 3);
    let of = |key: &str| tuning[key].as_f64().unwrap();
    assert!(of("kld_after") < 0.99 * of("kld_before"), "{tuning}");
    assert_eq!(of("tokens") + of("held_back_tokens"), 4000.0);
    let bytes = report["output_bytes"].as_u64().unwrap();
    assert_eq!(bytes, fs::metadata(dir.join("m.hct")).unwrap().len());
    let made_by = succeed(dir, "info m.hct --json").json()["made_by"].clone();
    assert_eq!(made_by["tuned_on"].as_array().unwrap().len(), 1);
    // Any number of threads gives the same bytes, and so does tuning afterwards.
    let first = read("m.hct");
    succeed(dir, &format!("{compress} --force --threads 1"));
    assert!(read("m.hct") == first);
    let plain = compress
        .replace("-o m.hct", "-o plain.hct")
        .replace(" --tune", "");
    assert!(succeed(dir, &plain).json()["tuning"].is_null());
    let tune = "tune plain.hct --against m --text long.txt -o later.hct";
    let shown = succeed(dir, tune).stdout;
    assert!(shown.contains("norms tuned"), "{shown}");
    assert!(read("later.hct") == first);
    let report: Value = succeed(dir, "diff plain.hct m.hct --json").json();
    assert!(report["total"]["rel_mse"].as_f64().unwrap() > 0.0);
    // With a goal it is what was tuned that is measured.
    let goal = "compress m --text long.txt --max-kld 0.3 --tune -o goal.hct --json";
    let report = succeed(dir, goal).json();
    assert_eq!(report["tuning"]["tensors"], 3);
    let measured = report["measured"]["kld"].as_f64().unwrap();
    assert!(measured <= 0.3 && measured > 0.15, "{measured}");
    // On text that it has not seen it is better, too.
    fs::write(
        dir.join("other.txt"),
        "w5 w11 w0 w17 w80 w33 w2 ".repeat(90),
    )
    .unwrap();
    let (tuned, untuned) = (
        kld(dir, "m.hct", "other.txt"),
        kld(dir, "plain.hct", "other.txt"),
    );
    assert!(tuned < untuned, "{tuned} {untuned}");
    let names = [
        "goal.hct",
        "later.hct",
        "long.txt",
        "m",
        "m.hct",
        "other.txt",
        "plain.hct",
        "text.txt",
    ];
    only_these(dir, &names);
    // Nothing is tuned that is no file of ours, or by nothing, or twice into one name.
    hct(dir, "tune m --against m --text long.txt -o n.hct").fails(2, &["hct compress"]);
    hct(dir, "tune m.hct --against m -o n.hct").fails(2, &["--text"]);
    hct(dir, "compress m --tune --bpw 3 -o n.hct").fails(2, &["hct tune"]);
    hct(dir, tune).fails(2, &["--force"]);
    hct(dir, "tune m.hct --against m --text text.txt -o n.hct").fails(1, &["windows"]);
    hct(dir, "compress m --tune --text text.txt -o n.hct").fails(2, &["windows"]);
    only_these(dir, &names);
}

#[test]
fn a_size_is_an_upper_limit_that_is_used_up() {
    let dir = made();
    let dir = dir.path();
    for (strategy, size) in [("rdo", 30_000), ("svd", 40_000)] {
        let compress =
            format!("compress m -o m.hct --strategy {strategy} --size {size} --force --json");
        let report = succeed(dir, &compress).json();
        let bytes = report["output_bytes"].as_u64().unwrap();
        assert_eq!(bytes, fs::metadata(dir.join("m.hct")).unwrap().len());
        assert!(bytes <= size && bytes > size * 97 / 100, "{size}: {bytes}");
    }
    hct(dir, "compress m -o n.hct --size 1kB").fails(1, &["cannot be reached"]);
    hct(dir, "compress m -o n.hct --size 9TB").fails(2, &["--size", "bits per weight"]);
    hct(dir, "compress m -o n.hct --size ten").fails(2, &["60MB"]);
    hct(dir, "compress m -o n.hct --size 30kB --bpw 3").fails(2, &["--bpw"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let dir = made();
    let dir = dir.path();
    for (options, says) in [
        ("--quality best", "balanced"),
        ("--max-kld 0", "0.02"),
        ("--max-ppl-ratio 1", "1.01"),
        ("--quality small --max-kld 0.1", "--max-kld"),
        ("--quality small --bpw 3", "--bpw"),
        ("--eval-text text.txt", "--eval-text"),
        ("--tokens 100", "--self-text"),
        ("--text text.txt --strategy rdo", "calibrated"),
        ("--strategy uniform --max-kld 0.1", "uniform"),
        ("--strategy calibrated", "--text"),
    ] {
        hct(dir, &format!("compress m -o n.hct {options}")).fails(2, &[says]);
    }
    let weights = "compress m/model.safetensors -o n.hct --quality small";
    hct(dir, weights).fails(1, &["config.json"]);
    hct(dir, "compress m -o n.hct --text none.txt").fails(1, &["none.txt"]);
    only_these(dir, &["m", "text.txt"]);
}
