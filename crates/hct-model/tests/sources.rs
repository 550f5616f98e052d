//! Checkpoints and HCT files that are not on disk, and what of them is read.

mod common;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use common::{assert_says, blob, bytes_file, chain, entry, header};
use hct_core::{Dtype, FileKind, ReadAt};
use hct_model::{
    CheckpointSource, CompressOptions, Error, HctModel, Safetensors, SourceChanged, TensorSource,
    encode, encode_to_rate, restore, restore_file,
};
use hct_strategies::{
    Calibration, LosslessEncoder, Moments, Plan, Quality, RdoEncoder, Strategy, StrategyName,
    StrategySpec, TensorStatistics,
};

const OPTIONS: CompressOptions = CompressOptions {
    side_files: true,
    provenance: None,
    base: None,
    hashes: false,
};

/// Matrices of bell-shaped weights, F32 and large enough for several tiles, and BF16.
fn weights() -> Vec<u8> {
    let entries = [
        entry("small", "BF16", &[64, 32], 0, 4096),
        entry("large", "F32", &[4096, 640], 4096, 4096 + 4096 * 640 * 4),
    ];
    let mut state = 1u64;
    let mut value = || {
        let mut uniform = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        uniform() + uniform() + uniform()
    };
    let small: Vec<u8> = (0..2048)
        .flat_map(|_| ((value().to_bits() >> 16) as u16).to_le_bytes())
        .collect();
    let large = (0..4096 * 640).flat_map(|_| value().to_le_bytes());
    blob(
        &header(&entries),
        &small.into_iter().chain(large).collect::<Vec<u8>>(),
    )
}

fn rdo(cosine: f64) -> RdoEncoder {
    RdoEncoder::new(Quality::Cosine(cosine))
}

#[test]
fn a_checkpoint_in_memory_comes_back_in_memory() {
    let (one, two) = (bytes_file(&[("a", 500)]), bytes_file(&[("b", 0), ("c", 7)]));
    let shards = [("1.safetensors", &one[..]), ("2.safetensors", &two[..])];
    let checkpoint = Safetensors::new("made up", shards)
        .and_then(|c| c.with_side_file("config.json", b"{}".to_vec()))
        .unwrap();
    assert_eq!(checkpoint.total_bytes(), (one.len() + two.len()) as u64);
    assert!(matches!(checkpoint.read(0).unwrap(), Cow::Borrowed(_)));
    assert_eq!(*checkpoint.read_range(2, 2..4).unwrap(), [2, 3]);
    assert_eq!(checkpoint.files()[2].kind, FileKind::Side);
    assert_eq!(*checkpoint.read_file(2).unwrap(), *b"{}");
    let error = checkpoint.read_file(3).unwrap_err();
    assert_says(&error, &["made up", "there are 3"]);

    let (file, report) = encode(&checkpoint, Vec::new(), &LosslessEncoder, OPTIONS, &()).unwrap();
    assert_eq!(report.output_bytes, file.len() as u64);
    assert_eq!(report.input_bytes, checkpoint.total_bytes() + 2);
    let model = HctModel::new("packed", &file).unwrap();
    let mut restored = BTreeMap::new();
    let report = restore(&model, &mut restored, &()).unwrap();
    assert_eq!(report.output_bytes, checkpoint.total_bytes() + 2);
    let wanted = [
        ("1.safetensors", one),
        ("2.safetensors", two),
        ("config.json", b"{}".to_vec()),
    ];
    assert_eq!(restored, wanted.map(|(k, v)| (k.to_owned(), v)).into());
    // Once more to where they are already.
    let error = restore(&model, &mut restored, &()).unwrap_err();
    assert!(matches!(error, Error::OutputExists { .. }));
    let error = restore_file(&model, Vec::new(), &()).unwrap_err();
    assert!(matches!(error, Error::ManyShards { shards: 2, .. }));
}

