//! Tensors of several bands, which are decoded and written one after the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hct_core::{ContentHash, Dtype, EncodedTensor, FileKind, HctWriter, TensorMeta};
use hct_model::{
    CheckpointSource, CompressOptions, Error, Gguf, GgufHeader, GgufType, GgufWriter, HctModel,
    Header, Progress, Safetensors, TensorInfo, TensorSource, encode, prove, restore, verify,
    verify_deep,
};
use hct_strategies::LosslessEncoder;

/// Of bytes: two bands and a half.
const LONG: u64 = 40 << 20;
const SHAPES: [(&str, [u64; 2]); 3] = [("a", [4, 8]), ("b", [64, LONG / 64]), ("c", [1, 9])];

fn bytes_of(len: u64, salt: u32) -> Vec<u8> {
    let bytes = (0..len as u32).map(|i| ((i ^ salt).wrapping_mul(2_654_435_761) >> 27) as u8);
    bytes.collect()
}

fn tensors() -> [Vec<u8>; 3] {
    [0, 1, 2].map(|i| bytes_of(SHAPES[i].1.iter().product(), i as u32))
}

fn safetensors_header() -> Header {
    let infos = SHAPES.map(|(name, shape)| TensorInfo {
        name: name.into(),
        dtype: Dtype::I8,
        shape: shape.to_vec(),
    });
    Header::of(&infos).unwrap()
}

fn safetensors() -> Vec<u8> {
    let header = safetensors_header();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    file.extend(tensors().concat());
    file
}

fn gguf() -> Vec<u8> {
    let plain =
        SHAPES.map(|(name, shape)| (name.into(), GgufType::Plain(Dtype::I8), shape.to_vec()));
    let header = GgufHeader::new(Vec::new(), plain.to_vec()).unwrap();
    let mut writer = GgufWriter::new("m.gguf", header, Vec::new()).unwrap();
    let [a, b, c] = tensors();
    writer.write(0, &a).unwrap();
    // The next few bytes of a stream; it is nobody else's turn, and there is room for no more.
    let (some, more) = b.split_at(1000);
    writer.write(1, some).unwrap();
    assert!(matches!(
        writer.write(2, &c),
        Err(Error::OutOfTurn { written: 1032, .. })
    ));
    assert!(matches!(
        writer.write(1, &b),
        Err(Error::TooManyBytes { .. })
    ));
    writer.write(1, more).unwrap();
    writer.write(2, &c).unwrap();
    writer.finish().unwrap()
}

fn compressed(source: &dyn CheckpointSource) -> Vec<u8> {
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: true,
    };
    let coded = encode(source, Vec::new(), &LosslessEncoder, options, &());
    coded.unwrap().0
}

fn restored(file: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let model = HctModel::new("m.hct", file).unwrap();
    assert!(verify(&model, &()).is_empty() && verify_deep(&model, &()).is_empty());
    let mut sink = BTreeMap::new();
    restore(&model, &mut sink, &()).unwrap();
    sink
}

#[test]
fn files_of_either_kind_come_back() {
    let file = safetensors();
    let source = Safetensors::new("made up", [("m.safetensors", file.clone())]).unwrap();
    let sink = restored(compressed(&source));
    assert!(sink["m.safetensors"] == file);

    let file = gguf();
    let source = Gguf::new("m.gguf", &file[..]).unwrap();
    let sink = restored(compressed(&source));
    assert!(sink["m.gguf"] == file);
}

#[test]
fn an_unfinished_tensor_is_missed() {
    let plain = vec![("b".to_owned(), GgufType::Plain(Dtype::I8), vec![1, 10])];
    let header = GgufHeader::new(Vec::new(), plain).unwrap();
    let mut writer = GgufWriter::new("m.gguf", header, Vec::new()).unwrap();
    writer.write(0, &[1; 7]).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, Error::TooFewBytes { missing: 3, .. }));
}

