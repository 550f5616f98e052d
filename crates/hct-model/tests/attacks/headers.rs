//! Lies in the header of a safetensors file.

use crate::common::{assert_says, blob, entry, folder, header, header_error, open_error};
use hct_model::{Error, HeaderError};

/// The header error of a file with these entries and so much data.
fn entries_error(entries: &[String], data_len: usize) -> (HeaderError, String) {
    header_error(&blob(&header(entries), &vec![0; data_len]))
}

macro_rules! assert_header_error {
    ($result:expr, $pattern:pat, $parts:expr) => {
        let (error, message) = $result;
        assert!(matches!(error, $pattern), "{error:?}");
        assert_says(&message, $parts);
    };
}

#[test]
fn tensors_overlap() {
    let entries = [entry("a", "U8", &[4], 0, 4), entry("b", "U8", &[4], 2, 6)];
    assert_header_error!(
        entries_error(&entries, 6),
        HeaderError::Overlap { .. },
        &["\"a\"", "\"b\""]
    );
}

#[test]
fn two_tensors_share_all_bytes() {
    let entries = [entry("a", "U8", &[4], 0, 4), entry("b", "U8", &[4], 0, 4)];
    assert_header_error!(
        entries_error(&entries, 4),
        HeaderError::Overlap { .. },
        &["\"b\""]
    );
}

#[test]
fn hole_between_tensors() {
    let entries = [entry("a", "U8", &[4], 0, 4), entry("b", "U8", &[4], 5, 9)];
    assert_header_error!(
        entries_error(&entries, 9),
        HeaderError::Gap { .. },
        &["\"b\""]
    );
}

#[test]
fn hole_before_the_first_tensor() {
    let entries = [entry("a", "U8", &[4], 1, 5)];
    assert_header_error!(
        entries_error(&entries, 5),
        HeaderError::Gap { .. },
        &["\"a\""]
    );
}

#[test]
fn bytes_after_the_last_tensor() {
    let entries = [entry("a", "U8", &[4], 0, 4)];
    assert_header_error!(
        entries_error(&entries, 5),
        HeaderError::Trailing {
            end: 4,
            data_len: 5
        },
        &["belongs to no tensor"]
    );
}

#[test]
fn tensor_past_the_end() {
    let entries = [entry("a", "U8", &[4], 0, 4)];
    assert_header_error!(
        entries_error(&entries, 3),
        HeaderError::PastEndOfData { .. },
        &["\"a\"", "download it again"]
    );
}

#[test]
fn tensor_past_the_end_of_any_file() {
    let len = u64::MAX / 8;
    let entries = [entry("a", "U8", &[len], 0, len)];
    assert_header_error!(
        entries_error(&entries, 3),
        HeaderError::PastEndOfData { .. },
        &["\"a\""]
    );
}

#[test]
fn tensor_ends_before_it_starts() {
    let entries = [entry("a", "U8", &[4], 4, 0)];
    assert_header_error!(
        entries_error(&entries, 4),
        HeaderError::Reversed { .. },
        &["\"a\""]
    );
}

#[test]
fn shape_and_bytes_disagree() {
    let entries = [entry("a", "F32", &[2], 0, 4)];
    assert_header_error!(
        entries_error(&entries, 4),
        HeaderError::WrongLength {
            expected: 8,
            actual: 4,
            ..
        },
        &["\"a\"", "F32", "[2]"]
    );
}

#[test]
fn shape_overflows() {
    for (dtype, shape) in [("U8", &[1 << 40, 1 << 40][..]), ("F64", &[1 << 60])] {
        let entries = [entry("a", dtype, shape, 0, 4)];
        let result = entries_error(&entries, 4);
        assert_header_error!(result, HeaderError::ShapeOverflow { .. }, &["\"a\""]);
    }
}

#[test]
fn elements_do_not_fill_bytes() {
    let entries = [entry("a", "F4", &[3], 0, 2)];
    let result = entries_error(&entries, 2);
    assert_header_error!(result, HeaderError::PartialByte { .. }, &["\"a\"", "F4"]);
}

#[test]
fn unknown_dtype() {
    let entries = [entry("a", "F128", &[1], 0, 16)];
    let result = entries_error(&entries, 16);
    assert_header_error!(result, HeaderError::UnknownDtype { .. }, &["\"a\"", "F128"]);
}

#[test]
fn tensor_twice_in_a_file() {
    // Together they would cover the data; a map would keep only the last.
    let entries = [entry("a", "U8", &[4], 0, 4), entry("a", "U8", &[4], 4, 8)];
    assert_header_error!(
        entries_error(&entries, 8),
        HeaderError::DuplicateTensor { .. },
        &["\"a\"", "twice"]
    );
}

