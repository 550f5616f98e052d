//! What a user does: compress, verify, info, diff, decompress.

mod common;

use std::fs;

use common::{copy_sample, hct, mixed, put, safetensors, succeed};
use serde_json::Value;
use tempfile::TempDir;

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn assert_keys(value: &Value, wanted: &[&str]) {
    let found = keys(value);
    for key in wanted {
        assert!(found.contains(key), "no {key:?} in {found:?}");
    }
}

#[test]
fn the_sample_through_every_command() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    let report = succeed(dir, "compress sample.safetensors -o s.hct --json").json();
    assert_keys(
        &report,
        &[
            "input_bytes",
            "output_bytes",
            "weights",
            "bits_per_weight",
            "ratio",
            "seconds",
        ],
    );
    let input = fs::metadata(dir.join("sample.safetensors")).unwrap().len();
    let output = fs::metadata(dir.join("s.hct")).unwrap().len();
    assert_eq!(report["input_bytes"], input);
    assert_eq!(report["output_bytes"], output);
    let weights = report["weights"].as_u64().unwrap();
    // JSON numbers are parsed to within a unit in the last place.
    let close = |key: &str, to: f64| (report[key].as_f64().unwrap() / to - 1.0).abs() < 1e-14;
    assert!(close(
        "bits_per_weight",
        8.0 * output as f64 / weights as f64
    ));
    assert!(close("ratio", input as f64 / output as f64));
    assert!(report["bits_per_weight"].as_f64().unwrap() < 6.25);

    let report = succeed(dir, "verify s.hct --json").json();
    assert_eq!(report["ok"], true);
    assert_eq!(report["tensors"], 16);
    assert_eq!(report["bytes"], output);

    let info = succeed(dir, "info s.hct --json").json();
    assert_keys(&info, &["format_version", "tensors", "files", "totals"]);
    assert_eq!(info["format_version"], "3.0");
    assert_eq!(info["files"][0]["path"], "sample.safetensors");
    let totals = &info["totals"];
    assert_eq!(totals["bytes"], output);
    assert_eq!(totals["input_bytes"], input);
    assert_eq!(totals["weights"], weights);
    let parts = [
        "tensor_bytes",
        "carried_bytes",
        "recovery_bytes",
        "other_bytes",
    ];
    let parts: u64 = parts.iter().map(|k| totals[k].as_u64().unwrap()).sum();
    assert_eq!(parts, output);
    for tensor in info["tensors"].as_array().unwrap() {
        assert_keys(
            tensor,
            &[
                "name",
                "dtype",
                "shape",
                "strategy",
                "recipe",
                "bytes",
                "bits_per_weight",
            ],
        );
        let sections = tensor["sections"].as_object().unwrap();
        let names = ["values", "positions", "scales", "tables", "headers"];
        let sum: f64 = names.iter().map(|n| sections[*n].as_f64().unwrap()).sum();
        assert!((sum - tensor["bits_per_weight"].as_f64().unwrap()).abs() < 1e-9);
    }

    let diff = succeed(dir, "diff sample.safetensors s.hct --json").json();
    let summary = [
        "bits_per_weight",
        "ratio",
        "cosine",
        "rel_mse",
        "shannon_gap",
    ];
    assert_keys(&diff["total"], &summary);
    assert_keys(&diff["matrices"], &summary);
    let per_tensor = ["name", "cosine", "rel_mse", "max_abs_err", "min_row_cosine"];
    assert_keys(&diff["tensors"][0], &per_tensor);
    let more = [
        "bits_per_weight",
        "shannon_gap",
        "median_row_cosine",
        "p1_row_cosine",
    ];
    assert_keys(&diff["tensors"][0], &more);
    assert!(diff["matrices"]["cosine"].as_f64().unwrap() > 0.995);
    let ratio = diff["total"]["ratio"].as_f64().unwrap();
    assert!((ratio / (input as f64 / output as f64) - 1.0).abs() < 1e-14);

    let report = succeed(dir, "decompress s.hct -o back.safetensors --json").json();
    assert_keys(&report, &["output_bytes", "seconds"]);
    assert_eq!(report["output_bytes"], input);
    let same = succeed(dir, "diff s.hct back.safetensors --json").json();
    assert_eq!(same["total"]["rel_mse"], 0.0);
    assert_eq!(same["total"]["shannon_gap"], Value::Null);
    assert_eq!(same["total"]["bits_per_weight"], 16.0);
}

