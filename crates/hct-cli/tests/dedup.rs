//! `hct dedup`.

mod common;

use common::{Made, f32_bytes, hct, put, safetensors, succeed, weights};

fn made(name: &'static str, values: &[f32]) -> Made {
    Made {
        name,
        dtype: "F32",
        shape: vec![values.len() / 64, 64],
        bytes: f32_bytes(values),
    }
}

#[test]
fn a_folder_of_models_is_told_apart_and_the_base_is_one_that_serves() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let n = 256 * 64;
    let (a, b) = (weights(n, 1), weights(n, 2));
    let moved: Vec<f32> = a.iter().map(|v| v * 1.0001).collect();
    let base = safetensors(&[made("a", &a), made("b", &b)]);
    let tuned = safetensors(&[made("a", &moved), made("b", &b)]);
    put(dir, "hub/base/model.safetensors", &base);
    put(dir, "hub/deep/tuned/model.safetensors", &tuned);
    put(dir, "hub/pair/one.safetensors", &base);
    put(
        dir,
        "hub/pair/two.safetensors",
        &safetensors(&[made("z", &weights(n, 9))]),
    );
    put(dir, "hub/.hidden/model.safetensors", &base);
    put(dir, "hub/broken/model.safetensors", b"not at all");
    succeed(dir, "compress hub/base -o hub/base.hct --strategy lossless");
    succeed(
        dir,
        "compress hub/deep/tuned --base hub/base -o hub/delta.hct --strategy lossless",
    );
    let run = succeed(dir, "dedup hub --json");
    assert!(
        run.stderr.contains("coded against a base already"),
        "{}",
        run.stderr
    );
    let report = run.json();
    let names: Vec<&str> = report["checkpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "base.hct",
            "base",
            "deep/tuned",
            "pair/one.safetensors",
            "pair/two.safetensors"
        ]
    );
    let skipped = report["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 2);
    let tuned = &report["checkpoints"][2];
    assert_eq!(tuned["base"], "base.hct");
    assert_eq!(tuned["bases"][0]["unchanged_tensors"], 1);
    assert_eq!(tuned["bases"][0]["near_duplicates"][0], "a");
    assert!(report["checkpoints"][4]["base"].is_null());
    assert_eq!(report["duplicates"].as_array().unwrap().len(), 2);
    assert_eq!(
        report["duplicates"][0]["places"].as_array().unwrap().len(),
        4
    );
    let bytes = |key: &str| report[key].as_u64().unwrap();
    assert!(bytes("planned_bytes") * 2 < bytes("alone_bytes"));
    assert_eq!(bytes("duplicate_bytes"), (3 + 2) * 4 * n as u64);
    let table = succeed(dir, "dedup hub").stdout;
    for part in [
        "deep/tuned",
        "on base.hct",
        "estimates",
        "2 tensors are there more than once",
    ] {
        assert!(table.contains(part), "no {part:?} in: {table}");
    }
}

#[test]
fn a_folder_without_models_says_so() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "empty/readme", b"");
    hct(dir.path(), "dedup empty").fails(1, &["no model"]);
    hct(dir.path(), "dedup nowhere").fails(1, &["nowhere"]);
}
