//! Lies of folders and indexes, and requests that cannot be met.

use crate::common::{assert_says, bytes_file, chain, folder, index, open_error};
use hct_model::{Checkpoint, CheckpointSource, Error};

/// The error of opening a folder with one shard, which has tensor `a`, and this index.
fn index_error(index: &[u8]) -> Error {
    let shard = bytes_file(&[("a", 1)]);
    let dir = folder(&[
        ("s.safetensors", &shard),
        ("model.safetensors.index.json", index),
    ]);
    let error = open_error(dir.path());
    assert_says(&chain(&error), &["model.safetensors.index.json"]);
    error
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat, $parts:expr) => {
        let error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        assert_says(&chain(&error), $parts);
    };
}

#[test]
fn path_does_not_exist() {
    assert_error!(
        open_error("no/such.safetensors"),
        Error::Io { .. },
        &["no/such.safetensors"]
    );
}

#[cfg(unix)]
#[test]
fn path_is_a_socket() {
    let dir = folder(&[]);
    let path = dir.path().join("model.safetensors");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_error!(
        open_error(&path),
        Error::NotAFile { .. },
        &["model.safetensors"]
    );
    assert_error!(
        open_error(dir.path()),
        Error::NotAFile { .. },
        &["model.safetensors"]
    );
}

#[test]
fn index_given_as_the_checkpoint() {
    let dir = folder(&[("model.safetensors.index.json", b"{}")]);
    let error = open_error(dir.path().join("model.safetensors.index.json"));
    assert_error!(
        error,
        Error::IndexGiven { .. },
        &["index.json", "pass the folder"]
    );
}

#[test]
fn folder_without_weights() {
    let dir = folder(&[("config.json", b"{}"), ("sub/model.safetensors", b"")]);
    assert_error!(
        open_error(dir.path()),
        Error::NoSafetensors { .. },
        &["no .safetensors"]
    );
}

#[test]
fn folder_with_several_files() {
    let dir = folder(&[("a.safetensors", b""), ("b.safetensors", b"")]);
    assert_error!(
        open_error(dir.path()),
        Error::Ambiguous { .. },
        &["a.safetensors, b.safetensors", "pass one"]
    );
}

#[test]
fn file_name_cannot_be_stored() {
    let dir = folder(&[("a:b.safetensors", &bytes_file(&[("a", 1)]))]);
    assert_error!(
        open_error(dir.path()),
        Error::FileName { .. },
        &["a:b.safetensors", "colon", "rename"]
    );
}

#[test]
fn index_is_malformed() {
    for json in [
        "",
        "[]",
        "{}",
        r#"{"weight_map":3}"#,
        r#"{"weight_map":{"a":3}}"#,
    ] {
        assert_error!(
            index_error(json.as_bytes()),
            Error::IndexJson { .. },
            &["index"]
        );
    }
    let not_utf8 = b"{\"weight_map\":{\"a\":\"\xff\"}}";
    assert_error!(index_error(not_utf8), Error::IndexJson { .. }, &["index"]);
}

#[test]
fn index_is_too_large() {
    let dir = folder(&[]);
    let path = dir.path().join("model.safetensors.index.json");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    assert_error!(
        open_error(dir.path()),
        Error::IndexTooLarge { .. },
        &["index.json"]
    );
}

#[test]
fn index_is_empty() {
    assert_error!(
        index_error(&index(&[])),
        Error::IndexEmpty { .. },
        &["no tensors"]
    );
}

#[test]
fn tensor_twice_in_the_index() {
    let error = index_error(&index(&[("a", "s.safetensors"), ("a", "s.safetensors")]));
    assert_error!(error, Error::IndexDuplicate { .. }, &["\"a\"", "twice"]);
}

#[test]
fn shard_outside_the_folder() {
    for shard in [
        "/etc/passwd",
        "../s.safetensors",
        "sub/s.safetensors",
        "..",
        "",
        "c:s",
        "a\\b",
        "x\0",
    ] {
        let json = format!(
            r#"{{"weight_map":{{"a":{}}}}}"#,
            serde_json::Value::String(shard.to_owned())
        );
        let error = index_error(json.as_bytes());
        assert_error!(
            error,
            Error::ShardPath { .. },
            &["\"a\"", &format!("{shard:?}")]
        );
    }
}

#[test]
fn shard_is_missing() {
    let error = index_error(&index(&[("a", "s.safetensors"), ("b", "t.safetensors")]));
    assert_error!(
        error,
        Error::ShardMissing { .. },
        &["\"b\"", "t.safetensors", "download"]
    );
}

#[test]
fn tensor_of_the_index_is_not_in_the_shard() {
    let error = index_error(&index(&[("a", "s.safetensors"), ("b", "s.safetensors")]));
    assert_error!(error, Error::NotInShard { .. }, &["\"b\"", "s.safetensors"]);
}

#[test]
fn tensor_of_the_index_is_in_another_shard() {
    let (s, t) = (bytes_file(&[("a", 1)]), bytes_file(&[("b", 1)]));
    let map = index(&[("a", "t.safetensors"), ("b", "s.safetensors")]);
    let dir = folder(&[
        ("s.safetensors", &s),
        ("t.safetensors", &t),
        ("model.safetensors.index.json", &map),
    ]);
    assert_error!(
        open_error(dir.path()),
        Error::NotInShard { .. },
        &["\"a\"", "t.safetensors"]
    );
}

#[test]
fn tensor_of_the_shard_is_not_in_the_index() {
    let s = bytes_file(&[("a", 1), ("b", 1)]);
    let map = index(&[("a", "s.safetensors")]);
    let dir = folder(&[
        ("s.safetensors", &s),
        ("model.safetensors.index.json", &map),
    ]);
    assert_error!(
        open_error(dir.path()),
        Error::NotInIndex { .. },
        &["\"b\"", "s.safetensors"]
    );
}

#[test]
fn tensor_in_two_shards() {
    let (s, t) = (bytes_file(&[("a", 1)]), bytes_file(&[("a", 1), ("b", 1)]));
    let map = index(&[("a", "s.safetensors"), ("b", "t.safetensors")]);
    let dir = folder(&[
        ("s.safetensors", &s),
        ("t.safetensors", &t),
        ("model.safetensors.index.json", &map),
    ]);
    assert_error!(
        open_error(dir.path()),
        Error::InTwoShards { .. },
        &["\"a\"", "s.safetensors", "t.safetensors"]
    );
}

#[test]
fn no_such_tensor_or_range() {
    let dir = folder(&[("model.safetensors", &bytes_file(&[("a", 4)]))]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let error = checkpoint.read_range(1, 0..1).err().unwrap();
    assert_error!(
        error,
        Error::NoSuchTensor {
            index: 1,
            count: 1,
            ..
        },
        &["there are 1"]
    );
    #[expect(clippy::reversed_empty_ranges)]
    for range in [0..5, 5..5, 3..2, 0..u64::MAX, u64::MAX..u64::MAX] {
        let error = checkpoint.read_range(0, range).err().unwrap();
        assert_error!(
            error,
            Error::NoSuchRange { len: 4, .. },
            &["model.safetensors", "\"a\""]
        );
    }
}