#[test]
fn tables_have_every_tensor_on_aligned_lines() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(1)));
    let table = succeed(dir, "compress m.safetensors -o m.hct --strategy uniform").stdout;
    assert!(table.contains("bits per weight"), "{table}");
    let table = succeed(dir, "info m.hct").stdout;
    for tensor in mixed(1) {
        assert!(table.lines().any(|l| l.starts_with(tensor.name)), "{table}");
    }
    for text in [
        "lossless (dtype)",
        "lossless (NaN or infinity)",
        "32x16x3x3",
        "mask + int4/32",
    ] {
        assert!(table.contains(text), "no {text:?} in {table}");
    }
    let head = table.lines().next().unwrap();
    let widths: Vec<usize> = table.lines().take(9).map(str::len).collect();
    assert!(widths.iter().all(|&w| w == head.len()), "{table}");
    let table = succeed(dir, "diff m.safetensors m.hct").stdout;
    assert!(
        table.contains("matrices") && table.contains("Shannon gap"),
        "{table}"
    );
    assert!(succeed(dir, "verify m.hct").stdout.contains("intact"));
    let text = succeed(dir, "decompress m.hct -o m").stdout;
    assert!(text.starts_with("wrote "), "{text}");
}

#[test]
fn threads_do_not_change_a_byte() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    for threads in [1, 2] {
        let t = format!("--threads {threads}");
        succeed(
            dir,
            &format!("compress sample.safetensors -o {threads}.hct {t}"),
        );
        succeed(
            dir,
            &format!("decompress 1.hct -o {threads}.safetensors {t}"),
        );
        succeed(dir, &format!("verify 1.hct {t}"));
    }
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("1.hct") == read("2.hct"));
    assert!(read("1.safetensors") == read("2.safetensors"));
    let diff = |t: u32| {
        succeed(
            dir,
            &format!("diff sample.safetensors 1.hct --json --threads {t}"),
        )
    };
    assert_eq!(diff(1).stdout, diff(2).stdout);
    let info = |t: u32| succeed(dir, &format!("info 1.hct --threads {t}")).stdout;
    assert_eq!(info(1), info(2));
}

#[test]
fn strategy_options_change_the_coding() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(2)));
    let size = |options: &str| {
        let args = format!("compress m.safetensors -o o.hct --force --json {options}");
        succeed(dir, &args).json()["output_bytes"].as_u64().unwrap()
    };
    let default = size("");
    assert_eq!(default, size("--strategy rdo --cosine 0.9998"));
    assert!(size("--cosine 0.99") < default);
    assert!(size("--strategy lossless") > default);
    let uniform = size("--strategy uniform");
    assert_eq!(uniform, size("--strategy uniform --retention 0.98"));
    assert!(size("--strategy uniform --retention 0.3") < uniform);
    size("--strategy uniform --preset classic");
    let info = succeed(dir, "info o.hct --json").json();
    assert!(
        info["tensors"][0]["recipe"]
            .as_str()
            .unwrap()
            .contains("matrix")
    );
}

#[test]
fn help_has_examples() {
    let dir = TempDir::new().unwrap();
    let mut commands = vec![
        "",
        "compress",
        "decompress",
        "extract",
        "info",
        "diff",
        "verify",
    ];
    if cfg!(feature = "eval") {
        commands.extend(["eval", "generate"]);
    }
    for command in commands {
        let help = succeed(dir.path(), &format!("{command} --help")).stdout;
        assert!(help.contains("EXAMPLES\n  hct "), "{help}");
        if !command.is_empty() {
            assert!(
                help.contains("--json") && help.contains("--threads"),
                "{help}"
            );
        }
    }
    assert_eq!(hct(dir.path(), "").code, 2);
}
