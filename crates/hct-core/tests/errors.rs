//! What errors say: each its own part, the reason behind it in the next of the chain.
#![cfg(feature = "encode")]

use std::error::Error as _;
use std::io;

use hct_core::{
    Dtype, EncodedTensor, Error, FileKind, HctReader, HctWriter, MAX_TILE, MatrixView, Preparation,
    SparseFormat, TensorMeta, Transform, TrellisAnalysis, TrellisSettings, encode_sparse,
    energy_retention,
};

#[test]
fn no_message_repeats_its_source() {
    let io = Error::Io {
        context: "reading the file",
        source: io::Error::other("the disk is on fire"),
    };
    let inner = Error::WrongLength {
        bytes: 3,
        dtype: Dtype::F32,
        shape: vec![2],
    };
    for (error, behind) in [
        (io, "the disk is on fire"),
        (
            inner.in_tensor("w"),
            "3 bytes are not a F32 tensor of shape [2]",
        ),
    ] {
        let source = error.source().unwrap().to_string();
        assert_eq!(source, behind);
        assert!(!error.to_string().contains(&source), "{error}");
    }
}

#[test]
fn only_values_and_steps_are_out_of_range() {
    let step = Error::StepOutOfRange {
        step: 0.0,
        least: 1.0,
        most: 2.0,
    };
    let large = Error::TooLarge {
        magnitude: 2.0,
        limit: 1.0,
    };
    for error in [Error::NotFinite, large, step] {
        assert!(error.is_out_of_range());
        assert!(error.in_tensor("w").is_out_of_range());
    }
    for error in [
        Error::Empty,
        Error::DuplicateName,
        Error::NotCodable { dtype: Dtype::I8 },
        Error::Argument {
            what: "retention",
            why: "2 is not in (0, 1]".into(),
        },
    ] {
        assert!(!error.is_out_of_range());
        assert!(!error.in_tensor("w").is_out_of_range());
    }
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let side = writer.add_file(FileKind::Side, "s", b"ab", 0, 2).unwrap();
    let shard = writer.add_file(FileKind::Shard, "m", b"{}", 0, 2).unwrap();
    for (packing, len, what) in [(2, 2, "packing"), (0, 3, "unpacked length")] {
        let error = writer.add_file(FileKind::Side, "t", b"ab", packing, len);
        assert!(matches!(error, Err(Error::Argument { what: w, .. }) if w == what));
    }
    for (shape, file, what) in [
        (vec![1; 65], None, "shape"),
        (vec![1; 64], Some(side), "file"),
        (vec![1; 64], Some(shard + 1), "file"),
    ] {
        let meta = meta("w", shape);
        let coded = EncodedTensor::lossless(&meta, &[7]).unwrap();
        let Err(Error::Tensor { source, .. }) = writer.add_tensor(meta, coded, file, "") else {
            panic!("{what} was taken")
        };
        assert!(matches!(*source, Error::Argument { what: w, .. } if w == what));
    }
    // A refused tensor does not take the name; a taken name is refused.
    for taken in [false, true] {
        let meta = meta("w", vec![1; 64]);
        let coded = EncodedTensor::lossless(&meta, &[7]).unwrap();
        let added = writer.add_tensor(meta, coded, Some(shard), "");
        assert_eq!(added.is_err(), taken);
    }
    let reader = HctReader::open(writer.finish().unwrap()).unwrap();
    assert_eq!(reader.index().tensors[0].file, Some(shard));
    assert_eq!(reader.index().files.len(), 2);
}

#[test]
fn the_writer_refuses_sizes_that_no_file_has() {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let most = i64::MAX as u64;
    for (dtype, shape, refused) in [
        (Dtype::U8, vec![most + 1], true),
        (Dtype::U8, vec![1 << 32, 1 << 32], true),
        (Dtype::F32, vec![most / 4 + 1], true),
        // Readers multiply from the left.
        (Dtype::U8, vec![1 << 32, 1 << 32, 0], true),
        (Dtype::U8, vec![0, 1 << 32, 1 << 32], false),
    ] {
        let empty = EncodedTensor::lossless(&typed(dtype, &[0]), &[]).unwrap();
        match writer.add_tensor(typed(dtype, &shape), empty, None, "") {
            Ok(_) => assert!(!refused, "{shape:?}"),
            Err(Error::Tensor { source, .. }) => assert!(
                refused && matches!(*source, Error::Argument { what: "shape", .. }),
                "{shape:?}: {source}"
            ),
            Err(error) => panic!("{shape:?}: {error}"),
        }
    }
    HctReader::open(writer.finish().unwrap()).unwrap();
}

#[test]
fn a_lossless_tensor_is_not_added_as_another() {
    let coded = || EncodedTensor::lossless(&typed(Dtype::F32, &[2, 2]), &[0; 16]).unwrap();
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    for (dtype, shape, taken) in [
        (Dtype::BF16, vec![2, 2], false),
        (Dtype::BF16, vec![2, 4], false),
        (Dtype::I32, vec![2, 2], false),
        (Dtype::F32, vec![2, 3], false),
        (Dtype::F32, vec![4], true),
    ] {
        match writer.add_tensor(typed(dtype, &shape), coded(), None, "") {
            Ok(_) => assert!(taken, "{dtype} {shape:?}"),
            Err(Error::Tensor { source, .. }) => assert!(
                !taken && matches!(*source, Error::NotThisTensor { .. }),
                "{dtype} {shape:?}: {source}"
            ),
            Err(error) => panic!("{dtype} {shape:?}: {error}"),
        }
    }
}

#[test]
fn tiles_that_no_file_has_are_refused() {
    let values = [1.0; 64];
    let matrix = MatrixView::from_values(&values, 8, 8).unwrap();
    for whole in [false, true] {
        for (tile, refused) in [
            (0, true),
            (1, false),
            (MAX_TILE, false),
            (MAX_TILE + 1, true),
            (usize::MAX, true),
        ] {
            let how = Preparation {
                whole,
                tile,
                ..Preparation::tiled(Transform::Dct2)
            };
            let results = [
                encode_sparse(matrix, how, SparseFormat::Int4, 1.0).err(),
                energy_retention(matrix, how, 0.5).err(),
                TrellisAnalysis::new(matrix, how, TrellisSettings::new(8)).err(),
            ];
            for error in results {
                let named = matches!(error, Some(Error::Argument { what: "tile", .. }));
                assert_eq!((error.is_some(), named), (refused, refused), "{tile}");
            }
        }
    }
}

fn typed(dtype: Dtype, shape: &[u64]) -> TensorMeta {
    TensorMeta {
        name: format!("{dtype} {shape:?}"),
        dtype,
        shape: shape.to_vec(),
    }
}

fn meta(name: &str, shape: Vec<u64>) -> TensorMeta {
    TensorMeta {
        name: name.into(),
        dtype: Dtype::U8,
        shape,
    }
}
