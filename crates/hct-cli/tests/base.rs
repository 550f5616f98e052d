//! Fine-tunes coded against their base.

mod common;

use std::fs;
use std::path::Path;

use common::{Made, bf16_bytes, hct, put, safetensors, succeed, tree, weights};

fn made(name: &'static str, shape: &[usize], values: &[f32]) -> Made {
    Made {
        name,
        dtype: "BF16",
        shape: shape.to_vec(),
        bytes: bf16_bytes(values),
    }
}

/// Weights moved a little, the same for the same seed.
fn moved(values: &[f32], seed: u64) -> Vec<f32> {
    let steps = weights(values.len(), seed);
    values
        .iter()
        .zip(steps)
        .map(|(v, s)| v + 0.02 * s)
        .collect()
}

/// Folders `base`, `tuned` and `tuned2`: of the base's tensors one is tuned, one unchanged, one
/// renamed, one of another shape; `head` is new.
fn folders(dir: &Path) {
    let [a, b, c, d] = [1, 2, 3, 4].map(|seed| weights(96 * 80, seed));
    let base = [
        made("a", &[96, 80], &a),
        made("b", &[96, 80], &b),
        made("old.c", &[80, 96], &c),
        made("d", &[96, 80], &d),
    ];
    let tuned = |seed| {
        let a = if seed == 0 {
            moved(&a, 9)
        } else {
            moved(&moved(&a, 9), seed)
        };
        [
            made("a", &[96, 80], &a),
            made("b", &[96, 80], &b),
            made("new.c", &[80, 96], &c),
            made("d", &[48, 80], &d[..48 * 80]),
            made("head", &[7, 80], &weights(7 * 80, 5)),
        ]
    };
    put(dir, "base/model.safetensors", &safetensors(&base));
    put(dir, "base/config.json", b"{}");
    for (name, seed) in [("tuned", 0), ("tuned2", 11)] {
        put(
            dir,
            &format!("{name}/model.safetensors"),
            &safetensors(&tuned(seed)),
        );
        put(dir, &format!("{name}/config.json"), b"{\"tuned\": true}");
    }
}

const LOSSLESS: &str = "--strategy lossless --json";

#[test]
fn a_fine_tune_is_stored_as_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    folders(dir);
    let report = succeed(
        dir,
        &format!("compress tuned --base base -o d.hct {LOSSLESS}"),
    )
    .json();
    assert_eq!(report["base"]["unchanged"], 2);
    assert_eq!(report["base"]["differences"], 1);
    assert_eq!(report["base"]["alone"], 2);
    let alone = succeed(dir, &format!("compress tuned -o alone.hct {LOSSLESS}")).json();
    let bytes = |report: &serde_json::Value| report["output_bytes"].as_u64().unwrap();
    assert!(bytes(&report) * 2 < bytes(&alone));
    assert!(alone["base"].is_null());
    succeed(dir, "decompress d.hct --base base -o back");
    assert!(tree(&dir.join("back")) == tree(&dir.join("tuned")));
    let info = succeed(dir, "info d.hct --json").json();
    assert_eq!(info["base"]["hint"], "base");
    assert_eq!(info["tensors"][2]["base"]["name"], "old.c");
    let diff = succeed(dir, "diff tuned d.hct --base base --json").json();
    assert_eq!(diff["total"]["rel_mse"], 0.0);
    // The same bytes whatever the number of threads.
    succeed(
        dir,
        &format!("compress tuned --base base -o d1.hct --threads 1 {LOSSLESS}"),
    );
    assert!(fs::read(dir.join("d.hct")).unwrap() == fs::read(dir.join("d1.hct")).unwrap());
    // Some rows are those of the whole.
    succeed(dir, "extract d.hct a --base base --rows 5..9 -o part.npy");
    succeed(dir, "extract alone.hct a --rows 5..9 -o expected.npy");
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("part.npy") == read("expected.npy"));
}

#[test]
fn a_missing_or_wrong_base_is_said_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    folders(dir);
    succeed(
        dir,
        "compress tuned --base base -o d.hct --strategy lossless --base-hint hub/base",
    );
    let missing = ["3 of its 5 tensors", "\"hub/base\"", "pass --base"];
    hct(dir, "decompress d.hct -o back").fails(2, &missing);
    hct(dir, "extract d.hct a -o a.npy").fails(2, &missing);
    hct(dir, "diff tuned d.hct").fails(2, &missing);
    for wrong in ["tuned2", "tuned/model.safetensors"] {
        let run = hct(dir, &format!("decompress d.hct --base {wrong} -o back"));
        run.fails(1, &["this is not the base", "\"a\"", "other contents"]);
    }
    hct(dir, "extract d.hct a --base tuned2 -o a.npy").fails(1, &["this is not the base"]);
    hct(dir, "verify d.hct --base tuned2").fails(1, &["this is not the base"]);
    assert!(!dir.join("back").exists() && !dir.join("a.npy").exists());
    // Without it the checksums can be checked, and only they.
    let report = succeed(dir, "verify d.hct --json").json();
    assert_eq!(
        (&report["ok"], &report["not_decoded"]),
        (&true.into(), &3.into())
    );
    let report = succeed(dir, "verify d.hct --base base --json").json();
    assert_eq!(
        (&report["ok"], &report["not_decoded"]),
        (&true.into(), &0.into())
    );
    let mut bytes = fs::read(dir.join("d.hct")).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 4;
    put(dir, "bad.hct", &bytes);
    hct(dir, "verify bad.hct").fails(1, &["damaged"]);
    // A base for what needs none.
    succeed(dir, "compress base -o base.hct --strategy lossless");
    hct(dir, "decompress base.hct --base tuned -o back").fails(2, &["leave out the --base"]);
}

