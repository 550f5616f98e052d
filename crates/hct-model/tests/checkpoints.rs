//! Opening and reading checkpoints that are as they should be.

mod common;

use common::{blob, bytes_file, entry, folder, header, index, put};
use hct_core::{Dtype, FileKind};
use hct_model::{Checkpoint, CheckpointSource, Header, SkipReason, TensorSource};

/// The carried files of a kind.
fn paths(checkpoint: &Checkpoint, kind: FileKind) -> Vec<&str> {
    let files = checkpoint.files().iter();
    let files = files.filter(|file| file.kind == kind);
    files.map(|file| &file.path[..]).collect()
}

fn names(checkpoint: &Checkpoint) -> Vec<&str> {
    checkpoint
        .tensors()
        .iter()
        .map(|info| info.name.as_str())
        .collect()
}

#[test]
fn every_dtype_is_read() {
    // Four elements of any type fill whole bytes.
    let mut entries = Vec::new();
    let mut at = 0;
    for dtype in Dtype::ALL {
        let len = dtype.byte_len(4).unwrap();
        entries.push(entry(
            &format!("t.{dtype}"),
            dtype.name(),
            &[2, 2],
            at,
            at + len,
        ));
        at += len;
    }
    let data: Vec<u8> = (0..at).map(|i| i as u8).collect();
    let dir = folder(&[("model.safetensors", &blob(&header(&entries), &data))]);
    let checkpoint = Checkpoint::open(dir.path().join("model.safetensors")).unwrap();

    assert_eq!(checkpoint.tensors().len(), Dtype::ALL.len());
    let mut read = Vec::new();
    for (i, (info, &dtype)) in checkpoint.tensors().iter().zip(Dtype::ALL).enumerate() {
        assert_eq!(info.dtype, dtype);
        assert_eq!(info.shape, [2, 2]);
        read.extend_from_slice(&checkpoint.read(i).unwrap());
    }
    assert_eq!(read, data);
}

