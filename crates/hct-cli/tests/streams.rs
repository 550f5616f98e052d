//! Standard input and output in the place of files.

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{hct, mixed, put, safetensors, succeed};
use tempfile::TempDir;

/// Runs `hct` with `input` as standard input.
fn piped(dir: &Path, args: &str, input: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hct"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .stdin(input)
        .output()
        .unwrap()
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).unwrap()
}

#[test]
fn what_is_piped_is_what_is_written() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "model.safetensors", &safetensors(&mixed(3)));
    let plan = "plan model.safetensors --bpw 9 --export plan.json";
    succeed(dir, plan);
    for options in ["", "--strategy lossless", "--bpw 9", "--plan plan.json"] {
        succeed(
            dir,
            &format!("compress model.safetensors -o m.hct --force {options}"),
        );
        let file = read(dir, "m.hct");
        let out = piped(
            dir,
            &format!("compress model.safetensors -o - {options}"),
            Stdio::null(),
        );
        assert!(out.status.success() && out.stdout == file, "{options}");
        let report = String::from_utf8(out.stderr).unwrap();
        assert!(report.contains("bits per weight"), "{report}");

        let input = File::open(dir.join("model.safetensors")).unwrap();
        let out = piped(
            dir,
            &format!("compress - -o - --json {options}"),
            input.into(),
        );
        assert!(out.stdout == file, "from a pipe: {options}");
        let report: serde_json::Value = serde_json::from_slice(&out.stderr).unwrap();
        assert_eq!(report["output_bytes"], file.len());

        succeed(dir, "decompress m.hct -o back.safetensors --force");
        let out = piped(dir, "decompress m.hct -o -", Stdio::null());
        assert!(out.stdout == read(dir, "back.safetensors"), "{options}");
    }
    assert!(!dir.join("-").exists());
}

#[test]
fn a_stream_that_cannot_be_says_why() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    hct(dir, "decompress - -o m").fails(2, &["save it to a file"]);
    let out = piped(dir, "compress - -o -", Stdio::null());
    assert_eq!(out.status.code(), Some(1));
    assert!(out.stdout.is_empty());
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(
        said.starts_with("error: ") && said.contains("too short"),
        "{said}"
    );
}
