//! Files that are changed between opening and reading: an error that names them, and no output.

mod common;

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::{assert_says, bytes_file, chain, folder, index};
use hct_model::{
    Checkpoint, CheckpointSource, CompressOptions, Error, HctFile, TensorSource, compress,
};
use hct_strategies::LosslessEncoder;

fn truncate(path: &Path) {
    let len = path.metadata().unwrap().len();
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(len - 1).unwrap();
}

fn append(path: &Path) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(b"x").unwrap();
}

/// One byte becomes another, a while after the file was made: times of modification are coarse.
fn modify(path: &Path) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::End(-1)).unwrap();
    file.write_all(b"!").unwrap();
    let later = SystemTime::now() + Duration::from_secs(2);
    file.set_modified(later).unwrap();
}

#[test]
fn a_changed_file_is_an_error_and_leaves_no_output() {
    for change in [truncate, append, modify] {
        for changed in ["1.safetensors", "2.safetensors", "config.json"] {
            let map = index(&[("a", "1.safetensors"), ("b", "2.safetensors")]);
            let dir = folder(&[
                ("in/1.safetensors", &bytes_file(&[("a", 5000)])),
                ("in/2.safetensors", &bytes_file(&[("b", 70)])),
                ("in/model.safetensors.index.json", &map),
                ("in/config.json", b"{\"a\":1}"),
            ]);
            let at = |name: &str| dir.path().join(name);
            let checkpoint = Checkpoint::open(at("in")).unwrap();
            change(&at("in").join(changed));
            let options = CompressOptions {
                side_files: true,
                provenance: None,
                base: None,
                hashes: false,
            };
            let output = at("m.hct");
            let error = compress(&checkpoint, &output, false, &LosslessEncoder, options, &());
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Changed { .. }), "{error}");
            assert_says(&error, &[changed, "changed while it was read"]);
            // Neither the output nor any part of it.
            let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
            assert_eq!(left.len(), 1);
        }
    }
}

#[test]
fn a_tensor_of_a_changed_file_is_not_read() {
    for change in [truncate, append, modify] {
        let dir = folder(&[("m.safetensors", &bytes_file(&[("a", 4), ("b", 9)]))]);
        let path = dir.path().join("m.safetensors");
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(*checkpoint.read(0).unwrap(), [0, 1, 2, 3]);
        change(&path);
        for error in [
            checkpoint.read(0).err(),
            checkpoint.read(1).err(),
            checkpoint.read_range(0, 1..2).err(),
        ] {
            assert!(matches!(error, Some(Error::Changed { file }) if file == path));
        }
    }
}

#[test]
fn a_replaced_file_is_read_as_it_was_opened() {
    let dir = folder(&[
        ("m.safetensors", &bytes_file(&[("a", 4)])),
        ("new", &bytes_file(&[("b", 9)])),
    ]);
    let path = dir.path().join("m.safetensors");
    let checkpoint = Checkpoint::open(&path).unwrap();
    if fs::rename(dir.path().join("new"), &path).is_ok() {
        assert_eq!(*checkpoint.read(0).unwrap(), [0, 1, 2, 3]);
    }
}

#[test]
fn a_changed_hct_file_says_so() {
    let dir = folder(&[("m.safetensors", &bytes_file(&[("a", 4000)]))]);
    let (input, output) = (dir.path().join("m.safetensors"), dir.path().join("m.hct"));
    let options = CompressOptions {
        side_files: false,
        provenance: None,
        base: None,
        hashes: false,
    };
    let checkpoint = Checkpoint::open(input).unwrap();
    compress(&checkpoint, &output, false, &LosslessEncoder, options, &()).unwrap();
    let model = HctFile::open(&output).unwrap();
    modify(&output);
    let error = chain(&model.read(0).unwrap_err());
    assert_says(&error, &["m.hct", "changed while it was read"]);
}