/// A file of the long tensor, whose hash is that of `claimed`.
fn hashed(claimed: &[u8]) -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let (name, shape) = SHAPES[1];
    let info = TensorInfo {
        name: name.into(),
        dtype: Dtype::I8,
        shape: shape.to_vec(),
    };
    let header = Header::of(&[info]).unwrap().header_bytes().to_vec();
    let len = header.len() as u64;
    let shard = writer.add_file(FileKind::Shard, "m.safetensors", &header, 0, len);
    let shard = Some(shard.unwrap());
    let meta = TensorMeta {
        name: name.into(),
        dtype: Dtype::I8,
        shape: shape.to_vec(),
    };
    let exact = EncodedTensor::lossless(&meta, &tensors()[1]).unwrap();
    writer.add_tensor(meta, exact, shard, "lossless").unwrap();
    writer.set_tensor_hash(ContentHash(*blake3::hash(claimed).as_bytes()));
    writer.finish().unwrap()
}

#[test]
fn what_comes_back_as_something_else_is_told() {
    let [_, right, _] = tensors();
    restored(hashed(&right));
    let mut other = right;
    *other.last_mut().unwrap() ^= 1;
    let model = HctModel::new("m.hct", hashed(&other)).unwrap();
    assert!(verify(&model, &()).is_empty());
    let failures = verify_deep(&model, &());
    assert_eq!((failures.len(), &failures[0].name[..]), (1, "b"));
    let error = restore(&model, &mut BTreeMap::new(), &()).unwrap_err();
    assert!(
        matches!(&error, Error::NotTheOriginal { what, .. } if what.contains("\"b\"")),
        "{error}"
    );
}

#[test]
fn damage_in_any_band_is_an_error_that_names_the_tensor() {
    let [_, right, _] = tensors();
    let file = hashed(&right);
    for share in [0.1, 0.5, 0.9] {
        let mut damaged = file.clone();
        damaged[(share * file.len() as f64) as usize] ^= 4;
        let model = HctModel::new("m.hct", damaged).unwrap();
        let failures = verify(&model, &());
        assert_eq!((failures.len(), &failures[0].name[..]), (1, "b"));
        assert_eq!(failures[0].pieces.len(), 1);
        let error = restore(&model, &mut BTreeMap::new(), &()).unwrap_err();
        let error = format!("{error:?}");
        assert!(error.contains("\"b\""), "{error}");
    }
}

/// Counts the bytes that are read again.
#[derive(Default)]
struct Checked(AtomicU64);

impl Progress for Checked {
    fn advance(&self, _bytes: u64, _tensor: &str) {}

    fn checked(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[test]
fn every_band_is_proven() {
    let file = safetensors();
    let source = |file| Safetensors::new("made up", [("m.safetensors", file)]).unwrap();
    let of_file = source(file.clone());
    let model = HctModel::new("m.hct", compressed(&of_file)).unwrap();
    let checked = Checked::default();
    prove(&model, &of_file, &checked).unwrap();
    let total: u64 = SHAPES.iter().map(|(_, [a, b])| a * b).sum();
    assert_eq!(checked.0.into_inner(), total);
    // Where bands and batches of them end, and the last byte.
    let start = file.len() - tensors()[1..].concat().len();
    for at in [0, (4 << 20) - 1, 4 << 20, 16 << 20, LONG as usize - 1] {
        let mut other = file.clone();
        other[start + at] ^= 1;
        let error = prove(&model, &source(other), &()).unwrap_err();
        assert!(
            matches!(&error, Error::NotAsWritten { what, .. } if what == "tensor \"b\""),
            "{at}: {error}"
        );
    }
}

#[test]
fn batches_of_tensors_are_written_in_order() {
    let infos: Vec<TensorInfo> = (0..150)
        .map(|i| TensorInfo {
            name: format!("t{i}"),
            dtype: Dtype::I8,
            shape: vec![1 + i % 7],
        })
        .collect();
    let header = Header::of(&infos).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    file.extend(bytes_of(header.data_len(), 5));
    let source = Safetensors::new("made up", [("m.safetensors", file.clone())]).unwrap();
    let coded = compressed(&source);
    let model = HctModel::new("m.hct", coded.clone()).unwrap();
    assert_eq!(model.tensors(), source.tensors());
    assert!(restored(coded)["m.safetensors"] == file);
}
