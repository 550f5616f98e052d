//! A checkpoint coded in parts is the checkpoint coded at once.

mod common;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use hct_core::{Dtype, HctWriter, TensorMeta};
use hct_model::{
    CheckpointPart, CheckpointSource, CompressOptions, Error, HctModel, Header, Part, PartFault,
    Safetensors, TensorInfo, encode, merge, restore, split, split_by_size,
};
use hct_strategies::{LosslessEncoder, Plan, Strategy, StrategyName, StrategySpec};

const OPTIONS: CompressOptions = CompressOptions {
    side_files: true,
    provenance: Some("{}"),
    base: None,
    hashes: true,
};

fn tensors(prefix: &str, count: u64) -> Vec<TensorInfo> {
    (0..count)
        .map(|i| TensorInfo {
            name: format!("{prefix}.{i}"),
            dtype: if i % 3 == 2 { Dtype::I32 } else { Dtype::F32 },
            shape: vec![16 + 8 * (i % 5), 48],
        })
        .collect()
}

/// A safetensors file of such tensors.
fn shard(tensors: &[TensorInfo], seed: u64) -> Vec<u8> {
    let header = Header::of(tensors).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    let mut state = seed;
    for _ in 0..header.data_len() / 4 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let x = (state >> 40) as f32 / 8_388_608.0 - 1.0;
        file.extend(x.to_le_bytes());
    }
    file
}

/// Two files of tensors, and a side file.
fn checkpoint() -> Safetensors<Vec<u8>> {
    let files = [
        ("a.safetensors", "first", 7),
        ("b.safetensors", "second", 5),
    ];
    let shards = files.map(|(name, prefix, count)| {
        let bytes = shard(&tensors(prefix, count), count);
        (name.to_owned(), bytes)
    });
    Safetensors::new("made up", shards)
        .unwrap()
        .with_side_file("config.json", b"{}".to_vec())
        .unwrap()
}

fn rdo() -> Box<dyn Strategy> {
    let spec = StrategySpec::builder(StrategyName::Rdo).cosine(0.99);
    match spec.finish().unwrap().plan([], None).unwrap() {
        Plan::Strategy(strategy) => strategy,
        _ => unreachable!("a cosine is no size"),
    }
}

fn coded(source: &dyn CheckpointSource, strategy: &dyn Strategy) -> Vec<u8> {
    encode(source, Vec::new(), strategy, OPTIONS, &())
        .unwrap()
        .0
}

fn part(number: usize, of: usize) -> Part {
    Part::new(number, of).unwrap()
}

/// The files of all parts.
fn parts(whole: &dyn CheckpointSource, of: usize, strategy: &dyn Strategy) -> Vec<Vec<u8>> {
    (1..=of)
        .map(|number| coded(&CheckpointPart::new(whole, part(number, of)), strategy))
        .collect()
}

fn open(files: &[Vec<u8>]) -> Vec<HctModel<&[u8]>> {
    let named = files.iter().enumerate();
    named
        .map(|(i, file)| HctModel::new(format!("part {}", i + 1), &file[..]).unwrap())
        .collect()
}

fn merged(files: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    merge(&open(files), Vec::new(), Some("{}"), &())
}

