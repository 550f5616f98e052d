//! GGUF files: what they say comes out, what lies is refused, and compressed they come back.

use std::collections::BTreeMap;

use hct_core::{BlockType, Dtype, FileKind};
use hct_model::{
    CheckpointPart, CheckpointSource, CompressOptions, Error, Gguf, GgufArray, GgufError,
    GgufHeader, GgufType, GgufValue, GgufWriter, HctModel, Part, TensorSource, encode, merge,
    restore, restore_file,
};
use hct_strategies::LosslessEncoder;

fn text(text: &str) -> GgufValue {
    GgufValue::String(text.into())
}

/// A value of every type, and arrays in arrays.
fn metadata() -> Vec<(String, GgufValue)> {
    let inner = |n: u16| GgufArray::U16(vec![n; n.into()]);
    let values = [
        GgufValue::U8(200),
        GgufValue::I8(-100),
        GgufValue::U16(60000),
        GgufValue::I16(-30000),
        GgufValue::U32(4_000_000_000),
        GgufValue::I32(-2_000_000_000),
        GgufValue::F32(1e-5),
        GgufValue::Bool(true),
        text("é"),
        GgufValue::String(vec![0xff, 0xfe]),
        GgufValue::U64(u64::MAX),
        GgufValue::I64(i64::MIN),
        GgufValue::F64(0.1),
        GgufValue::Array(GgufArray::String(vec![b"a".to_vec(), vec![0x80]])),
        GgufValue::Array(GgufArray::Array(vec![inner(3), inner(0)])),
        GgufValue::Array(GgufArray::Bool(vec![true, false])),
        GgufValue::Array(GgufArray::F32(vec![1.5, -2.5])),
    ];
    let numbered = values.into_iter().enumerate();
    numbered.map(|(i, v)| (format!("key.{i}"), v)).collect()
}

fn bytes_of(len: u64, salt: u32) -> Vec<u8> {
    (0..len as u32)
        .map(|i| ((i ^ salt).wrapping_mul(2_654_435_761) >> 27) as u8)
        .collect()
}

fn write(header: &GgufHeader) -> Vec<u8> {
    let mut writer = GgufWriter::new("m.gguf", header.clone(), Vec::new()).unwrap();
    for i in header.by_offset() {
        let bytes = bytes_of(header.tensors[i].byte_len(), i as u32);
        writer.write(i, &bytes).unwrap();
    }
    writer.finish().unwrap()
}

/// A file with a tensor of every type.
fn file() -> Vec<u8> {
    let plain = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::I8, Dtype::I64];
    let plain = plain.map(|d| (format!("plain.{d}"), GgufType::Plain(d), vec![3, 5]));
    let blocks = BlockType::ALL.iter().map(|&kind| {
        let shape = vec![2, 3, 2 * kind.weights() as u64];
        (format!("blk.{kind}"), GgufType::Blocks(kind), shape)
    });
    let empty = ("empty".to_owned(), GgufType::Plain(Dtype::F32), vec![0, 4]);
    let tensors = plain.into_iter().chain(blocks).chain([empty]);
    write(&GgufHeader::new(metadata(), tensors.collect()).unwrap())
}

fn open(bytes: &[u8]) -> Result<Gguf<&[u8]>, Error> {
    Gguf::new("m.gguf", bytes)
}

fn compressed(source: &dyn CheckpointSource) -> Vec<u8> {
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: false,
    };
    encode(source, Vec::new(), &LosslessEncoder, options, &())
        .unwrap()
        .0
}

#[test]
fn everything_comes_out() {
    let bytes = file();
    let gguf = open(&bytes).unwrap();
    assert_eq!(gguf.header().version, 3);
    assert_eq!(gguf.header().metadata, metadata());
    assert_eq!(gguf.files()[0].kind, FileKind::Gguf);
    for (i, tensor) in gguf.header().tensors.iter().enumerate() {
        let expected = bytes_of(tensor.byte_len(), i as u32);
        assert_eq!(gguf.read(i).unwrap(), expected, "{}", tensor.name);
    }
    let q4k = gguf.tensors().iter().position(|t| t.name == "blk.Q4_K");
    let q4k = q4k.unwrap();
    assert_eq!(gguf.tensors()[q4k].shape, [2, 3, 288]);
    assert_eq!(gguf.blocks_of(q4k), Some(BlockType::Q4K));
}

