//! What must come back bit for bit.

mod common;

use std::fs;

use common::{Made, f32_bytes, mixed, put, safetensors, succeed, tree, weights};
use safetensors::SafeTensors;
use tempfile::TempDir;

#[test]
fn the_lossless_strategy_gives_back_the_same_file() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let file = safetensors(&mixed(3));
    put(dir, "m.safetensors", &file);
    succeed(dir, "compress m.safetensors -o m.hct --strategy lossless");
    succeed(dir, "decompress m.hct -o back.safetensors");
    assert!(fs::read(dir.join("back.safetensors")).unwrap() == file);
    let diff = succeed(dir, "diff m.safetensors m.hct --json").json();
    assert_eq!(diff["total"]["cosine"], 1.0);
    assert_eq!(diff["total"]["rel_mse"], 0.0);
}

#[test]
fn a_sharded_folder_comes_back_whole() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let second = [Made {
        name: "second",
        dtype: "F32",
        shape: vec![70, 70],
        bytes: f32_bytes(&weights(4900, 9)),
    }];
    let first = mixed(4);
    put(dir, "in/model-1.safetensors", &safetensors(&first));
    put(dir, "in/model-2.safetensors", &safetensors(&second));
    let mut map: Vec<String> = first
        .iter()
        .map(|t| format!(r#""{}":"model-1.safetensors""#, t.name))
        .collect();
    map.push(r#""second":"model-2.safetensors""#.into());
    let index = format!(r#"{{"metadata":{{}},"weight_map":{{{}}}}}"#, map.join(","));
    put(dir, "in/model.safetensors.index.json", index.as_bytes());
    put(dir, "in/config.json", b"{\"model_type\":\"x\"}");
    put(dir, "in/sub/vocab.txt", "ü\n".repeat(2000).as_bytes());
    put(dir, "in/pytorch_model.bin", b"other weights");

    let run = succeed(dir, "compress in -o m.hct --strategy lossless");
    assert!(
        run.stderr.contains("warning: pytorch_model.bin"),
        "{}",
        run.stderr
    );
    succeed(dir, "verify m.hct");
    succeed(dir, "decompress m.hct -o out");
    fs::remove_file(dir.join("in/pytorch_model.bin")).unwrap();
    assert!(tree(&dir.join("in")) == tree(&dir.join("out")));
    let diff = succeed(dir, "diff in m.hct --json").json();
    let input: usize = tree(&dir.join("in")).iter().map(|f| f.1.len()).sum();
    let output = fs::metadata(dir.join("m.hct")).unwrap().len();
    assert_eq!(diff["total"]["ratio"], input as f64 / output as f64);

    let run = common::hct(dir, "decompress m.hct -o one.safetensors");
    run.fails(2, &["2 shards", "folder"]);

    succeed(dir, "compress in -o bare.hct --no-side-files");
    let info = succeed(dir, "info bare.hct --json").json();
    assert_eq!(info["files"].as_array().unwrap().len(), 2);
}

#[test]
fn unsuitable_tensors_are_exact_in_a_lossy_file() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let made = mixed(5);
    put(dir, "m.safetensors", &safetensors(&made));
    succeed(
        dir,
        "compress m.safetensors -o m.hct --strategy uniform --retention 0.4",
    );
    succeed(dir, "decompress m.hct -o back.safetensors");
    let bytes = fs::read(dir.join("back.safetensors")).unwrap();
    let back = SafeTensors::deserialize(&bytes).unwrap();
    for tensor in &made {
        let view = back.tensor(tensor.name).unwrap();
        assert_eq!(view.shape(), tensor.shape);
        assert_eq!(view.dtype().to_string(), tensor.dtype);
        let lossy = matches!(tensor.name, "dense" | "kernel");
        assert_eq!(view.data() == tensor.bytes, !lossy, "{}", tensor.name);
    }
    let diff = succeed(dir, "diff m.safetensors m.hct --json").json();
    for tensor in diff["tensors"].as_array().unwrap() {
        let lossy = matches!(tensor["name"].as_str().unwrap(), "dense" | "kernel");
        assert_eq!(tensor["rel_mse"] == 0.0, !lossy, "{tensor}");
    }
}

#[test]
fn hashes_prove_what_comes_back() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let tensors = mixed(3);
    put(dir, "m.safetensors", &safetensors(&tensors));
    for (options, hashes) in [
        ("--strategy lossless", true),
        ("--strategy lossless --no-hashes", false),
        ("--strategy uniform", false),
        ("--strategy uniform --hashes", true),
    ] {
        let run = succeed(
            dir,
            &format!("compress m.safetensors -o m.hct --force {options}"),
        );
        drop(run);
        let info = succeed(dir, "info m.hct --json").json();
        let all = info["tensors"].as_array().unwrap();
        assert!(all.iter().all(|t| t["blake3"].is_string() == hashes));
        let exact = all.iter().filter(|t| {
            let recipe = t["recipe"].as_str().unwrap();
            recipe.contains("lossless")
        });
        let expected = if hashes { exact.count() } else { 0 };
        let verified = succeed(dir, "verify m.hct --deep --json").json();
        assert_eq!(verified["proved"], expected, "{options}");
        let table = succeed(dir, "verify m.hct --deep").stdout;
        let line = if expected > 0 {
            "come back as they were"
        } else {
            "no tensor has a hash"
        };
        assert!(table.contains(line), "{options}: {table}");
        succeed(dir, "decompress m.hct -o back.safetensors --force");
    }
    assert!(succeed(dir, "verify m.hct --json").json()["proved"].is_null());
}