#[test]
fn what_cannot_be_restored_is_refused() {
    let file = bytes_file(&[("a", 5)]);
    let new = |shards: &[&str]| {
        Safetensors::new("made up", shards.iter().map(|&name| (name, &file[..]))).map(drop)
    };
    let error = new(&["m/1.safetensors"]).unwrap_err();
    assert!(matches!(error, Error::FileName { .. }));
    let error = new(&["1.safetensors", "2.safetensors"]).unwrap_err();
    assert!(matches!(error, Error::InTwoShards { .. }));
    let one = Safetensors::new("made up", [("m.safetensors", &file[..])]).unwrap();
    let error = one.with_side_file("../x", vec![]).err().unwrap();
    assert!(matches!(error, Error::UnsafePath { .. }));
}

#[test]
fn a_size_is_reached_in_memory() {
    let entries = [entry("w", "F32", &[512, 512], 0, 1 << 20)];
    let all = weights();
    // Numbers from the end on, so that they are whole.
    let bytes = blob(&header(&entries), &all[all.len() - (1 << 20)..]);
    let checkpoint = Safetensors::new("made up", [("m.safetensors", bytes)]).unwrap();
    let off = off_in_one_encoding(&checkpoint, StrategyName::Rdo, 3.0, None);
    assert!(off.abs() < 0.01);
}

/// By what share the file at `wanted` bits per weight is larger, which takes one encoding: the size is looked for
/// with something faster before.
fn off_in_one_encoding(
    checkpoint: &dyn CheckpointSource,
    strategy: StrategyName,
    wanted: f64,
    calibration: Option<Arc<dyn Calibration>>,
) -> f64 {
    let spec = StrategySpec::builder(strategy).bits_per_weight(wanted);
    let Plan::Rate(plan) = spec.finish().unwrap().plan([], calibration).unwrap() else {
        panic!("a size is a plan of its own");
    };
    let mut outputs = 0;
    let mut new_output = || {
        outputs += 1;
        Ok(Vec::new())
    };
    let encoded = encode_to_rate(checkpoint, &mut new_output, &plan, OPTIONS, &());
    let (file, report, _) = encoded.unwrap();
    assert_eq!(report.output_bytes, file.len() as u64);
    assert_eq!(outputs, 1, "{wanted}");
    report.bits_per_weight() / wanted - 1.0
}

/// Every input is as loud as the next, in all matrices but one.
struct Alike;

impl Calibration for Alike {
    fn statistics(&self, name: &str) -> hct_core::Result<Option<TensorStatistics>> {
        let statistics = || TensorStatistics::of_inputs(1000, Moments::Diagonal(vec![1.0; 640]));
        Ok((name != "small").then(statistics))
    }
}

#[test]
fn a_calibrated_size_takes_one_encoding() {
    let checkpoint = Safetensors::new("made up", [("m.safetensors", weights())]).unwrap();
    for wanted in [2.5, 3.3, 5.0] {
        let calibration = Some(Arc::new(Alike) as Arc<dyn Calibration>);
        let off = off_in_one_encoding(&checkpoint, StrategyName::Calibrated, wanted, calibration);
        assert!(off.abs() < 0.005, "{wanted}: {off}");
    }
}

/// Counts the bytes read.
struct Counting(Vec<u8>, Mutex<u64>);

impl ReadAt for Counting {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        *self.1.lock().unwrap() += len as u64;
        self.0.read_at(offset, len)
    }
}

