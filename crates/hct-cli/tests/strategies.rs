//! Every strategy from the command line.

mod common;

use std::fs;
use std::path::Path;

use common::{copy_sample, hct, mixed, put, safetensors, succeed};
use tempfile::TempDir;

const STRATEGIES: [&str; 9] = [
    "uniform",
    "adaptive",
    "svd",
    "hybrid",
    "mixed",
    "importance",
    "mlp-only",
    "hybrid-layers",
    "rdo",
];

/// Cosine of all lossy tensors as one vector.
fn cosine(dir: &Path, other: &str) -> f64 {
    let diff = succeed(dir, &format!("diff m.safetensors {other} --json")).json();
    diff["matrices"]["cosine"].as_f64().unwrap()
}

#[test]
fn every_strategy_and_preset_goes_there_and_back() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(2)));
    for strategy in STRATEGIES {
        for preset in ["", "--preset viable", "--preset classic"] {
            if strategy == "rdo" && !preset.is_empty() {
                continue;
            }
            for fragments in ["", "--fragments 3"] {
                let options = format!("--strategy {strategy} {preset} {fragments}");
                succeed(
                    dir,
                    &format!("compress m.safetensors -o o.hct --force {options}"),
                );
                succeed(dir, "verify o.hct");
                succeed(dir, "decompress o.hct -o back.safetensors --force");
                let whole = cosine(dir, "back.safetensors");
                let classic_factors =
                    preset.contains("classic") && ["svd", "hybrid"].contains(&strategy);
                let floor = if classic_factors { 0.5 } else { 0.9 };
                assert!(whole > floor, "{options}: {whole}");
                let preview = "decompress o.hct -o first.safetensors --force --fragments 1";
                succeed(dir, preview);
                let first = cosine(dir, "first.safetensors");
                assert!(first > 0.4 && first <= whole, "{options}: {first}");
                if !fragments.is_empty() && strategy == "rdo" {
                    assert!(first < whole, "{options}: {first}");
                }
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    for options in [
        "--strategy svd --rank 64 --fragments 2",
        "--strategy adaptive --effort fast",
        "--strategy mixed --fp16-ratio 0.1",
    ] {
        for threads in [1, 2] {
            let args = format!(
                "compress sample.safetensors -o {threads}.hct --force {options} --threads {threads}"
            );
            succeed(dir, &args);
        }
        let read = |name: &str| fs::read(dir.join(name)).unwrap();
        assert!(read("1.hct") == read("2.hct"), "{options}");
    }
}

#[test]
fn a_map_of_the_users_steers_importance() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(2)));
    let bits = |map: &str| {
        fs::write(dir.join("map.json"), map).unwrap();
        let args = "compress m.safetensors -o o.hct --force --strategy importance \
                    --importance-map map.json";
        succeed(dir, args);
        let info = succeed(dir, "info o.hct --json").json();
        let tensors = info["tensors"].as_array().unwrap();
        let dense = tensors.iter().find(|t| t["name"] == "dense").unwrap();
        dense["bits_per_weight"].as_f64().unwrap()
    };
    let (low, high) = (bits(r#"{"d*e": 0.1}"#), bits(r#"{"/^den/": 1.0}"#));
    assert!(high > low + 0.7, "{low} {high}");

    let args = "compress m.safetensors -o x.hct --strategy importance --importance-map";
    fs::write(dir.join("bad.json"), r#"{"dense": 7}"#).unwrap();
    hct(dir, &format!("{args} bad.json")).fails(1, &["bad.json", "dense"]);
    hct(dir, &format!("{args} none.json")).fails(1, &["none.json"]);
    assert!(!dir.join("x.hct").exists());
}

#[test]
fn a_size_is_hit_by_every_strategy_that_can_be_steered() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    for strategy in ["rdo", "adaptive", "svd", "importance"] {
        let args = format!(
            "compress sample.safetensors -o o.hct --force --json --strategy {strategy} \
             --effort fast --bpw 3.4"
        );
        let bits = succeed(dir, &args).json()["bits_per_weight"].as_f64();
        assert!(
            (bits.unwrap() / 3.4 - 1.0).abs() <= 0.01,
            "{strategy}: {bits:?}"
        );
    }
    hct(
        dir,
        "compress sample.safetensors -o x.hct --strategy uniform --bpw 3",
    )
    .fails(2, &["--bpw", "rdo"]);
}