#[test]
fn a_compressed_file_comes_back_byte_for_byte() {
    for version in [2u8, 3] {
        let mut bytes = file();
        bytes[4] = version;
        let hct = compressed(&open(&bytes).unwrap());
        assert!(hct.len() < bytes.len());
        let model = HctModel::new("m.hct", &hct[..]).unwrap();
        let (restored, report) = restore_file(&model, Vec::new(), &()).unwrap();
        assert!(restored == bytes, "version {version}");
        assert_eq!(report.output_bytes, bytes.len() as u64);
        let mut folder = BTreeMap::new();
        restore(&model, &mut folder, &()).unwrap();
        assert!(folder["m.gguf"] == bytes);
    }
}

#[test]
fn parts_of_a_file_join_to_what_is_made_at_once() {
    let bytes = file();
    let whole = open(&bytes).unwrap();
    let part = |number| {
        let part = Part::new(number, 3).unwrap();
        compressed(&CheckpointPart::new(&whole, part))
    };
    let parts = [part(2), part(3), part(1)];
    let open = |file| HctModel::new("part", file).unwrap();
    let parts: Vec<_> = parts.iter().map(|file| open(&file[..])).collect();
    let joined = merge(&parts, Vec::new(), None, &()).unwrap();
    assert!(joined == compressed(&whole));
}

#[test]
fn the_end_may_be_padded_or_not() {
    let tensors = vec![("w".to_owned(), GgufType::Plain(Dtype::F32), vec![3])];
    let padded = write(&GgufHeader::new(Vec::new(), tensors).unwrap());
    let none = write(&GgufHeader::new(Vec::new(), Vec::new()).unwrap());
    for bytes in [
        &padded[..],
        &padded[..padded.len() - 20],
        &none,
        &none[..24],
    ] {
        let hct = compressed(&open(bytes).unwrap());
        let model = HctModel::new("m.hct", &hct[..]).unwrap();
        let restored = restore_file(&model, Vec::new(), &()).unwrap().0;
        assert_eq!(restored, bytes);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = file();
    let last = open(&bytes).unwrap();
    let with_data = last.header().tensors.iter().filter(|t| t.byte_len() > 0);
    let end = with_data.map(|t| t.offset + t.byte_len()).max().unwrap();
    let end = (last.header().data_start() + end) as usize;
    for len in (0..2000.min(end)).step_by(3).chain(end - 40..end) {
        assert!(open(&bytes[..len]).is_err(), "cut to {len}");
    }
}

#[test]
fn damage_never_panics() {
    let bytes = file();
    let header = open(&bytes).unwrap().header().data_start() as usize;
    for at in 0..header {
        for value in [0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            if let Ok(gguf) = open(&damaged) {
                (0..gguf.tensors().len()).for_each(|i| drop(gguf.read(i)));
            }
        }
    }
}

/// A header by hand, of the parts given, and 64 bytes of data.
fn by_hand(version: u32, tensors: u64, pairs: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(version.to_le_bytes());
    out.extend(tensors.to_le_bytes());
    out.extend(pairs.to_le_bytes());
    rest.iter().for_each(|part| out.extend(*part));
    out.resize(out.len().next_multiple_of(32) + 64, 0);
    out
}

fn name(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&name(key), &kind.to_le_bytes()[..], value].concat()
}