#[test]
fn two_f4_elements_are_one_byte() {
    let bytes = blob(&header(&[entry("half", "F4", &[2], 0, 1)]), &[0x5a]);
    let dir = folder(&[("m.safetensors", &bytes)]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(*checkpoint.read(0).unwrap(), [0x5a]);
}

#[test]
fn scalars_and_empty_tensors_are_read() {
    let bytes = blob(
        &header(&[
            entry("after", "U8", &[1], 2, 3),
            entry("empty.2", "F32", &[7, 0], 2, 2),
            entry("empty.1", "BF16", &[0], 2, 2),
            entry("scalar", "F16", &[], 0, 2),
        ]),
        &[1, 2, 3],
    );
    let dir = folder(&[("model.safetensors", &bytes)]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(
        names(&checkpoint),
        ["scalar", "empty.2", "empty.1", "after"]
    );
    let read: Vec<_> = (0..4)
        .map(|i| checkpoint.read(i).unwrap().to_vec())
        .collect();
    assert_eq!(read, [vec![1, 2], vec![], vec![], vec![3]]);
}

#[test]
fn a_file_without_tensors_opens() {
    let dir = folder(&[("model.safetensors", &blob("{}", &[]))]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert!(checkpoint.tensors().is_empty());
    assert_eq!(checkpoint.total_bytes(), 10);
}

#[test]
fn header_keeps_metadata_order_and_padding() {
    let text = concat!(
        r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":[{}]},"#,
        r#""__metadata__":{"zebra":"1","ant":"2","mule":"\u00e9"}}   "#
    );
    let header = Header::parse(text.as_bytes(), 1).unwrap();
    assert_eq!(header.header_bytes(), text.as_bytes());
    let pairs = [("zebra", "1"), ("ant", "2"), ("mule", "é")];
    assert_eq!(
        header.metadata(),
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
    assert_eq!(header.data_len(), 1);
}

#[test]
fn parts_of_tensors_are_read() {
    // Long enough for offsets on and off page boundaries.
    let dir = folder(&[(
        "model.safetensors",
        &bytes_file(&[("a", 5000), ("b", 9000)]),
    )]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let whole = checkpoint.read(1).unwrap();
    assert_eq!(whole.len(), 9000);
    for range in [0..1, 0..9000, 4095..4097, 8999..9000, 17..17, 9000..9000] {
        let part = checkpoint.read_range(1, range.clone()).unwrap();
        assert_eq!(*part, whole[range.start as usize..range.end as usize]);
    }
}

#[test]
fn shards_are_read_by_name_and_offset() {
    let one = bytes_file(&[("z", 3), ("y", 2)]);
    let two = bytes_file(&[("x", 4)]);
    let (first, second) = (
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    );
    let dir = folder(&[
        (second, &two),
        (first, &one),
        (
            "model.safetensors.index.json",
            &index(&[("x", second), ("y", first), ("z", first)]),
        ),
        ("config.json", b"{}"),
        ("consolidated.safetensors", b"another copy"),
    ]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(names(&checkpoint), ["z", "y", "x"]);
    assert_eq!(paths(&checkpoint, FileKind::Shard), [first, second]);
    assert_eq!(
        [0, 1, 2, 3].map(|i| checkpoint.file_of(i)),
        [Some(0), Some(0), Some(1), None]
    );
    assert_eq!(checkpoint.total_bytes(), (one.len() + two.len()) as u64);
    assert_eq!(*checkpoint.read(1).unwrap(), [3, 4]);
    assert_eq!(*checkpoint.read(2).unwrap(), [0, 1, 2, 3]);

    let side = paths(&checkpoint, FileKind::Side);
    assert_eq!(side, ["config.json", "model.safetensors.index.json"]);
    assert_eq!(
        checkpoint.skipped_files()[0].rel_path,
        "consolidated.safetensors"
    );
}

#[test]
fn model_safetensors_comes_before_an_index() {
    let dir = folder(&[
        ("model.safetensors", &bytes_file(&[("merged", 1)])),
        ("other.safetensors", &bytes_file(&[("other", 1)])),
        (
            "model.safetensors.index.json",
            &index(&[("other", "other.safetensors")]),
        ),
    ]);
    assert_eq!(names(&Checkpoint::open(dir.path()).unwrap()), ["merged"]);
}

#[test]
fn side_files_are_sorted_out() {
    let dir = folder(&[
        ("model.safetensors", &bytes_file(&[("a", 1)])),
        ("README.md", b"hello"),
        ("1_Pooling/config.json", b"{}"),
        ("1_Pooling/pytorch_model.BIN", b"weights"),
        ("onnx/model.onnx", b"weights"),
        ("CON", b"device"),
        (".gitattributes", b"hidden"),
        (".git/config", b"hidden"),
        ("old.hct", b"ours"),
    ]);
    let big = std::fs::File::create(dir.path().join("dataset.jsonl")).unwrap();
    big.set_len(257 << 20).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();

    let side: Vec<_> = checkpoint.files()[1..]
        .iter()
        .map(|file| (&file.path[..], file.len))
        .collect();
    assert_eq!(side, [("1_Pooling/config.json", 2), ("README.md", 5)]);
    assert_eq!(*checkpoint.read_file(2).unwrap(), *b"hello");
    assert!(checkpoint.read_file(3).is_err());
    let skipped: Vec<_> = checkpoint
        .skipped_files()
        .iter()
        .map(|file| (&file.rel_path[..], file.reason))
        .collect();
    assert!(matches!(
        skipped[..],
        [
            ("1_Pooling/pytorch_model.BIN", SkipReason::OtherWeights),
            ("CON", SkipReason::UnsafeName(_)),
            ("dataset.jsonl", SkipReason::TooLarge),
            ("onnx/model.onnx", SkipReason::OtherWeights),
        ]
    ));

    let file = Checkpoint::open(dir.path().join("model.safetensors")).unwrap();
    assert!(file.files().len() == 1 && file.skipped_files().is_empty());
}

#[cfg(unix)]
#[test]
fn links_of_a_model_cache_are_followed_and_others_are_not() {
    use std::os::unix::fs::symlink;

    let root = folder(&[
        ("models--m/blobs/aa", &bytes_file(&[("a", 3)])),
        ("models--m/blobs/bb", b"{}"),
        ("secret/key", b"private"),
    ]);
    let snapshot = root.path().join("models--m/snapshots/rev");
    put(&snapshot, "real.txt", b"real");
    symlink("../../blobs/aa", snapshot.join("model.safetensors")).unwrap();
    symlink("../../blobs/bb", snapshot.join("config.json")).unwrap();
    symlink("real.txt", snapshot.join("inside.txt")).unwrap();
    symlink("../../../secret/key", snapshot.join("leak.txt")).unwrap();
    symlink("../../../secret", snapshot.join("leaks")).unwrap();
    symlink("../../blobs/cc", snapshot.join("dangling.json")).unwrap();
    let checkpoint = Checkpoint::open(&snapshot).unwrap();

    assert_eq!(*checkpoint.read(0).unwrap(), [0, 1, 2]);
    let side = paths(&checkpoint, FileKind::Side);
    assert_eq!(side, ["config.json", "inside.txt", "real.txt"]);
    for skipped in checkpoint.skipped_files() {
        assert_eq!(skipped.reason, SkipReason::LinkElsewhere);
    }
    assert_eq!(checkpoint.skipped_files().len(), 3);
}
