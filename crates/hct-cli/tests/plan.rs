//! Plans: what compressing would do, written down, changed and followed.

mod common;

use std::fs;

use common::llama::make;
use common::{hct, put, succeed};
use serde_json::{Value, json};
use tempfile::TempDir;

const EMBEDDING: &str = "model.embed_tokens.weight";

#[test]
fn a_plan_is_what_compressing_does() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    for options in [
        "--bpw 5",
        "--cosine 0.99",
        "--strategy adaptive --size 30kB",
    ] {
        let plan = format!("plan m {options} --export p.json --force --json");
        let planned = succeed(dir, &plan).json();
        let done = succeed(
            dir,
            &format!("compress m -o a.hct --force {options} --json"),
        )
        .json();
        assert_eq!(planned["output_bytes"], done["output_bytes"], "{options}");
        assert_eq!(planned["bits_per_weight"], done["bits_per_weight"]);
        let info = succeed(dir, "info a.hct --json").json();
        let bytes = |tensors: &Value| -> Vec<(String, u64)> {
            let all = tensors.as_array().unwrap().iter();
            all.map(|t| (t["name"].to_string(), t["bytes"].as_u64().unwrap()))
                .collect()
        };
        assert_eq!(
            bytes(&planned["tensors"]),
            bytes(&info["tensors"]),
            "{options}"
        );

        // Followed, it gives the same weights.
        succeed(dir, "compress m -o b.hct --force --plan p.json");
        let diff = succeed(dir, "diff a.hct b.hct --json").json();
        assert_eq!(diff["total"]["rel_mse"], 0.0, "{options}");
        let made_by = &succeed(dir, "info b.hct --json").json()["made_by"];
        assert_eq!(made_by["plan"].as_str().unwrap().len(), 64);
    }
    hct(dir, "plan m --export p.json").fails(2, &["--force"]);
    let shown = succeed(dir, "plan m");
    for part in ["bits/weight", EMBEDDING, "bits per weight, "] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
}

#[test]
fn a_plan_can_be_changed_tensor_by_tensor() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    succeed(dir, "plan m --cosine 0.99 --export p.json");
    let text = fs::read_to_string(dir.join("p.json")).unwrap();
    let mut plan: Value = serde_json::from_str(&text).unwrap();
    let inner = "model.layers.0.mlp.up_proj.weight";
    plan["tensors"][EMBEDDING]["spec"] = json!({ "strategy": "lossless" });
    plan["tensors"][inner]["spec"]["cosine"] = json!(0.9);
    put(dir, "p.json", plan.to_string().as_bytes());
    let follow = "compress m -o m.hct --force --plan p.json";
    succeed(dir, follow);
    let first = fs::read(dir.join("m.hct")).unwrap();
    succeed(dir, &format!("{follow} --threads 1"));
    assert!(fs::read(dir.join("m.hct")).unwrap() == first);
    let diff = succeed(dir, "diff m m.hct --json").json();
    let cosine = |name: &str| {
        let tensors = diff["tensors"].as_array().unwrap();
        let tensor = tensors.iter().find(|t| t["name"] == name).unwrap();
        tensor["cosine"].as_f64().unwrap()
    };
    assert_eq!(cosine(EMBEDDING), 1.0);
    assert!((cosine(inner) - 0.9).abs() < 0.02, "{}", cosine(inner));
    let other = "model.layers.0.mlp.gate_proj.weight";
    assert!((cosine(other) - 0.99).abs() < 0.002, "{}", cosine(other));
}

#[test]
fn a_wrong_plan_is_refused_and_says_where() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let plan = |tensor: &str, spec: Value| {
        let plan = json!({
            "default": { "strategy": "rdo" }, "tensors": { tensor: { "spec": spec } },
        });
        put(dir, "p.json", plan.to_string().as_bytes());
        hct(dir, "compress m -o m.hct --plan p.json")
    };
    plan("none", json!({ "strategy": "rdo" })).fails(1, &["\"none\""]);
    plan(EMBEDDING, json!({ "strategy": "rdo", "bpw": 3 })).fails(1, &[EMBEDDING]);
    plan(EMBEDDING, json!({ "strategy": "rdo", "cosine": 2 })).fails(1, &["cosine"]);
    plan(EMBEDDING, json!({ "strategy": "calibrated" })).fails(2, &["--calibration"]);
    put(dir, "p.json", b"[]");
    hct(dir, "compress m -o m.hct --plan p.json").fails(1, &["p.json", "hct plan"]);
    hct(dir, "compress m -o m.hct --plan none.json").fails(1, &["none.json"]);
    hct(dir, "compress m -o m.hct --plan p.json --bpw 3").fails(2, &["--bpw"]);
    assert!(!dir.join("m.hct").exists());
}

#[cfg(feature = "eval")]
#[test]
fn a_calibration_predicts_the_damage() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    succeed(dir, "calibrate m --text text.txt --context 64 -o c.hctcal");
    let options = "--calibration c.hctcal --step 1e-2";
    let planned = succeed(dir, &format!("plan m {options} --export p.json --json")).json();
    let sum: f64 = planned["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|t| t["damage"].as_f64())
        .sum();
    let predicted = planned["predicted_damage"].as_f64().unwrap();
    assert!(predicted > 0.0 && (sum / predicted - 1.0).abs() < 1e-9);
    let done = succeed(dir, &format!("compress m -o a.hct {options} --json")).json();
    assert_eq!(done["predicted_damage"], planned["predicted_damage"]);
    // What comes of it is near to what was predicted, on the text that it was predicted from.
    let eval = "eval m --against a.hct --text text.txt --context 64 --json";
    let found = succeed(dir, eval).json()["kld_mean"].as_f64().unwrap();
    assert!(
        (0.2..5.0).contains(&(found / predicted)),
        "{found}, not {predicted}"
    );
    succeed(
        dir,
        "compress m -o b.hct --plan p.json --calibration c.hctcal",
    );
    let diff = succeed(dir, "diff a.hct b.hct --json").json();
    assert_eq!(diff["total"]["rel_mse"], 0.0);
    let shown = succeed(dir, &format!("plan m {options}"));
    assert!(
        shown.stdout.contains("predicted damage"),
        "{}",
        shown.stdout
    );
}
