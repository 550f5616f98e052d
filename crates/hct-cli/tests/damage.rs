//! Damaged files: what is lost is named, and everything else is saved.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{f32_bytes, hct, put, safetensors, succeed, weights};
use serde_json::Value;
use tempfile::TempDir;

/// Two files of two matrices each, and a configuration, compressed without loss.
fn make(dir: &Path) -> Vec<u8> {
    let mut map = Vec::new();
    for file in 1..=2 {
        let names = [["a", "b"], ["c", "d"]][file - 1];
        let tensors = names.map(|name| common::Made {
            name,
            dtype: "F32",
            shape: vec![64, 48],
            bytes: f32_bytes(&weights(64 * 48, name.as_bytes()[0].into())),
        });
        put(
            dir,
            &format!("in/model-{file}.safetensors"),
            &safetensors(&tensors),
        );
        map.extend(names.map(|name| format!(r#""{name}":"model-{file}.safetensors""#)));
    }
    let index = format!(r#"{{"weight_map":{{{}}}}}"#, map.join(","));
    put(dir, "in/model.safetensors.index.json", index.as_bytes());
    put(dir, "in/config.json", b"{}");
    succeed(dir, "compress in -o m.hct --strategy lossless");
    fs::read(dir.join("m.hct")).unwrap()
}

/// The header of a safetensors file.
fn header(dir: &Path, name: &str) -> BTreeMap<String, Value> {
    let file = fs::read(dir.join(name)).unwrap();
    let len = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    serde_json::from_slice(&file[8..8 + len]).unwrap()
}

/// Damages a byte, which must be noticed, and gives what `--keep-going` says is lost.
fn keep_going(dir: &Path, file: &[u8], byte: usize) -> Vec<(String, String)> {
    let mut damaged = file.to_vec();
    damaged[byte] ^= 0x10;
    put(dir, "damaged.hct", &damaged);
    let _ = fs::remove_dir_all(dir.join("out"));
    hct(dir, "decompress damaged.hct -o out").fails(1, &[]);
    assert!(!dir.join("out").exists());
    let run = hct(dir, "decompress damaged.hct -o out --keep-going --json");
    assert_eq!(run.code, 1, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let lost = report["lost"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lost: Vec<_> = lost.map(|f| (text(&f["kind"]), text(&f["name"]))).collect();
    for (_, name) in &lost {
        let shown = hct(dir, "decompress damaged.hct -o shown --keep-going --force");
        assert!(shown.stdout.contains(&name[..]), "{}", shown.stdout);
    }
    lost
}

#[test]
fn what_is_not_damaged_is_saved() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let file = make(dir);
    let original = |name: &str| fs::read(dir.join("in").join(name)).unwrap();
    let restored = |name: &str| fs::read(dir.join("out").join(name)).unwrap();
    // The middle of the payload, which the four tensors fill nearly alike.
    let lost = keep_going(dir, &file, file.len() * 2 / 5);
    assert_eq!(lost, [("tensor".to_owned(), "b".to_owned())]);
    assert_eq!(
        header(dir, "out/model-1.safetensors")
            .into_keys()
            .collect::<Vec<_>>(),
        ["__metadata__", "a"]
    );
    let a = &original("model-1.safetensors");
    let bytes = 64 * 48 * 4;
    let data = restored("model-1.safetensors");
    assert!(data[data.len() - bytes..] == a[a.len() - 2 * bytes..][..bytes]);
    assert!(restored("model-2.safetensors") == original("model-2.safetensors"));
    assert!(restored("config.json") == original("config.json"));

    // Every byte of the file: what is lost is named, or nothing could be opened at all.
    for byte in (16..file.len()).step_by(file.len() / 40) {
        let mut damaged = file.clone();
        damaged[byte] ^= 1;
        put(dir, "damaged.hct", &damaged);
        let run = hct(dir, "decompress damaged.hct -o each --keep-going --force");
        let stderr = &run.stderr;
        if run.code == 0 {
            // Recovery blocks hold nothing of the checkpoint.
            let verified = hct(dir, "verify damaged.hct");
            verified.fails(1, &["recovery block"]);
            assert!(
                fs::read(dir.join("each/model-1.safetensors")).unwrap()
                    == original("model-1.safetensors")
            );
            continue;
        }
        assert_eq!(run.code, 1, "byte {byte}: {stderr}");
        let said = ["lost", "index", "trailer"];
        assert!(said.iter().any(|said| stderr.contains(said)), "{stderr}");
    }

    // Of a file that is whole nothing is lost.
    let whole = succeed(dir, "decompress m.hct -o whole --keep-going --json").json();
    assert_eq!(whole["lost"].as_array().unwrap().len(), 0);
    assert!(
        fs::read(dir.join("whole/model-1.safetensors")).unwrap() == original("model-1.safetensors")
    );
    hct(dir, "decompress m.hct -o - --keep-going").fails(2, &["not -"]);
}

#[test]
fn a_file_whose_header_is_lost_gets_one_of_its_records() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let file = make(dir);
    // The first bytes of the payload are the header of the first file.
    let lost = keep_going(dir, &file, 20);
    assert_eq!(
        lost,
        [("file".to_owned(), "model-1.safetensors".to_owned())]
    );
    let tensors: Vec<_> = header(dir, "out/model-1.safetensors").into_keys().collect();
    assert_eq!(tensors, ["a", "b"]);
    let diff = succeed(
        dir,
        "diff in/model-1.safetensors out/model-1.safetensors --json",
    )
    .json();
    assert_eq!(diff["total"]["rel_mse"], 0.0);
}
