//! Checkpoints in memory, and files of them.

use std::sync::Arc;

use hct_core::Dtype;
use hct_model::{
    Base, BaseMap, BaseMatch, CompressOptions, CompressReport, Error, HctModel, Header,
    Safetensors, ShardWriter, TensorInfo, TensorSource, encode,
};
use hct_strategies::Strategy;

/// A checkpoint in memory.
pub type Checkpoint = Safetensors<Vec<u8>>;

/// Bell-shaped values, the same for the same seed.
pub fn weights(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n)
        .map(|_| (uniform() + uniform() + uniform()) * 0.1)
        .collect()
}

/// The same moved by about `share` of themselves.
pub fn moved(values: &[f32], share: f32, seed: u64) -> Vec<f32> {
    let steps = weights(values.len(), seed);
    values
        .iter()
        .zip(steps)
        .map(|(v, s)| v + share * s)
        .collect()
}

/// A checkpoint of F32 matrices of 64 columns.
pub fn checkpoint(tensors: &[(&str, &[f32])]) -> Checkpoint {
    let infos: Vec<TensorInfo> = tensors
        .iter()
        .map(|(name, values)| TensorInfo {
            name: (*name).into(),
            dtype: Dtype::F32,
            shape: vec![values.len() as u64 / 64, 64],
        })
        .collect();
    let header = Header::of(&infos).unwrap();
    let mut writer = ShardWriter::new("m.safetensors", header, Vec::new()).unwrap();
    for (i, (_, values)) in tensors.iter().enumerate() {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        writer.write(i, &bytes).unwrap();
    }
    let file = writer.finish().unwrap();
    Safetensors::new("made up", [("m.safetensors", file)]).unwrap()
}

/// Codes `source`, against `base` if there is one.
pub fn pack(
    source: &Checkpoint,
    base: Option<(&Base, &BaseMap)>,
    strategy: &dyn Strategy,
) -> Result<(Vec<u8>, CompressReport), Error> {
    let matched = base
        .map(|(base, map)| BaseMatch::new(source, base, map, &()))
        .transpose()?;
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: matched.as_ref(),
        hashes: false,
    };
    encode(source, Vec::new(), strategy, options, &())
}

/// The same where names are the same, and it must work.
pub fn packed(
    source: &Checkpoint,
    base: Option<&Base>,
    strategy: &dyn Strategy,
) -> (Vec<u8>, CompressReport) {
    let map = BaseMap::default();
    pack(source, base.map(|base| (base, &map)), strategy).unwrap()
}

/// Opens a file with its base.
pub fn open(file: Vec<u8>, base: Option<&Arc<Base>>) -> HctModel<Vec<u8>> {
    let model = HctModel::new("file.hct", file).unwrap();
    match base {
        Some(base) => model.with_base(Arc::clone(base)),
        None => model,
    }
}

/// Asserts that all tensors of two sources are the same.
pub fn assert_same(a: &dyn TensorSource, b: &dyn TensorSource) {
    assert_eq!(a.tensors(), b.tensors());
    for (i, info) in a.tensors().iter().enumerate() {
        assert!(a.read(i).unwrap() == b.read(i).unwrap(), "{}", info.name);
    }
}
