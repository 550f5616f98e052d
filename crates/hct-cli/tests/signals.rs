//! SIGINT and SIGTERM stop any command soon, and nothing is left over.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use common::process::{await_temporary, ended, said, signal, start, temporaries};
use common::{Made, f32_bytes, hct, put, safetensors, succeed, weights};
use hct_core::{
    Dtype, EncodedFragment, EncodedTensor, FileKind, HctWriter, MatrixView, Preparation,
    SparseFormat, TensorMeta, Transform, encode_sparse,
};
use tempfile::TempDir;

/// Within this a run ends; a second is promised, on a machine that does nothing else.
const SOON: Duration = Duration::from_secs(10);

/// Matrices of random weights.
fn matrices(count: usize, side: usize) -> Vec<u8> {
    let values = f32_bytes(&weights(side * side, 1));
    let names = ["a", "b", "c", "d", "e", "f"];
    let made = names.iter().take(count).map(|name| Made {
        name,
        dtype: "F32",
        shape: vec![side, side],
        bytes: values.clone(),
    });
    safetensors(&made.collect::<Vec<_>>())
}

/// A file of `count` tensors that are products of factors `side` × `side` / 2: work that takes long for
/// its bytes, with a moment to look whether to stop between tensors.
fn products(path: &Path, count: usize, side: usize) {
    let rank = side / 2;
    let values = weights(side * rank, 3);
    let how = Preparation::tiled(Transform::None);
    let plane = |rows, cols| {
        let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
        encode_sparse(matrix, how, SparseFormat::Int8, 0.3).unwrap()
    };
    let (left, right) = (plane(side, rank), plane(rank, side));
    let mut writer = HctWriter::new(File::create(path).unwrap()).unwrap();
    let names: Vec<String> = (0..count).map(|i| format!("t{i}")).collect();
    let infos = names.iter().map(|name| hct_model::TensorInfo {
        name: name.clone(),
        dtype: Dtype::F32,
        shape: vec![side as u64; 2],
    });
    let infos: Vec<_> = infos.collect();
    let header = hct_model::Header::of(&infos).unwrap();
    let header = header.header_bytes();
    let len = header.len() as u64;
    let shard = writer.add_file(FileKind::Shard, "model.safetensors", header, 0, len);
    let shard = shard.unwrap();
    for name in names {
        let meta = TensorMeta {
            name,
            dtype: Dtype::F32,
            shape: vec![side as u64; 2],
        };
        let product = EncodedFragment::Product(left.clone(), right.clone());
        let tensor = EncodedTensor::fragments(vec![product]).unwrap();
        writer
            .add_tensor(meta, tensor, Some(shard), "a product")
            .unwrap();
    }
    writer.finish().unwrap();
}

/// Everything in a folder, by name and size.
fn listed(dir: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut listed: Vec<_> = entries
        .map(|e| {
            (
                e.file_name().to_string_lossy().into_owned(),
                e.metadata().unwrap().len(),
            )
        })
        .collect();
    listed.sort();
    listed
}

/// Starts a command, lets it get going, and stops it by both signals.
fn stops(dir: &Path, args: &str) {
    let before = listed(dir);
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let mut child = start(dir, args);
        if args.contains(" -o ") && !args.contains(" -o - ") {
            await_temporary(dir, &mut child);
        }
        sleep(Duration::from_millis(250));
        signal(&child, name);
        let (ended, after) = ended(&mut child);
        let said = said(child);
        let shown = args.get(..60).unwrap_or(args);
        println!("{shown}: SIG{name} heeded after {} ms", after.as_millis());
        assert_eq!(ended.code(), Some(status), "{args}: {said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: stopped"), "{args}: {said}");
        assert_eq!(said.matches("error: ").count(), 1, "{args}: {said}");
        assert!(after < SOON, "{args}: {after:?}");
        assert_eq!(listed(dir), before, "{args}");
    }
}

#[test]
fn every_command_heeds_signals_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &matrices(6, 2048));
    succeed(
        dir,
        "compress m.safetensors -o m.hct --strategy lossless --no-verify",
    );
    products(&dir.join("p.hct"), 60, 1024);
    put(dir, "old.hct", b"what was there");
    let many = vec!["m.hct"; 100].join(" ");
    for args in [
        "compress m.safetensors -o x.hct --effort max",
        "compress m.safetensors -o old.hct --force --effort max",
        "compress m.safetensors -o - --effort max",
        "plan m.safetensors --effort max",
        &format!("verify {many}"),
        "diff p.hct p.hct --threads 1",
        "decompress p.hct -o x --threads 1",
        "decompress p.hct -o x.safetensors --threads 1",
        "dedup .",
    ] {
        stops(dir, args);
    }
    assert_eq!(fs::read(dir.join("old.hct")).unwrap(), b"what was there");
}

#[test]
fn work_that_never_looks_is_cut_off() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    // Seconds for each of them.
    products(&dir.join("m.hct"), 4, 2048);
    for args in [
        "verify m.hct --threads 1",
        "decompress m.hct -o x --threads 1",
        "decompress m.hct -o x.safetensors --threads 1",
        "diff m.hct m.hct --threads 1",
    ] {
        stops(dir, args);
    }
}

#[test]
fn a_second_signal_cuts_off_and_leaves_nothing_either() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    products(&dir.join("m.hct"), 4, 2048);
    let mut child = start(dir, "decompress m.hct -o x --threads 1");
    await_temporary(dir, &mut child);
    sleep(Duration::from_millis(100));
    signal(&child, "INT");
    sleep(Duration::from_millis(30));
    signal(&child, "TERM");
    let (status, after) = ended(&mut child);
    assert_eq!(status.code(), Some(130), "{}", said(child));
    assert!(after < SOON);
    assert_eq!(listed(dir).len(), 1);
}

#[test]
fn a_resumed_run_keeps_what_it_has_done() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &matrices(2, 2048));
    let mut child = start(dir, "compress m.safetensors -o m.hct --resume --effort max");
    let partial = dir.join("m.hct.partial");
    while !partial.join("run.json").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    await_temporary(&partial, &mut child);
    signal(&child, "TERM");
    let (status, after) = ended(&mut child);
    let said = said(child);
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(after < SOON);
    assert!(
        said.contains("goes on from there") && said.contains("m.hct.partial"),
        "{said}"
    );
    assert!(partial.join("run.json").exists() && temporaries(&partial).is_empty());
    succeed(
        dir,
        "compress m.safetensors -o m.hct --resume --strategy lossless",
    );
    assert!(!partial.exists());
    assert_eq!(hct(dir, "verify m.hct").code, 0);
}
