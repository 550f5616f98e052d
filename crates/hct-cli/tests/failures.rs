//! Wrong usage and bad files: the right exit code, a message that helps, nothing overwritten.

mod common;

use std::fs;

use common::{copy_sample, hct, mixed, put, safetensors, succeed};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a small checkpoint `m.safetensors`, and `m.hct` made of it.
fn small() -> TempDir {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "m.safetensors", &safetensors(&mixed(6)));
    succeed(dir.path(), "compress m.safetensors -o m.hct");
    dir
}

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let dir = small();
    let dir = dir.path();
    fs::create_dir(dir.join("folder")).unwrap();
    for (args, says) in [
        (
            "compress m.safetensors -o x.hct --strategy uniform --retention 0",
            "above 0",
        ),
        (
            "compress m.safetensors -o x.hct --strategy uniform --retention 1.01",
            "above 0",
        ),
        (
            "compress m.safetensors -o x.hct --strategy uniform --retention nan",
            "above 0",
        ),
        ("compress m.safetensors -o x.hct --threads 0", "--threads"),
        (
            "compress m.safetensors -o x.hct --strategy magic",
            "uniform",
        ),
        (
            "compress m.safetensors -o x.hct --strategy lossless --retention 0.5",
            "--retention",
        ),
        ("compress m.safetensors -o x.hct --retention 0.5", "uniform"),
        (
            "compress m.safetensors -o x.hct --strategy lossless --preset classic",
            "--preset",
        ),
        (
            "compress m.safetensors -o x.hct --strategy svd --preset classic --cosine 0.99",
            "--preset viable",
        ),
        (
            "compress m.safetensors -o x.hct --strategy rdo --rank 4",
            "svd, hybrid",
        ),
        (
            "compress m.safetensors -o x.hct --fragments 0",
            "from 1 to 32",
        ),
        ("compress m.safetensors", "--output"),
        ("compress m.hct -o x.hct", "already"),
        (
            "compress m.safetensors -o m.safetensors --force",
            "replace the input",
        ),
        (
            "compress m.safetensors -o folder --force",
            "name a file in it",
        ),
        ("compress m.safetensors -o missing/x.hct", "create it first"),
        ("decompress m.hct -o m.hct --force", "is a file"),
        ("decompress m.hct -o . --force", "replace the input"),
        ("decompress m.hct -o missing/x", "create it first"),
        ("frobnicate", "frobnicate"),
    ] {
        hct(dir, args).fails(2, &[says]);
    }
    assert!(!dir.join("x.hct").exists());
}

#[test]
fn nothing_is_overwritten_without_force() {
    let dir = small();
    let dir = dir.path();
    succeed(dir, "decompress m.hct -o restored");
    put(dir, "taken.hct", b"precious");
    put(dir, "taken.safetensors", b"precious");
    put(dir, "taken/m.safetensors", b"precious");
    for (command, output) in [
        ("compress m.safetensors", "taken.hct"),
        ("decompress m.hct", "taken.safetensors"),
        ("decompress m.hct", "taken"),
    ] {
        hct(dir, &format!("{command} -o {output}")).fails(2, &[output, "--force"]);
        let path = dir.join(output);
        let file = if path.is_dir() {
            path.join("m.safetensors")
        } else {
            path
        };
        assert_eq!(fs::read(file).unwrap(), b"precious");
        succeed(dir, &format!("{command} -o {output} --force"));
    }
    assert!(fs::read(dir.join("taken.hct")).unwrap() == fs::read(dir.join("m.hct")).unwrap());
    assert_eq!(
        common::tree(&dir.join("taken")),
        common::tree(&dir.join("restored"))
    );
}

#[test]
fn missing_and_foreign_files_are_1() {
    let dir = small();
    let dir = dir.path();
    put(
        dir,
        "text.txt",
        b"This is not a model, whatever one may think of it, at 64 bytes long.",
    );
    put(dir, "empty", b"");
    put(dir, "empty.hct", b"");
    put(dir, "folder/readme.txt", b"");
    for file in ["nothere", "text.txt", "empty", "empty.hct", "folder"] {
        for args in [
            "verify",
            "info",
            "decompress -o x",
            "compress -o x",
            "diff m.hct",
            "diff",
        ] {
            let args = match args {
                "diff" => format!("diff {file} m.hct"),
                other => format!("{other} {file}"),
            };
            if !args.starts_with("compress") || file != "empty.hct" {
                hct(dir, &args).fails(1, &[file]);
            }
        }
    }
    hct(dir, "verify m.safetensors").fails(1, &["not an HCT V3 file", "hct compress"]);
    hct(dir, "compress folder -o x").fails(1, &["no .safetensors file"]);
    assert!(!dir.join("x").exists());
}

