//! Short files that promise gigabytes of carried files.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use hct_core::{FileKind, Limited, Limits};
use hct_model::{Error, HctModel, restore, verify};

use crate::bombs::limit;
use crate::common::{assert_says, chain};
use crate::made::Made;

const MIB: u64 = 1 << 20;

fn open(made: Made) -> HctModel<Vec<u8>> {
    HctModel::new("bomb.hct", made.finish()).unwrap()
}

/// `count` files of a kind that share a chunk of `stored` bytes, each to unpack to `unpacked`.
fn sharing(kind: u8, count: u64, stored: usize, unpacked: u64) -> HctModel<Vec<u8>> {
    let mut made = Made::new();
    let at = made.stored(&vec![7; stored]);
    for i in 0..count {
        made.carried_at(kind, &format!("f{i}"), 1, unpacked, &at);
    }
    open(made)
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn many_side_files_of_one_chunk() {
    let model = sharing(1, 2000, 260_000, 256 * MIB);
    assert!(model.file_bytes() < 310_000);
    let entry = &model.index().files[0];
    for error in [
        model.check_limits().unwrap_err(),
        model.carried(entry).unwrap_err(),
        model.side_file("f1").unwrap_err(),
        restore(&model, &mut BTreeMap::new(), &()).unwrap_err(),
    ] {
        let exceeded = limit(&error);
        assert_eq!(
            (exceeded.what, exceeded.asked),
            (Limited::Unpacked, 2000 * 256 * MIB)
        );
        assert_says(&chain(&error), &["bomb.hct", "f0", "limit"]);
    }
    let failures = verify(&model, &());
    assert_eq!(failures.len(), 1);
    assert!(hct_model::info(&model).unwrap().over_limits.is_some());
}

#[test]
fn many_headers_of_one_chunk() {
    let model = sharing(0, 100, 90_000, 58 * MIB);
    assert_eq!(
        limit(&model.check_layout().unwrap_err()).what,
        Limited::Unpacked
    );
    // Those are parsed and held all at once.
    let model = sharing(0, 4, 1000, 20 * MIB);
    let exceeded = limit(&model.check_layout().unwrap_err());
    assert_eq!(
        (exceeded.what, exceeded.asked),
        (Limited::Headers, 80 * MIB)
    );
    sharing(1, 4, 1000, 20 * MIB).check_limits().unwrap();
}

#[test]
fn one_file_that_is_too_long_whatever_the_limits() {
    let mut made = Made::new();
    let at = made.stored(b"");
    made.carried_at(1, "a", 1, 256 * MIB + 1, &at);
    let model = HctModel::new_within("bomb.hct", made.finish(), Limits::none()).unwrap();
    let error = model.carried(&model.index().files[0]).unwrap_err();
    assert!(matches!(error, Error::Carried { .. }), "{error:?}");
    assert_says(&error, &["\"a\"", "too many"]);
}

#[test]
fn a_stream_that_is_longer_than_it_says() {
    let packed = zlib(&vec![0; 100_000]);
    for (promised, fits) in [
        (100_000, true),
        (99_999, false),
        (100_001, false),
        (0, false),
    ] {
        let mut made = Made::new();
        let at = made.stored(&packed);
        made.carried_at(1, "a", 1, promised, &at);
        let model = open(made);
        let entry = &model.index().files[0];
        assert!(entry.kind == FileKind::Side && entry.unpacked_len == promised);
        let unpacked = model.carried(entry);
        assert_eq!(unpacked.is_ok(), fits, "{promised}");
        if let Err(error) = unpacked {
            assert_says(&error, &["\"a\"", "it should unpack to"]);
        }
    }
}

#[test]
fn a_plain_file_of_another_length() {
    let mut made = Made::new();
    let at = made.stored(b"abc");
    made.carried_at(1, "a", 0, 4, &at);
    let model = open(made);
    let error = model.carried(&model.index().files[0]).unwrap_err();
    assert_says(&error, &["\"a\"", "it should unpack to 4 bytes"]);
}