#[test]
fn rows_cost_only_the_tiles_they_are_in() {
    let checkpoint = Safetensors::new("made up", [("m.safetensors", weights())]).unwrap();
    let (file, _) = encode(&checkpoint, Vec::new(), &rdo(0.99), OPTIONS, &()).unwrap();
    let source = Counting(file, Mutex::new(0));
    let model = HctModel::new("packed", &source).unwrap();
    let read = || std::mem::take(&mut *source.1.lock().unwrap());
    // The index, header and trailer, and nothing else.
    assert_eq!(read(), model.index_bytes() + 16 + 32);

    let number = model.find("large").unwrap();
    let record = &model.index().tensors[number];
    let all = model.read(number).unwrap();
    assert_eq!(read(), record.payload_bytes());
    // Three tiles, of 1376 rows each but for the last: what they share and one of them.
    let few = model.tensor(number).unwrap().rows(1500..1502).unwrap();
    assert_eq!((few.byte_len(), few.elements()), (2 * 640 * 4, 2 * 640));
    let bytes = few.decode().unwrap();
    assert!(bytes == all[1500 * 2560..1502 * 2560]);
    let one_tile = read();
    assert!(one_tile < record.payload_bytes() * 36 / 100, "{one_tile}");
    assert!(one_tile > record.payload_bytes() * 32 / 100, "{one_tile}");
    // The same into buffers.
    let mut buffer = vec![1; bytes.len()];
    few.decode_into(&mut buffer).unwrap();
    assert!(buffer == bytes);
    assert_eq!(read(), one_tile);
    let mut values = vec![0.0; 2 * 640];
    few.decode_f32(&mut values).unwrap();
    let floats = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    assert!(values.iter().copied().eq(floats));
    assert_eq!(read(), one_tile);
    // Rows on both sides of a boundary.
    let two = model.tensor(number).unwrap().rows(1375..1377).unwrap();
    assert!(two.decode().unwrap() == all[1375 * 2560..1377 * 2560]);
    let two_tiles = read();
    assert!(
        two_tiles > one_tile && two_tiles < 2 * one_tile + 4096,
        "{two_tiles}"
    );
    // No rows, and wrong ones.
    assert!(
        model
            .tensor(number)
            .unwrap()
            .rows(7..7)
            .unwrap()
            .decode()
            .unwrap()
            .is_empty()
    );
    let error = model
        .tensor(number)
        .unwrap()
        .rows(4000..4097)
        .err()
        .unwrap();
    assert_says(&chain(&error), &["packed", "large", "4096"]);
    assert_says(
        &chain(&model.find("medium").unwrap_err()),
        &["packed", "medium"],
    );
    assert_says(&chain(&model.tensor(2).err().unwrap()), &["packed", "2"]);
    assert_eq!(read(), 0);
}

#[test]
fn values_are_those_of_the_dtype() {
    let checkpoint = Safetensors::new("made up", [("m.safetensors", weights())]).unwrap();
    for strategy in [&rdo(0.98) as &dyn Strategy, &LosslessEncoder] {
        let (file, _) = encode(&checkpoint, Vec::new(), strategy, OPTIONS, &()).unwrap();
        let model = HctModel::new("packed", file).unwrap();
        let number = model.find("small").unwrap();
        assert_eq!(model.tensors()[number].dtype, Dtype::BF16);
        let part = model.tensor(number).unwrap().rows(3..60).unwrap();
        let mut values = vec![0.0; 57 * 32];
        part.decode_f32(&mut values).unwrap();
        for (value, bytes) in values.iter().zip(part.decode().unwrap().chunks_exact(2)) {
            let upper = u32::from(u16::from_le_bytes(bytes.try_into().unwrap())) << 16;
            assert_eq!(value.to_bits(), upper);
        }
    }
}

/// Bytes that are gone after the first few reads.
struct Fickle(Vec<u8>, Mutex<usize>);

impl ReadAt for Fickle {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let mut left = self.1.lock().unwrap();
        *left = left.checked_sub(1).ok_or(SourceChanged)?;
        self.0.read_at(offset, len)
    }
}

#[test]
fn any_source_can_say_that_it_changed() {
    // Two reads are the header's.
    for reads in 0..4 {
        let source = Fickle(bytes_file(&[("a", 5), ("b", 6)]), Mutex::new(reads));
        let encoded = Safetensors::new("made up", [("m.safetensors", source)])
            .and_then(|c| encode(&c, Vec::new(), &LosslessEncoder, OPTIONS, &()));
        assert!(matches!(encoded, Err(Error::Changed { .. })), "{reads}");
    }
}