#[test]
fn models_that_do_not_match_are_1_and_named() {
    let dir = small();
    let dir = dir.path();
    let mut fewer = mixed(6);
    fewer.remove(0);
    put(dir, "fewer.safetensors", &safetensors(&fewer));
    hct(dir, "diff m.hct fewer.safetensors").fails(1, &["\"dense\""]);
    let run = succeed(dir, "diff fewer.safetensors m.hct");
    assert!(
        run.stderr.contains("warning: not compared: 1 tensor"),
        "{}",
        run.stderr
    );
    let mut other = mixed(6);
    other[0].shape = vec![80, 96];
    put(dir, "other.safetensors", &safetensors(&other));
    hct(dir, "diff m.hct other.safetensors").fails(1, &["\"dense\"", "[96, 80]", "[80, 96]"]);
}

#[test]
fn cut_files_are_1() {
    let dir = small();
    let dir = dir.path();
    let whole = fs::read(dir.join("m.hct")).unwrap();
    for len in [
        0,
        1,
        8,
        16,
        40,
        48,
        whole.len() / 2,
        whole.len() - 33,
        whole.len() - 1,
    ] {
        put(dir, "cut.hct", &whole[..len]);
        for command in [
            "info cut.hct",
            "verify cut.hct",
            "decompress cut.hct -o x",
            "diff m.hct cut.hct",
        ] {
            hct(dir, command).fails(1, &["cut.hct", "hint: "]);
        }
    }
    assert!(!dir.join("x").exists());
}

#[test]
fn any_flipped_bit_is_found() {
    let dir = small();
    let dir = dir.path();
    let whole = fs::read(dir.join("m.hct")).unwrap();
    for i in 0..160 {
        let at = i * (whole.len() - 1) / 159;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (i % 8);
        put(dir, "bad.hct", &bytes);
        hct(dir, "verify bad.hct").fails(1, &["bad.hct"]);
        if i % 8 == 0 {
            hct(dir, "decompress bad.hct -o x").fails(1, &["bad.hct"]);
            // These do not read carried files, which may be what is damaged.
            for command in ["info bad.hct", "diff m.safetensors bad.hct"] {
                let run = hct(dir, command);
                if run.code != 0 {
                    run.fails(1, &["bad.hct"]);
                }
            }
        }
    }
    assert!(!dir.join("x").exists());
}

#[test]
fn verify_names_every_damaged_part() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    fs::create_dir(dir.join("in")).unwrap();
    fs::rename(
        dir.join("sample.safetensors"),
        dir.join("in/model.safetensors"),
    )
    .unwrap();
    put(dir, "in/config.json", b"{\"find\":\"me in the file\"}");
    succeed(dir, "compress in -o s.hct");
    let mut bytes = fs::read(dir.join("s.hct")).unwrap();
    let text = b"me in the file";
    let at = bytes.windows(text.len()).position(|w| w == text).unwrap();
    bytes[at] ^= 1;
    let len = bytes.len();
    bytes[len / 4] ^= 1;
    bytes[len / 4 * 3] ^= 1;
    put(dir, "bad.hct", &bytes);
    let run = hct(dir, "verify bad.hct --json");
    run.fails(1, &["3 parts", "bad.hct"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let failures = report["failures"].as_array().unwrap();
    assert_eq!(failures[0]["name"], "config.json");
    assert_eq!(failures[0]["kind"], "file");
    let table = hct(dir, "verify bad.hct").stdout;
    for failure in &failures[1..] {
        assert_eq!(failure["kind"], "tensor");
        assert!(table.contains(failure["name"].as_str().unwrap()), "{table}");
    }
    let run = hct(dir, "verify in/config.json --json");
    run.fails(1, &["config.json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["ok"], false);
}
