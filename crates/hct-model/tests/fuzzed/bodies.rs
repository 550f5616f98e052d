//! What fuzzing does with bytes: read them as everything that is read, and hold what came of it to the
//! promises. Called by the targets in `fuzz`, and by the test beside this on all that is committed.

use std::collections::BTreeMap;
use std::path::Path;

use hct_core::{Dtype, Error as CodecError, Limits};
use hct_model::{
    BaseMap, CalibrationFile, CheckpointSource, CompressOptions, Error, Gguf, HctModel, Imatrix,
    MeasuredPart, Safetensors, TensorInfo, TensorSource, decide, encode, info, merge, recover_to,
    restore, split, verify,
};
use hct_strategies::{
    Allocation, ImportanceMap, LosslessEncoder, Plan, StrategyName, StrategySpec,
};

/// Decoded bytes that an input may ask for; more is refused by limits, which have tests of their own.
const MOST: u64 = 4 << 20;
/// Checksums that are made to fit.
const REPAIRS: usize = 200;

/// A way to read bytes, and its name.
pub type Body = (&'static str, fn(&[u8]));

/// Everything that bytes may be read as.
pub const ALL: [Body; 7] = [
    ("hct", hct),
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

/// Recovers what there is, which has no wrong checksum and no other tensors than it says.
fn recovered(data: &[u8]) {
    let left = recover_to(
        Path::new("fuzzed"),
        data,
        Vec::new(),
        Limits::default(),
        &(),
    );
    let Ok((output, report)) = left else {
        return;
    };
    let model = HctModel::new("recovered", output).unwrap();
    assert_eq!(model.tensors().len(), report.tensors);
    let files = &model.index().files;
    assert_eq!(files.len(), report.files);
    let decoded = model.index().tensors.iter();
    if decoded.fold(0, |sum: u64, t| sum.saturating_add(t.decoded_bytes())) < MOST {
        for lost in verify(&model, &()) {
            assert!(!lost.error.contains("checksum") && lost.kind != "recovery block");
        }
    }
}

/// The model in `data` once every wrong checksum that reading it comes upon is made to fit.
fn repaired(data: &[u8]) -> Option<HctModel<Vec<u8>>> {
    let mut bytes = data.to_vec();
    for _ in 0..REPAIRS {
        seal_index(&mut bytes);
        let model = HctModel::new("fuzzed", bytes.clone()).ok()?;
        let records = &model.index().tensors;
        let decoded: u64 = records
            .iter()
            .fold(0, |sum, t| t.decoded_bytes().saturating_add(sum));
        if decoded > MOST {
            return None;
        }
        let files = model
            .index()
            .files
            .iter()
            .map(|f| model.carried(f).map(drop));
        let tensors = (0..records.len()).map(|i| model.read(i).map(drop));
        let wrong = files
            .chain(tensors)
            .filter_map(Result::err)
            .find_map(|e| checksums(&e));
        let Some((stored, computed)) = wrong else {
            return Some(model);
        };
        let (stored, computed) = (stored.to_le_bytes(), computed.to_le_bytes());
        let index = index_start(&bytes)?;
        let at = bytes[index..].windows(4).position(|four| four == stored)?;
        bytes[index + at..][..4].copy_from_slice(&computed);
    }
    None
}

/// The checksum that is stored and the one that would fit, where that is what is wrong.
fn checksums(error: &Error) -> Option<(u32, u32)> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(CodecError::Checksum {
            stored, computed, ..
        }) = error.downcast_ref()
        {
            return Some((*stored, *computed));
        }
        next = error.source();
    }
    None
}

/// Where the trailer says that the index begins.
fn index_start(file: &[u8]) -> Option<usize> {
    let trailer = file.len().checked_sub(32)?;
    let field = file[trailer..].first_chunk::<8>()?;
    let start = usize::try_from(u64::from_le_bytes(*field)).ok()?;
    (start <= trailer).then_some(start)
}

/// Makes the checksum of the index fit.
fn seal_index(file: &mut [u8]) {
    let Some(start) = index_start(file) else {
        return;
    };
    let trailer = file.len() - 32;
    let crc = crc32fast::hash(&file[start..trailer]);
    file[trailer + 16..][..4].copy_from_slice(&crc.to_le_bytes());
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

/// Numbers of any kind by any strategy: what is exact comes back, and the rest is a file that verifies
/// and whose finite values stay finite.
pub fn round_trip(data: &[u8]) {
    let Some(([which, dtype, width], numbers)) = data.split_first_chunk() else {
        return;
    };
    let strategies = StrategyName::ALL;
    let name = strategies[usize::from(*which) % strategies.len()];
    let dtype = [Dtype::F32, Dtype::F16, Dtype::BF16][usize::from(*dtype) % 3];
    let size = dtype.bits() / 8;
    let columns = 1 + u64::from(*width);
    let rows = (numbers.len() / size) as u64 / columns;
    let numbers = &numbers[..(rows * columns) as usize * size];
    let info = TensorInfo {
        name: "model.layers.0.mlp.up_proj.weight".into(),
        dtype,
        shape: vec![rows, columns],
    };
    let header = hct_model::Header::of(&[info]).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.header_bytes());
    file.extend_from_slice(numbers);
    let source = Safetensors::new("fuzzed", [("m.safetensors", &file[..])]).unwrap();
    let spec = StrategySpec::builder(name).finish().unwrap();
    let Ok(Plan::Strategy(strategy)) = spec.plan([], None) else {
        return;
    };
    let (coded, report) = encode(&source, Vec::new(), &*strategy, PLAIN, &()).unwrap();
    let model = HctModel::new("fuzzed", coded).unwrap();
    assert!(verify(&model, &()).is_empty());
    let back = model.read(0).unwrap();
    assert_eq!(back.len(), numbers.len());
    if report.lossy_weights == 0 {
        assert!(back[..] == *numbers);
    } else {
        let values = |bytes: &[u8]| hct_model::GgufType::Plain(dtype).dequantize(bytes).unwrap();
        let pairs = values(numbers).into_iter().zip(values(&back));
        assert!({ pairs }.all(|(x, y)| x.is_finite() && y.is_finite()));
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