#[test]
fn metadata_key_twice() {
    let bytes = blob(r#"{"__metadata__":{"k":"1","k":"2"}}"#, &[]);
    assert_header_error!(
        header_error(&bytes),
        HeaderError::DuplicateMetadata { .. },
        &["\"k\""]
    );
}

#[test]
fn metadata_twice() {
    let bytes = blob(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]);
    assert_header_error!(
        header_error(&bytes),
        HeaderError::Json(_),
        &["__metadata__", "twice"]
    );
}

#[test]
fn metadata_is_not_strings() {
    let bytes = blob(r#"{"__metadata__":{"k":1}}"#, &[]);
    assert_header_error!(
        header_error(&bytes),
        HeaderError::Json(_),
        &["__metadata__"]
    );
}

#[test]
fn too_many_dimensions() {
    let entries = [entry("a", "U8", &[1; 65], 0, 1)];
    let result = entries_error(&entries, 1);
    assert_header_error!(result, HeaderError::Json(_), &["\"a\"", "64 dimensions"]);
}

#[test]
fn tensor_entry_is_malformed() {
    for json in [
        r#"{"a":3}"#,
        r#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#,
        r#"{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#,
        r#"{"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]}}"#,
        r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#,
        r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#,
        r#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#,
        r#"{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}"#,
    ] {
        let result = header_error(&blob(json, &[0]));
        assert_header_error!(result, HeaderError::Json(_), &["tensor \"a\""]);
    }
}

#[test]
fn terminal_escapes_are_not_printed() {
    let (_, message) = header_error(&blob(r#"{"\u001b[2J":{"dtype":1}}"#, &[]));
    assert!(!message.contains('\u{1b}'), "{message:?}");
}

#[test]
fn header_is_not_json() {
    for text in ["", "   ", "[]", "{", "{}{}", "\0", &"[".repeat(100_000)] {
        assert_header_error!(
            header_error(&blob(text, &[])),
            HeaderError::Json(_),
            &["JSON"]
        );
    }
}

#[test]
fn header_is_not_utf8() {
    let bytes = [&2u64.to_le_bytes()[..], b"{\xff"].concat();
    assert_header_error!(
        header_error(&bytes),
        HeaderError::NotUtf8 { valid_up_to: 1 },
        &["UTF-8"]
    );
}

#[test]
fn header_is_too_large() {
    for len in [100_000_001, u64::MAX] {
        let bytes = [&len.to_le_bytes()[..], b"{}"].concat();
        let result = header_error(&bytes);
        assert_header_error!(
            result,
            HeaderError::TooLarge { .. },
            &["not a safetensors file"]
        );
    }
}

#[test]
fn a_gguf_file_is_one_whatever_it_is_called() {
    let dir = folder(&[("bad.safetensors", b"GGUF\x03\0\0\0{}")]);
    let error = open_error(dir.path().join("bad.safetensors"));
    assert!(matches!(error, Error::Gguf { .. }), "{error:?}");
}

#[test]
fn header_is_longer_than_the_file() {
    let bytes = [&99_000_000u64.to_le_bytes()[..], b"{}"].concat();
    assert_header_error!(
        header_error(&bytes),
        HeaderError::PastEndOfFile {
            len: 99_000_000,
            available: 2
        },
        &["truncated"]
    );
}

#[test]
fn file_is_too_short() {
    for len in 0..8 {
        let result = header_error(&vec![0; len]);
        assert_header_error!(result, HeaderError::FileTooShort { .. }, &["truncated"]);
    }
}

#[test]
fn more_metadata_than_anyone_has() {
    // 97 MB of these would take gigabytes of memory.
    let pairs: Vec<String> = (0..=1 << 16).map(|i| format!(r#""{i:x}":"""#)).collect();
    let text = |n: usize| format!(r#"{{"__metadata__":{{{}}}}}"#, pairs[..n].join(","));
    let result = header_error(&blob(&text(pairs.len()), &[]));
    assert_header_error!(
        result,
        HeaderError::Json(_),
        &["__metadata__", "more than 65536 entries"]
    );
    let header = hct_model::Header::parse(text(pairs.len() - 1).into_bytes(), 0).unwrap();
    assert_eq!(header.metadata().len(), 1 << 16);
}

#[test]
fn more_tensors_than_anyone_has() {
    let entries: Vec<String> = (0..=1 << 20)
        .map(|i| entry(&format!("{i:x}"), "U8", &[0], 0, 0))
        .collect();
    let result = entries_error(&entries, 0);
    assert_header_error!(result, HeaderError::Json(_), &["more than 1048576 tensors"]);
}
