//! What `verify` calls intact is what `decompress` restores.

use std::collections::BTreeMap;

use hct_core::{Dtype, EncodedTensor, FileKind, HctWriter, TensorMeta};
use hct_model::{HctModel, Header, TensorInfo, restore, verify};

/// An HCT file with a shard of this name, and side files at these paths.
fn file(shard: &str, sides: &[&str]) -> Vec<u8> {
    let info = TensorInfo {
        name: "t".into(),
        dtype: Dtype::U8,
        shape: vec![4],
    };
    let header = Header::of(&[info]).unwrap();
    let header = header.header_bytes();
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let len = header.len() as u64;
    let number = writer
        .add_file(FileKind::Shard, shard, header, 0, len)
        .unwrap();
    for path in sides {
        writer.add_file(FileKind::Side, path, b"{}", 0, 2).unwrap();
    }
    let meta = TensorMeta {
        name: "t".into(),
        dtype: Dtype::U8,
        shape: vec![4],
    };
    let tensor = EncodedTensor::lossless(&meta, &[1, 2, 3, 4]).unwrap();
    writer
        .add_tensor(meta, tensor, Some(number), "lossless")
        .unwrap();
    writer.finish().unwrap()
}

#[test]
fn paths_that_cannot_be_written_are_found() {
    for (shard, sides, says) in [
        ("m.safetensors", &["../x"][..], "../x"),
        ("m.safetensors", &["/etc/passwd"], "absolute"),
        ("m.safetensors", &["a/../b"], ".."),
        ("m.safetensors", &[".git/config"], "hidden"),
        (
            "m.safetensors",
            &["a", "b", "a"],
            "another file has its name",
        ),
        (
            "m.safetensors",
            &["m.safetensors"],
            "another file has its name",
        ),
        ("m.safetensors", &["a", "a/b"], "name of another file"),
        (
            "m.safetensors",
            &["a/b/c", "a-", "a/b"],
            "in a folder of its name",
        ),
        (
            "m.safetensors",
            &["m.safetensors/x"],
            "name of another file",
        ),
        ("sub/m.safetensors", &[], "another folder"),
        ("..", &[], ".."),
    ] {
        let model = HctModel::new("m.hct", file(shard, sides)).unwrap();
        let failures = verify(&model, &());
        let said: String = failures.iter().map(|f| f.error.clone()).collect();
        assert!(said.contains(says), "{shard} {sides:?}: {said}");
        let mut out = BTreeMap::new();
        assert!(restore(&model, &mut out, &()).is_err(), "{shard} {sides:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn paths_that_can_be_written_are_fine() {
    for sides in [
        &[][..],
        &["config.json"],
        &["a-b", "a/b", "a/c/d", "ab"],
        &["m.safetensors.index.json", "1_Pooling/config.json"],
    ] {
        let model = HctModel::new("m.hct", file("m.safetensors", sides)).unwrap();
        assert!(verify(&model, &()).is_empty(), "{sides:?}");
        let mut out = BTreeMap::new();
        restore(&model, &mut out, &()).unwrap();
        assert_eq!(out.len(), 1 + sides.len());
    }
}
