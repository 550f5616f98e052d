//! A file that is not what was coded is found before it takes the place of anything.

use hct_core::Dtype;
use hct_model::{CompressOptions, Error, HctModel, Header, Safetensors, TensorInfo, encode, prove};
use hct_strategies::{LosslessEncoder, UniformEncoder};

/// A checkpoint of one matrix with these values and one configuration.
fn checkpoint(name: &str, values: &[f32], config: &[u8]) -> Safetensors<Vec<u8>> {
    let info = TensorInfo {
        name: name.into(),
        dtype: Dtype::F32,
        shape: vec![values.len() as u64 / 64, 64],
    };
    let header = Header::of(&[info]).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    Safetensors::new("made up", [("model.safetensors", file)])
        .unwrap()
        .with_side_file("config.json", config.to_vec())
        .unwrap()
}

#[test]
fn only_what_was_coded_is_proven() {
    let values: Vec<f32> = (0..64 * 64).map(|i| (i as f32 * 0.61).sin()).collect();
    let mut others = values.clone();
    others[1000] += 1e-3;
    let source = checkpoint("w", &values, b"{}");
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: false,
    };
    let (exact, _) = encode(&source, Vec::new(), &LosslessEncoder, options, &()).unwrap();
    let uniform = UniformEncoder::new(0.9);
    let (lossy, _) = encode(&source, Vec::new(), &uniform, options, &()).unwrap();
    let proven = |bytes: &[u8], source: &Safetensors<Vec<u8>>| {
        let model = HctModel::new("m.hct", bytes.to_vec()).unwrap();
        prove(&model, source, &())
    };
    let fails = |bytes: &[u8], source: &Safetensors<Vec<u8>>, about: &str| {
        let error = proven(bytes, source).unwrap_err();
        assert!(
            matches!(&error, Error::NotAsWritten { what, .. } if what.contains(about)),
            "{error}"
        );
    };
    proven(&exact, &source).unwrap();
    proven(&lossy, &source).unwrap();
    fails(&exact, &checkpoint("w", &others, b"{}"), "tensor \"w\"");
    fails(
        &exact,
        &checkpoint("v", &values, b"{}"),
        "the list of tensors",
    );
    fails(&exact, &checkpoint("w", &values, b"[]"), "config.json");
    for mut bytes in [exact, lossy] {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fails(&bytes, &source, "tensor \"w\"");
    }
}