fn tensor(called: &str, dimensions: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut out = name(called);
    out.extend((dimensions.len() as u32).to_le_bytes());
    dimensions.iter().for_each(|d| out.extend(d.to_le_bytes()));
    out.extend(kind.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

fn array(kind: u32, count: u64) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat()
}

fn fault(bytes: &[u8]) -> GgufError {
    match open(bytes) {
        Err(Error::Gguf { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn honest_files_made_by_hand_are_read() {
    let w = tensor("w", &[8, 2], 0, 0);
    assert!(open(&by_hand(3, 1, 0, &[&w])).is_ok());
    let align = pair("general.alignment", 4, &128u32.to_le_bytes());
    assert!(open(&by_hand(2, 0, 1, &[&align])).is_ok());
}

#[test]
fn every_lie_has_its_error() {
    use GgufError::*;
    let huge = u64::MAX.to_le_bytes();
    let w = tensor("w", &[8], 0, 0);
    let nested: Vec<u8> = (0..6).flat_map(|_| array(9, 1)).collect();
    let key = pair("k", 0, &[1]);
    let align = |n: u32| pair("general.alignment", 4, &n.to_le_bytes());
    type Check = fn(&GgufError) -> bool;
    let lies: Vec<(&str, Vec<u8>, Check)> = vec![
        ("magic", b"GGML\x03\0\0\0".to_vec(), |e| {
            matches!(e, NotGguf)
        }),
        ("version", by_hand(4, 0, 0, &[]), |e| {
            matches!(e, Version { version: 4 })
        }),
        ("big-endian", by_hand(3 << 24, 0, 0, &[]), |e| {
            matches!(e, BigEndian)
        }),
        ("many pairs", by_hand(3, 0, u64::MAX, &[]), |e| {
            matches!(e, CutShort { .. })
        }),
        ("many tensors", by_hand(3, u64::MAX, 0, &[]), |e| {
            matches!(e, CutShort { .. })
        }),
        ("long key", by_hand(3, 0, 1, &[&huge]), |e| {
            matches!(e, CutShort { .. })
        }),
        (
            "key not text",
            by_hand(3, 0, 1, &[&1u64.to_le_bytes(), &[0xff], &[0; 5]]),
            |e| matches!(e, NotUtf8 { .. }),
        ),
        (
            "value type",
            by_hand(3, 0, 1, &[&pair("k", 13, &[0; 8])]),
            |e| matches!(e, ValueType { code: 13, .. }),
        ),
        (
            "array type",
            by_hand(3, 0, 1, &[&pair("k", 9, &array(77, 1))]),
            |e| matches!(e, ValueType { code: 77, .. }),
        ),
        (
            "long array",
            by_hand(3, 0, 1, &[&pair("k", 9, &array(12, 1 << 61))]),
            |e| matches!(e, CutShort { .. }),
        ),
        (
            "many strings",
            by_hand(3, 0, 1, &[&pair("k", 9, &array(8, 1 << 40))]),
            |e| matches!(e, CutShort { .. }),
        ),
        (
            "many arrays",
            by_hand(3, 0, 1, &[&pair("k", 9, &array(9, 1 << 40))]),
            |e| matches!(e, CutShort { .. }),
        ),
        (
            "deep arrays",
            by_hand(3, 0, 1, &[&pair("k", 9, &nested)]),
            |e| matches!(e, TooDeep { .. }),
        ),
        ("truth", by_hand(3, 0, 1, &[&pair("k", 7, &[2])]), |e| {
            matches!(e, NotBool { value: 2, .. })
        }),
        ("key twice", by_hand(3, 0, 2, &[&key, &key]), |e| {
            matches!(e, DuplicateKey { .. })
        }),
        ("alignment 0", by_hand(3, 0, 1, &[&align(0)]), |e| {
            matches!(e, Alignment { .. })
        }),
        ("alignment 24", by_hand(3, 0, 1, &[&align(24)]), |e| {
            matches!(e, Alignment { .. })
        }),
        (
            "alignment 2^31",
            by_hand(3, 0, 1, &[&align(1 << 31)]),
            |e| matches!(e, Alignment { .. }),
        ),
        (
            "alignment a text",
            by_hand(3, 0, 1, &[&pair("general.alignment", 8, &name("a"))]),
            |e| matches!(e, Alignment { .. }),
        ),
        (
            "dimensions",
            by_hand(3, 1, 0, &[&tensor("w", &[1; 5], 0, 0)]),
            |e| matches!(e, Dimensions { dimensions: 5, .. }),
        ),
        (
            "tensor type",
            by_hand(3, 1, 0, &[&tensor("w", &[8], 4, 0)]),
            |e| matches!(e, TensorType { code: 4, .. }),
        ),
        (
            "overflow",
            by_hand(3, 1, 0, &[&tensor("w", &[1 << 40, 1 << 40], 0, 0)]),
            |e| matches!(e, TooLarge { .. }),
        ),
        (
            "part of a block",
            by_hand(3, 1, 0, &[&tensor("w", &[48, 2], 8, 0)]),
            |e| {
                matches!(
                    e,
                    PartialBlock {
                        row: 48,
                        block: 32,
                        ..
                    }
                )
            },
        ),
        (
            "unaligned",
            by_hand(3, 1, 0, &[&tensor("w", &[8], 0, 4)]),
            |e| matches!(e, Unaligned { offset: 4, .. }),
        ),
        (
            "past the end",
            by_hand(3, 1, 0, &[&tensor("w", &[17], 0, 0)]),
            |e| matches!(e, CutShort { .. }),
        ),
        (
            "far past the end",
            by_hand(3, 1, 0, &[&tensor("w", &[8], 0, 1 << 63)]),
            |e| matches!(e, CutShort { .. }),
        ),
        (
            "twice",
            by_hand(3, 2, 0, &[&w, &tensor("w", &[8], 0, 32)]),
            |e| matches!(e, DuplicateTensor { .. }),
        ),
        (
            "overlap",
            by_hand(
                3,
                2,
                0,
                &[&tensor("v", &[16], 0, 0), &tensor("w", &[8], 0, 32)],
            ),
            |e| matches!(e, Overlap { .. }),
        ),
        (
            "a gap before",
            by_hand(3, 1, 0, &[&tensor("w", &[8], 0, 32)]),
            |e| matches!(e, Gap { .. }),
        ),
        ("a gap after", by_hand(3, 1, 0, &[&w]), |e| {
            matches!(e, Gap { .. })
        }),
    ];
    for (lie, bytes, is_right) in lies {
        let fault = fault(&bytes);
        assert!(is_right(&fault), "{lie}: {fault:?}");
    }
    let mut dirty = by_hand(
        3,
        2,
        0,
        &[&tensor("v", &[4], 0, 0), &tensor("w", &[8], 0, 32)],
    );
    let len = dirty.len();
    dirty[len - 40] = 1;
    assert_eq!(fault(&dirty), Gap { end: 32 });
}

#[test]
fn a_carried_header_that_lies_is_refused() {
    let bytes = file();
    let hct = compressed(&open(&bytes).unwrap());
    // Tensors of the records that the header has under another name.
    let model = HctModel::new("m.hct", &hct[..]).unwrap();
    assert!(model.check_layout().is_ok());
    let mut other = open(&bytes).unwrap().header().clone();
    other.tensors[0].name = "other".into();
    let other = write(&other);
    struct Lying<'a>(Gguf<&'a [u8]>, Gguf<&'a [u8]>);
    impl TensorSource for Lying<'_> {
        fn tensors(&self) -> &[hct_model::TensorInfo] {
            self.0.tensors()
        }
        fn read(&self, i: usize) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
            self.0.read(i)
        }
    }
    impl CheckpointSource for Lying<'_> {
        fn name(&self) -> &std::path::Path {
            self.0.name()
        }
        fn total_bytes(&self) -> u64 {
            self.0.total_bytes()
        }
        fn files(&self) -> &[hct_model::CarriedFile] {
            self.0.files()
        }
        fn read_file(&self, n: usize) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
            self.1.read_file(n)
        }
        fn file_of(&self, i: usize) -> Option<usize> {
            self.0.file_of(i)
        }
        fn read_range(
            &self,
            i: usize,
            range: std::ops::Range<u64>,
        ) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
            self.0.read_range(i, range)
        }
    }
    let hct = compressed(&Lying(open(&bytes).unwrap(), open(&other).unwrap()));
    let model = HctModel::new("m.hct", &hct[..]).unwrap();
    assert!(matches!(model.check_layout(), Err(Error::Carried { .. })));
}
