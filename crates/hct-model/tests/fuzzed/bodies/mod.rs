//! What fuzzing does with bytes: read them as everything that is read, and hold what came of it to the
//! promises. Called by the targets in `fuzz`, and by the test beside this on all that is committed.

mod damage;
mod handed_out;
mod levels;
mod recover;
mod repair;
mod round_trip;

use std::collections::BTreeMap;

use hct_core::Dtype;
use hct_model::{
    BaseMap, CalibrationFile, CheckpointSource, CompressOptions, Error, Gguf, HctModel, Imatrix,
    MeasuredPart, Safetensors, TensorSource, decide, encode, info, merge, restore, split, verify,
};
use hct_strategies::{Allocation, ImportanceMap, LosslessEncoder, StrategySpec};

pub use handed_out::handed_out;
pub use levels::outcome;
pub use recover::recover;
use recover::recovered;
use repair::repaired;
pub use round_trip::round_trip;

/// Decoded bytes that an input may ask for; more is refused by limits, which have tests of their own.
const MOST: u64 = 4 << 20;

/// A way to read bytes, and its name.
pub type Body = (&'static str, fn(&[u8]));

/// Everything that bytes may be read as.
pub const ALL: [Body; 10] = [
    ("hct", hct),
    ("levels", |data| drop(outcome(data))),
    ("handed_out", handed_out),
    ("recover", recover),
    ("safetensors", safetensors),
    ("gguf", gguf),
    ("calibration", calibration),
    ("json", json),
    ("round_trip", round_trip),
    ("parts", parts),
];

const PLAIN: CompressOptions<'_> = CompressOptions {
    side_files: true,
    provenance: None,
    base: None,
    hashes: false,
};

/// An HCT file, its checksums made to fit, for the decoders to face the garbage. What verifies restores,
/// what does not does not, and parts of tensors are as in the whole. What is left of it, with the index and
/// without, is a file that is whole.
pub fn hct(data: &[u8]) {
    recovered(data);
    recovered(&data[..data.len().saturating_sub(1)]);
    let Some(model) = repaired(data) else {
        return;
    };
    let _ = info(&model);
    // Damaged recovery blocks take nothing from what is restored.
    let failures = verify(&model, &());
    let intact = failures.iter().all(|lost| lost.kind == "recovery block");
    for number in 0..model.index().tensors.len() {
        let _ = model.sections(number);
        let whole = model.read(number);
        let record = &model.index().tensors[number];
        let rows = record.shape.first().copied().filter(|&rows| rows > 1);
        if let (Ok(whole), Some(rows)) = (&whole, rows) {
            let row = whole.len() as u64 / rows;
            let part = model
                .tensor(number)
                .and_then(|part| part.rows(1..2)?.decode());
            let range = row as usize..2 * row as usize;
            assert!(part.unwrap() == whole[range], "{}", record.name);
        }
        assert!(whole.is_ok() || !intact, "{}", record.name);
    }
    let mut sink = BTreeMap::new();
    match restore(&model, &mut sink, &()) {
        Ok(_) => assert!(intact, "what does not verify was restored"),
        Err(Error::Incomplete { .. } | Error::NeedsBase { .. }) => {}
        Err(error) => assert!(!intact, "what verifies was not restored: {error}"),
    }
}

/// A safetensors file; one that is read comes back byte for byte.
pub fn safetensors(data: &[u8]) {
    if let Ok(source) = Safetensors::new("fuzzed", [("m.safetensors", data)]) {
        comes_back(&source, data);
    }
}

/// A GGUF file; likewise.
pub fn gguf(data: &[u8]) {
    let Ok(source) = Gguf::new("m.gguf", data) else {
        return;
    };
    if let Ok(view) = hct_model::AsCheckpoint::new(&source, source.header()) {
        for number in 0..view.tensors().len() {
            view.read(number).unwrap();
        }
    }
    comes_back(&source, data);
    if let Ok(plain) = source.dequantized(Dtype::F32) {
        for number in 0..plain.tensors().len() {
            assert_eq!(
                plain.read(number).unwrap().len() as u64,
                plain.tensors()[number].byte_len()
            );
        }
    }
}

/// Compresses without loss, and holds what comes back to `data`.
fn comes_back(source: &dyn CheckpointSource, data: &[u8]) {
    let (file, _) = encode(source, Vec::new(), &LosslessEncoder, PLAIN, &()).unwrap();
    let model = HctModel::new("fuzzed", file).unwrap();
    let mut sink = BTreeMap::new();
    restore(&model, &mut sink, &()).unwrap();
    assert!(sink.into_values().eq([data]), "it did not come back");
}

/// A file of statistics, or an importance matrix of either form.
pub fn calibration(data: &[u8]) {
    if let Ok(file) = CalibrationFile::new("fuzzed", data) {
        for number in 0..file.groups().len() {
            let _ = file.group(number);
        }
    }
    let _ = Imatrix::new("fuzzed", &data);
}

/// All JSON that is read: what is understood says the same once written and read again.
pub fn json(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(spec) = StrategySpec::from_json(text) {
        assert_eq!(StrategySpec::from_json(&spec.to_json()).unwrap(), spec);
        let _ = spec.plan(["a", "b"], None);
    }
    let _ = ImportanceMap::from_json(text);
    if let Ok(allocation) = Allocation::from_json(text) {
        let _ = allocation.build(&["a", "b"], None);
    }
    let _ = BaseMap::from_json(text);
    if let Ok(measured) = serde_json::from_str::<MeasuredPart>(text) {
        let _ = decide(&[measured], 4.0);
    }
}

/// A file cut in two and joined again is the same file.
pub fn parts(data: &[u8]) {
    let Some(model) = repaired(data) else {
        return;
    };
    if !verify(&model, &()).is_empty() {
        return;
    }
    let provenance = model.index().provenance.as_deref();
    let cut = split(&model, 2)
        .into_iter()
        .enumerate()
        .map(|(part, numbers)| {
            model
                .write_part(&numbers, part == 0, Vec::new(), provenance, &())
                .unwrap()
        });
    let cut: Vec<_> = cut
        .map(|part| HctModel::new("part", part).unwrap())
        .collect();
    if let Ok(joined) = merge(&cut, Vec::new(), provenance, &()) {
        let joined = HctModel::new("joined", joined).unwrap();
        for number in 0..model.index().tensors.len() {
            let name = &model.index().tensors[number].name;
            let other = joined.find(name).unwrap();
            assert!(joined.read(other).unwrap() == model.read(number).unwrap());
        }
    }
}