#[test]
fn an_hct_file_is_a_base_and_bases_make_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    folders(dir);
    succeed(dir, "compress base -o base.hct --strategy uniform");
    succeed(
        dir,
        &format!("compress tuned --base base.hct -o d1.hct {LOSSLESS}"),
    );
    let second = "compress tuned2 --base d1.hct --base base.hct -o d2.hct";
    let report = succeed(dir, &format!("{second} {LOSSLESS}")).json();
    assert_eq!(report["base"]["differences"], 1);
    assert_eq!(report["base"]["alone"], 0);
    succeed(dir, "decompress d1.hct --base base.hct -o back1");
    succeed(
        dir,
        "decompress d2.hct --base d1.hct --base base.hct -o back2",
    );
    assert!(tree(&dir.join("back1")) == tree(&dir.join("tuned")));
    assert!(tree(&dir.join("back2")) == tree(&dir.join("tuned2")));
    hct(dir, "decompress d2.hct --base d1.hct -o b").fails(2, &["d1.hct", "pass --base"]);
    // What it decodes to is as good as the file.
    succeed(dir, "decompress d2.hct --base tuned -o back3");
    assert!(tree(&dir.join("back3")) == tree(&dir.join("tuned2")));
    hct(dir, "decompress d2.hct --base tuned --base base -o b").fails(2, &["leave out"]);
}

#[test]
fn names_that_differ_are_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let values = weights(96 * 80, 1);
    let base = [made("encoder.w", &[96, 80], &values)];
    let tuned = [made("model.w", &[96, 80], &moved(&values, 2))];
    put(dir, "base.safetensors", &safetensors(&base));
    put(dir, "tuned.safetensors", &safetensors(&tuned));
    let compress = "compress tuned.safetensors --base base.safetensors -o d.hct --force";
    let report = succeed(dir, &format!("{compress} {LOSSLESS}")).json();
    assert_eq!(report["base"]["alone"], 1);
    for map in [r#"{"model.*": "encoder.*"}"#, r#"{"model.w": "encoder.w"}"#] {
        put(dir, "map.json", map.as_bytes());
        let report = succeed(dir, &format!("{compress} --base-map map.json {LOSSLESS}")).json();
        assert_eq!(report["base"]["differences"], 1, "{map}");
    }
    succeed(
        dir,
        "decompress d.hct --base base.safetensors -o back.safetensors",
    );
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("back.safetensors") == read("tuned.safetensors"));
    for (map, says) in [
        (r#"{"model.w": "decoder.w"}"#, "decoder.w"),
        (r#"{"model.v": "encoder.w"}"#, "model.v"),
        (r#"{"model.*": "decoder.*"}"#, "model.*"),
        ("[]", "JSON"),
    ] {
        put(dir, "map.json", map.as_bytes());
        hct(dir, &format!("{compress} --base-map map.json")).fails(2, &[says]);
    }
}

/// Folders `base`, `tuned` and `other`: matrices large enough for tables to be small beside them,
/// moved a little, and another base.
fn large(dir: &Path) {
    let values = weights(512 * 96, 1);
    for (name, values) in [
        ("base", values.clone()),
        ("tuned", moved(&values, 2)),
        ("other", moved(&values, 3)),
    ] {
        let tensors = [made("a", &[512, 96], &values)];
        put(
            dir,
            &format!("{name}/model.safetensors"),
            &safetensors(&tensors),
        );
    }
}

#[test]
fn a_fine_tune_is_stored_with_loss_on_its_base() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    large(dir);
    let bytes = |report: &serde_json::Value| report["output_bytes"].as_u64().unwrap();
    let rdo = "compress tuned --strategy rdo --cosine 0.995 --json";
    let alone = succeed(dir, &format!("{rdo} -o alone.hct")).json();
    let report = succeed(dir, &format!("{rdo} --base base -o d.hct")).json();
    assert_eq!(report["base"]["differences"], 1);
    assert!(bytes(&report) * 2 < bytes(&alone), "{report} {alone}");
    let diff = succeed(dir, "diff tuned d.hct --base base --json").json();
    assert!(diff["total"]["cosine"].as_f64().unwrap() > 0.999);
    succeed(dir, "decompress d.hct --base base -o back");
    let diff = succeed(dir, "diff tuned back --json").json();
    assert!(diff["total"]["rel_mse"].as_f64().unwrap() > 0.0);
    // More of the difference is more bytes.
    let fine = succeed(
        dir,
        &format!("{rdo} --delta-cosine 0.99 --base base -o fine.hct"),
    );
    assert!(bytes(&fine.json()) > bytes(&report));
    // A wrong base is found though the values would do.
    hct(dir, "decompress d.hct --base other -o b").fails(1, &["this is not the base"]);
    hct(dir, "decompress d.hct -o b").fails(2, &["pass --base"]);
    assert!(!dir.join("b").exists());
}

#[test]
fn a_size_asked_for_is_that_of_the_file_on_the_base() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    large(dir);
    for bits in [2.0, 4.0] {
        let compress = format!("compress tuned --base base --strategy rdo --bpw {bits} --json");
        let report = succeed(dir, &format!("{compress} -o d{bits}.hct")).json();
        let bytes = fs::metadata(dir.join(format!("d{bits}.hct")))
            .unwrap()
            .len();
        let found = 8.0 * bytes as f64 / (512.0 * 96.0);
        assert!((found / bits - 1.0).abs() < 0.011, "{found}");
        assert_eq!(report["bits_per_weight"].as_f64().unwrap(), found);
        assert_eq!(report["base"]["differences"], 1);
    }
}
