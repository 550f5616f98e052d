//! Commands that take several files, or folders of them.

mod common;

use std::fs;
use std::path::Path;

use common::{copy_sample, hct, mixed, put, safetensors, succeed};
use tempfile::TempDir;

/// Three models, one of them in a folder within; and what is none.
fn make(dir: &Path) {
    copy_sample(dir);
    fs::create_dir_all(dir.join("models/within")).unwrap();
    put(dir, "models/notes.txt", b"no model");
    put(dir, "m.safetensors", &safetensors(&mixed(3)));
    succeed(
        dir,
        "compress sample.safetensors -o models/b.hct --strategy uniform",
    );
    succeed(dir, "compress m.safetensors -o models/a.hct");
    succeed(
        dir,
        "compress m.safetensors -o models/within/c.hct --strategy lossless",
    );
}

fn damage(dir: &Path, name: &str) {
    let mut bytes = fs::read(dir.join(name)).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 0x40;
    fs::write(dir.join(name), bytes).unwrap();
}

#[test]
fn a_folder_is_verified_file_by_file() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    for jobs in ["", "--jobs 3"] {
        let report = succeed(dir, &format!("verify models --json {jobs}")).json();
        let files = report["files"].as_array().unwrap();
        let paths: Vec<_> = files.iter().map(|f| f["path"].as_str().unwrap()).collect();
        assert_eq!(
            paths,
            ["models/a.hct", "models/b.hct", "models/within/c.hct"]
        );
        assert!(
            files
                .iter()
                .all(|f| f["ok"] == true && f["tensors"].as_u64() > Some(0))
        );
        assert_eq!(
            (&report["ok"], &report["damaged"]),
            (&true.into(), &0.into())
        );
    }
    damage(dir, "models/b.hct");
    put(dir, "models/d.hct", b"HCT3 and no more");
    let run = hct(dir, "verify models");
    run.fails(1, &["2 of 4 files are damaged"]);
    for part in ["models/a.hct", "intact", "damaged", "models/d.hct"] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let run = hct(dir, "verify models/a.hct models/b.hct --json");
    assert_eq!(run.code, 1);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["files"][0]["ok"], true);
    assert_eq!(report["files"][1]["ok"], false);
    assert_eq!(report["files"][1]["failures"][0]["kind"], "tensor");
    hct(dir, "verify models --base m.safetensors").fails(2, &["--base"]);
    fs::create_dir(dir.join("empty")).unwrap();
    hct(dir, "verify empty").fails(1, &["no .hct file"]);
}

#[test]
fn info_of_a_folder_has_a_line_a_file() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let report = succeed(dir, "info models --json").json();
    let one = succeed(dir, "info models/b.hct --json").json();
    let of_all = &report["files"][1];
    for what in [
        "bytes",
        "input_bytes",
        "ratio",
        "weights",
        "bits_per_weight",
    ] {
        assert_eq!(of_all[what], one["totals"][what], "{what}");
    }
    assert_eq!(of_all["made_by"], one["made_by"]);
    let sum: u64 = (0..3)
        .map(|i| report["files"][i]["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(report["bytes"], sum);
    let shown = succeed(dir, "info models").stdout;
    assert!(
        shown.contains("models/within/c.hct") && shown.contains("3 files"),
        "{shown}"
    );

    put(dir, "models/d.hct", b"HCT3 and no more");
    let run = hct(dir, "info models");
    run.fails(1, &["1 of 4 files cannot be read"]);
    assert!(run.stdout.contains("models/a.hct") && run.stdout.contains("models/d.hct"));
}
