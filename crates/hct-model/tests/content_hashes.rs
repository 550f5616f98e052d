//! What comes back bit for bit is held against the hash of what it was.

use std::collections::BTreeMap;

use hct_core::{ContentHash, Dtype, EncodedTensor, FileKind, HctWriter, TensorMeta};
use hct_model::{
    CompressOptions, Error, HctModel, Header, Safetensors, TensorInfo, encode, restore, verify,
    verify_deep,
};
use hct_strategies::{LosslessEncoder, Strategy, UniformEncoder};

const CONFIG: &[u8] = b"{\"layers\": 3}";

fn values() -> Vec<u8> {
    let values = (0..64 * 128).map(|i| (i as f32 * 0.61).sin());
    values.flat_map(f32::to_le_bytes).collect()
}

fn header() -> Header {
    let info = TensorInfo {
        name: "w".into(),
        dtype: Dtype::F32,
        shape: vec![128, 64],
    };
    Header::of(&[info]).unwrap()
}

fn checkpoint() -> Safetensors<Vec<u8>> {
    let header = header();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    file.extend(values());
    Safetensors::new("made up", [("model.safetensors", file)])
        .unwrap()
        .with_side_file("config.json", CONFIG.to_vec())
        .unwrap()
}

fn coded(strategy: &dyn Strategy, hashes: bool) -> HctModel<Vec<u8>> {
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes,
    };
    let (file, _) = encode(&checkpoint(), Vec::new(), strategy, options, &()).unwrap();
    HctModel::new("m.hct", file).unwrap()
}

fn hash(bytes: &[u8]) -> Option<ContentHash> {
    Some(ContentHash(*blake3::hash(bytes).as_bytes()))
}

#[test]
fn every_entry_has_the_hash_of_what_it_was() {
    for strategy in [&LosslessEncoder as &dyn Strategy, &UniformEncoder::new(0.9)] {
        let model = coded(strategy, true);
        assert_eq!(model.index().tensors[0].hash, hash(&values()));
        let config = model.index().files.iter().find(|f| f.path == "config.json");
        assert_eq!(config.unwrap().hash, hash(CONFIG));
        let shard = model
            .index()
            .files
            .iter()
            .find(|f| f.kind != FileKind::Side);
        assert!(shard.unwrap().hash.is_some());
        assert!(verify_deep(&model, &()).is_empty());
        restore(&model, &mut BTreeMap::new(), &()).unwrap();
    }
    // Of a lossy tensor the hash tells what it was made of, and proves nothing.
    assert!(coded(&LosslessEncoder, true).can_be_proved(0));
    assert!(!coded(&UniformEncoder::new(0.9), true).can_be_proved(0));
    let without = coded(&LosslessEncoder, false);
    assert!(without.index().tensors[0].hash.is_none() && !without.can_be_proved(0));
}

/// A file whose checksums are right, of a tensor and a side file that are not what their hashes say.
fn lying(tensor: &[u8], side: &[u8]) -> HctModel<Vec<u8>> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let header = header().header_bytes().to_vec();
    let len = header.len() as u64;
    let shard = writer.add_file(FileKind::Shard, "model.safetensors", &header, 0, len);
    writer
        .add_file(
            FileKind::Side,
            "config.json",
            CONFIG,
            0,
            CONFIG.len() as u64,
        )
        .unwrap();
    writer.set_file_hash(hash(side).unwrap());
    let meta = TensorMeta {
        name: "w".into(),
        dtype: Dtype::F32,
        shape: vec![128, 64],
    };
    let exact = EncodedTensor::lossless(&meta, &values()).unwrap();
    let shard = Some(shard.unwrap());
    writer.add_tensor(meta, exact, shard, "lossless").unwrap();
    writer.set_tensor_hash(hash(tensor).unwrap());
    HctModel::new("m.hct", writer.finish().unwrap()).unwrap()
}

#[test]
fn what_comes_back_as_something_else_is_told() {
    let mut other = values();
    other[9] ^= 1;
    let restored = |model: &HctModel<Vec<u8>>| restore(model, &mut BTreeMap::new(), &()).map(drop);
    restored(&lying(&values(), CONFIG)).unwrap();

    let model = lying(&other, CONFIG);
    assert!(verify(&model, &()).is_empty());
    let failures = verify_deep(&model, &());
    let [failure] = &failures[..] else {
        panic!("{failures:?}");
    };
    assert_eq!((failure.kind, &failure.name[..]), ("tensor", "w"));
    assert!(failure.error.contains("BLAKE3"), "{}", failure.error);
    let error = restored(&model).unwrap_err();
    assert!(
        matches!(&error, Error::NotTheOriginal { what, .. } if what.contains("\"w\"")),
        "{error}"
    );

    let model = lying(&values(), b"{}");
    for failures in [verify(&model, &()), verify_deep(&model, &())] {
        assert_eq!((failures.len(), failures[0].kind), (1, "file"));
    }
    assert!(
        restored(&model)
            .unwrap_err()
            .to_string()
            .contains("config.json")
    );
}
