//! `hct recover`: what it says, what it writes, and how it ends.

mod common;

use std::fs;
use std::path::Path;

use common::{copy_sample, hct, put, succeed, tree};
use serde_json::Value;
use tempfile::TempDir;

/// The sample, compressed; its bytes and where its index begins.
fn make(dir: &Path) -> (Vec<u8>, usize) {
    copy_sample(dir);
    succeed(
        dir,
        "compress sample.safetensors -o m.hct --strategy lossless",
    );
    let file = read(dir, "m.hct");
    let trailer = file.len() - 32;
    let index = u64::from_le_bytes(*file[trailer..].first_chunk().unwrap());
    (file, index as usize)
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).unwrap()
}

#[test]
fn a_file_that_lost_its_index_comes_back_byte_for_byte() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (file, index) = make(dir);
    let mut flipped = file.clone();
    flipped[index + 20] ^= 1;
    for (damaged, says) in [
        (&file[..index], "trailer"),
        (&file[..file.len() - 10], "trailer"),
        (&flipped[..], "the index fails its checksum"),
    ] {
        put(dir, "damaged.hct", damaged);
        // Whoever meets it is told.
        hct(dir, "info damaged.hct").fails(1, &[says, "hct recover"]);
        hct(dir, "verify damaged.hct").fails(1, &[says, "hct recover"]);
        hct(dir, "decompress damaged.hct -o out").fails(1, &["hct recover"]);
        let run = succeed(dir, "recover damaged.hct -o again.hct --force");
        assert!(run.stdout.contains("16 tensors"), "{}", run.stdout);
        assert!(run.stdout.contains("is rebuilt from"), "{}", run.stdout);
        assert!(run.stdout.contains(says), "{}", run.stdout);
        assert!(read(dir, "again.hct") == file);
        assert!(read(dir, "damaged.hct") == damaged);
        let report = succeed(dir, "recover damaged.hct -o again.hct --force --json").json();
        assert_eq!(report["complete"], true);
        assert_eq!(report["tensors"], 16);
        assert_eq!(report["output_bytes"], file.len());
        assert!(report["blocks"].as_u64().unwrap() > 1);
    }
}

#[test]
fn of_a_file_that_breaks_off_the_beginning_comes_back() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (file, index) = make(dir);
    put(dir, "cut.hct", &file[..index * 2 / 3]);
    let run = hct(dir, "recover cut.hct -o left.hct");
    run.fails(1, &["not all of cut.hct", "--keep-going"]);
    assert!(run.stdout.contains("the end is lost"), "{}", run.stdout);
    assert!(run.stdout.contains("nothing tells where it is"));
    let run = hct(dir, "recover cut.hct -o left.hct --json --force");
    assert_eq!(run.code, 1);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["complete"], false);
    assert_eq!(report["end_missing"], true);
    let lost = report["lost"].as_array().unwrap().len();
    let tensors = report["tensors"].as_u64().unwrap() as usize;
    assert!(tensors > 3 && lost > 0);
    assert_eq!(tensors + lost, 16);

    // What is left is a file like any other.
    succeed(dir, "verify left.hct");
    let run = hct(dir, "decompress left.hct -o out --keep-going");
    run.fails(1, &["lost"]);
    let name = report["lost"][0]["name"].as_str().unwrap();
    assert!(run.stdout.contains(name));
    succeed(dir, "info left.hct");
    assert_eq!(tree(&dir.join("out")).len(), 1);
}

#[test]
fn what_is_not_needed_is_said() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (file, index) = make(dir);
    let run = succeed(dir, "recover m.hct -o copy.hct");
    assert!(run.stdout.contains("nothing was damaged"), "{}", run.stdout);
    assert!(read(dir, "copy.hct") == file);

    // The last recovery block ends where the index begins.
    let mut damaged = file.clone();
    damaged[index - 1] ^= 1;
    put(dir, "damaged.hct", &damaged);
    let verified = hct(dir, "verify damaged.hct");
    verified.fails(1, &["1 recovery blocks", "hct recover damaged.hct"]);
    assert!(verified.stdout.contains("at byte"), "{}", verified.stdout);
    succeed(dir, "decompress damaged.hct -o out.safetensors");
    assert!(read(dir, "out.safetensors") == read(dir, "sample.safetensors"));
    let run = succeed(dir, "recover damaged.hct -o whole.hct");
    assert!(run.stdout.contains("made anew"), "{}", run.stdout);
    assert!(read(dir, "whole.hct") == file);
}

#[test]
fn a_damaged_tensor_is_left_out_and_named() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (mut file, index) = make(dir);
    file[index / 2] ^= 1;
    put(dir, "damaged.hct", &file);
    let run = hct(dir, "recover damaged.hct -o left.hct --json");
    assert_eq!(run.code, 1);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["index_fault"], Value::Null);
    assert_eq!(report["tensors"], 15);
    assert_eq!(report["lost"][0]["kind"], "tensor");
    succeed(dir, "verify left.hct");
}

#[test]
fn what_cannot_be_done_is_an_error_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (file, _) = make(dir);
    let nothing = |name: &str| assert!(!dir.join(name).exists());
    put(dir, "noise.hct", &[7; 5000]);
    hct(dir, "recover noise.hct -o out.hct").fails(1, &["no recovery blocks"]);
    put(dir, "head.hct", &file[..3000]);
    hct(dir, "recover head.hct -o out.hct").fails(1, &["no recovery blocks"]);
    nothing("out.hct");
    hct(dir, "recover missing.hct -o out.hct").fails(1, &["missing.hct"]);
    hct(dir, "recover m.hct -o m.hct --force").fails(2, &["replace the input"]);
    hct(dir, "recover m.hct -o sample.safetensors").fails(2, &["--force"]);
    hct(dir, "recover m.hct -o -").fails(2, &["not -"]);
    hct(dir, "recover - -o out.hct").fails(2, &["not -"]);
    hct(dir, "recover m.hct -o no/out.hct").fails(2, &["no folder"]);
    nothing("out.hct");
    assert!(read(dir, "m.hct") == file);
}