fn fault(files: &[Vec<u8>]) -> (String, PartFault) {
    match merged(files).unwrap_err() {
        Error::Part { path, fault } => (path.display().to_string(), fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_joined_in_any_order_are_the_file_made_at_once() {
    let whole = checkpoint();
    for strategy in [&*rdo(), &LosslessEncoder] {
        let at_once = coded(&whole, strategy);
        for of in [1, 2, 3, 5, 40] {
            let mut files = parts(&whole, of, strategy);
            files.rotate_left(of / 2);
            assert!(merged(&files).unwrap() == at_once, "{of} parts");
        }
    }
}

#[test]
fn a_file_cut_is_the_parts_coded_alone_and_joins_again() {
    let whole = checkpoint();
    let strategy = rdo();
    let at_once = coded(&whole, &*strategy);
    let model = HctModel::new("whole", &at_once[..]).unwrap();
    let cut = |parts: &[Vec<usize>]| -> Vec<Vec<u8>> {
        let parts = parts.iter().enumerate();
        parts
            .map(|(i, tensors)| {
                let out = Vec::new();
                model
                    .write_part(tensors, i == 0, out, Some("{}"), &())
                    .unwrap()
            })
            .collect()
    };
    assert!(cut(&split(&model, 3)) == parts(&whole, 3, &*strategy));

    let most = at_once.len() as u64 / 4;
    let by_size = split_by_size(&model, most);
    assert!(by_size.len() > 3, "{by_size:?}");
    assert_eq!(by_size.concat(), (0..12).collect::<Vec<_>>());
    let payload = |part: &Vec<usize>| -> u64 {
        let records = part.iter().map(|&i| &model.index().tensors[i]);
        records.map(|record| record.payload_bytes()).sum()
    };
    assert!(by_size.iter().all(|part| payload(part) <= most));
    assert!(merged(&cut(&by_size)).unwrap() == at_once);
    // Smaller than any tensor: one each.
    assert_eq!(split_by_size(&model, 1).len(), 12);
}

#[test]
fn a_part_is_read_like_any_file_but_is_no_checkpoint() {
    let whole = checkpoint();
    let file = coded(&CheckpointPart::new(&whole, part(2, 3)), &LosslessEncoder);
    let model = HctModel::new("part", &file[..]).unwrap();
    for i in 0..model.index().tensors.len() {
        model.verify(i).unwrap();
    }
    let error = restore(&model, &mut BTreeMap::new(), &()).unwrap_err();
    let tensors = model.index().tensors.len();
    assert!(
        matches!(&error, Error::Incomplete { tensors: has, of: 12, .. } if *has == tensors),
        "{error:?}"
    );
    assert!(error.to_string().contains("hct merge"), "{error}");
    assert!(matches!(
        model.check_layout(),
        Err(Error::Incomplete { .. })
    ));
    // Side files are in the first part.
    assert!(model.side_file("config.json").unwrap().is_none());
}

#[test]
fn what_does_not_belong_together_is_named() {
    let whole = checkpoint();
    let files = parts(&whole, 3, &LosslessEncoder);

    let (_, missing) = fault(&[files[0].clone(), files[2].clone()]);
    let lacks = CheckpointPart::new(&whole, part(2, 3));
    let lacks: &[TensorInfo] = hct_model::TensorSource::tensors(&lacks);
    assert_eq!(
        missing,
        PartFault::Missing {
            tensor: lacks[0].name.clone(),
            missing: lacks.len()
        }
    );

    let twice = [0, 1, 2, 1].map(|i: usize| files[i].clone());
    let (path, fault_twice) = fault(&twice);
    assert_eq!(path, "part 4");
    assert!(matches!(fault_twice, PartFault::Twice { other, .. } if other == "part 2"));

    let another = [("a.safetensors", "first", 7), ("b.safetensors", "third", 5)];
    let another = another
        .map(|(name, prefix, count)| (name.to_owned(), shard(&tensors(prefix, count), count)));
    let another = Safetensors::new("another", another).unwrap();
    let stranger = coded(&CheckpointPart::new(&another, part(2, 3)), &LosslessEncoder);
    let (path, stranger) = fault(&[files[0].clone(), stranger, files[2].clone()]);
    assert_eq!(path, "part 2");
    let file = "b.safetensors".to_owned();
    let first = "part 1".to_owned();
    assert_eq!(stranger, PartFault::OtherCheckpoint { file, first });

    let (path, none) = fault(&[]);
    assert_eq!((path.as_str(), none), ("", PartFault::None));
}

#[test]
fn a_tensor_that_no_header_names_is_refused() {
    let whole = checkpoint();
    let mut files = parts(&whole, 2, &LosslessEncoder);
    let meta = TensorMeta {
        name: "stray".into(),
        dtype: Dtype::U8,
        shape: vec![3],
    };
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let model = HctModel::new("part", &files[1][..]).unwrap();
    for entry in &model.index().files {
        let bytes = model.carried(entry).unwrap();
        let len = bytes.len() as u64;
        writer
            .add_file(entry.kind, &entry.path, &bytes, 0, len)
            .unwrap();
    }
    let tensor = hct_core::EncodedTensor::lossless(&meta, &[1, 2, 3]).unwrap();
    writer.add_tensor(meta, tensor, Some(0), "by hand").unwrap();
    files.push(writer.finish().unwrap());
    let (path, stray) = fault(&files);
    assert_eq!(path, "part 3");
    let tensor = "stray".to_owned();
    assert_eq!(stray, PartFault::NotInCheckpoint { tensor });
}

#[test]
fn a_damaged_part_is_not_joined() {
    let whole = checkpoint();
    let files = parts(&whole, 2, &LosslessEncoder);
    let models = [0, 1].map(|i| HctModel::new("part", &files[i][..]).unwrap());
    let whole_file = merge(&models, Vec::new(), Some("{}"), &()).unwrap();
    let mut refused = 0;
    for at in (0..files[1].len()).step_by(97) {
        let mut damaged = files.clone();
        damaged[1][at] ^= 0x10;
        let parts: Result<Vec<_>, Error> = damaged
            .iter()
            .map(|file| HctModel::new("part", &file[..]))
            .collect();
        let joined = parts.and_then(|parts| merge(&parts, Vec::new(), Some("{}"), &()));
        match joined {
            Err(_) => refused += 1,
            // Recovery blocks are made anew.
            Ok(joined) => assert!(joined == whole_file, "byte {at}"),
        }
    }
    assert!(refused > 50, "{refused}");
    // What is read of a checkpoint is its own.
    assert!(matches!(
        whole.read_file(9),
        Err(Error::NoSuchFile { number: 9, .. })
    ));
    let first = CheckpointPart::new(&whole, part(1, 2));
    assert!(matches!(first.read_file(9), Err(Error::NoSuchFile { .. })));
    assert_eq!(first.read_file(0).unwrap(), whole.read_file(0).unwrap());
    let _: Cow<'_, [u8]> = first.read_range(0, 0..4).unwrap();
    assert_eq!(first.name(), Path::new("made up"));
}
