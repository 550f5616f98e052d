//! Carried files whose paths would do harm where they are written.

use std::collections::BTreeMap;

use hct_model::{Error, HctModel, restore, verify};

use crate::common::{assert_says, folder};
use crate::made::Made;

/// A checkpoint of one file without tensors and side files at these paths.
fn with_side_files(paths: &[&str]) -> HctModel<Vec<u8>> {
    let mut made = Made::new();
    made.carried(0, "model.safetensors", b"{}");
    paths.iter().for_each(|path| made.carried(1, path, b"x"));
    HctModel::new("m.hct", made.finish()).unwrap()
}

/// That such a file is refused, by what says that files are intact too, before anything is written.
fn refused(paths: &[&str], says: &str) {
    let model = with_side_files(paths);
    let mut sink = BTreeMap::new();
    let error = restore(&model, &mut sink, &()).unwrap_err();
    assert!(matches!(error, Error::UnsafePath { .. }), "{error:?}");
    assert_says(&error, &[&format!("{:?}", paths[paths.len() - 1]), says]);
    assert!(sink.is_empty());
    let failures = verify(&model, &());
    assert!(
        failures.len() == 1 && failures[0].kind == "index",
        "{failures:?}"
    );
    let dir = folder(&[]);
    let out = dir.path().join("out");
    hct_model::decompress(&model, &out, false, &()).unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn honest_paths_are_written() {
    let paths = [
        "config.json",
        "a/b.txt",
        "a/c.txt",
        "COM\u{b9}0",
        "\u{91cd}.txt",
        "CONIN",
    ];
    let model = with_side_files(&paths);
    let mut sink = BTreeMap::new();
    restore(&model, &mut sink, &()).unwrap();
    assert_eq!(sink.len(), 1 + paths.len());
    assert!(verify(&model, &()).is_empty());
}

#[test]
fn out_of_the_folder() {
    for path in ["../x", "a/../../x", "/etc/x", "C:x", "a\\..\\x", ""] {
        refused(&[path], "");
    }
}

#[test]
fn devices_of_windows() {
    for path in [
        "COM\u{b9}",
        "com\u{b2}.txt",
        "a/Lpt\u{b3}",
        "CONIN$",
        "conout$.x",
        "nul",
        "COM0",
    ] {
        refused(&[path], "device");
    }
}

#[test]
fn characters_that_are_not_seen() {
    for c in [
        '\u{202e}',
        '\u{200b}',
        '\u{2028}',
        '\u{2029}',
        '\u{feff}',
        '\u{ad}',
        '\u{e0041}',
    ] {
        refused(&[&format!("a{c}b")], "not seen");
    }
    refused(&["a\u{1b}[2Jb"], "control character");
}

#[test]
fn files_that_differ_in_case_only() {
    for pair in [
        ["config.json", "CONFIG.json"],
        ["a/b", "A/B"],
        ["stra\u{df}e", "STRASSE"],
        ["\u{3c3}", "\u{3c2}"],
        ["x", "x"],
    ] {
        refused(&pair, "another file has its name");
    }
    refused(&["MODEL.safetensors"], "another file has its name");
}

#[test]
fn a_file_where_others_have_their_folder() {
    refused(&["a", "a/b"], "a folder in it");
    refused(&["a/b", "a"], "in a folder of its name");
    refused(&["A", "a/b/c"], "a folder in it");
}

#[test]
fn two_shards_of_one_name() {
    let mut made = Made::new();
    made.carried(0, "a.safetensors", b"{}");
    made.carried(0, "A.safetensors", b"{}");
    let model = HctModel::new("m.hct", made.finish()).unwrap();
    let error = restore(&model, &mut BTreeMap::new(), &()).unwrap_err();
    assert!(matches!(error, Error::UnsafePath { .. }), "{error:?}");
}

#[test]
fn what_could_not_be_restored_is_not_carried() {
    let dir = folder(&[
        ("model.safetensors", &crate::common::bytes_file(&[("a", 1)])),
        ("README.md", b"1"),
        ("readme.md", b"2"),
        ("a\u{202e}.txt", b"3"),
    ]);
    let checkpoint = hct_model::Checkpoint::open(dir.path()).unwrap();
    let skipped: Vec<String> = checkpoint
        .skipped_files()
        .iter()
        .map(|file| format!("{}: {}", file.rel_path, file.reason))
        .collect();
    // Where the two are one file, only one is there.
    let twins = std::fs::read(dir.path().join("README.md")).unwrap() == b"1";
    assert_eq!(skipped.len(), 1 + usize::from(twins), "{skipped:?}");
    assert!(
        skipped.iter().any(|s| s.contains("not seen")),
        "{skipped:?}"
    );
}
