//! Every small damage to small files: an answer, never a panic, and the same answer as the
//! safetensors library where that one looks.

mod common;

use common::{blob, bytes_file, entry, folder, header, index, put};
use hct_model::{Checkpoint, Error, Header, HeaderError, TensorSource};
use safetensors::SafeTensors;

fn valid_file() -> Vec<u8> {
    let mut entries = vec![r#""__metadata__":{"format":"pt"}"#.to_owned()];
    entries.push(entry("b", "F16", &[2, 1], 3, 7));
    entries.push(entry("a", "F4", &[6], 0, 3));
    entries.push(entry("e", "I64", &[0], 7, 7));
    blob(&(header(&entries) + "  "), &[1, 2, 3, 4, 5, 6, 7])
}

/// Parses the header as opening the file would.
fn parse(bytes: &[u8]) -> Option<Result<Header, HeaderError>> {
    let (prefix, rest) = bytes.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*prefix)).ok()?;
    let (header, data) = rest.split_at_checked(len)?;
    Some(Header::parse(header, data.len() as u64))
}

/// Checks that this crate accepts nothing the library refuses, and refuses nothing else except
/// what the library overlooks.
fn compare(bytes: &[u8]) {
    let theirs = SafeTensors::deserialize(bytes);
    match parse(bytes) {
        None => assert!(theirs.is_err()),
        Some(Ok(header)) => {
            let theirs = theirs.unwrap_or_else(|e| panic!("{e}: {:?}", header.header_bytes()));
            assert_eq!(header.tensors().len(), theirs.len());
            let data = &bytes[8 + header.header_bytes().len()..];
            for tensor in header.tensors() {
                let range = tensor.range.start as usize..tensor.range.end as usize;
                let view = theirs.tensor(&tensor.info.name).unwrap();
                assert_eq!(&data[range], view.data());
                assert_eq!(view.dtype().to_string(), tensor.info.dtype.name());
            }
        }
        Some(Err(HeaderError::DuplicateTensor { .. } | HeaderError::DuplicateMetadata { .. })) => {}
        Some(Err(error)) => assert!(theirs.is_err(), "only this crate refuses: {error}"),
    }
}

#[test]
fn every_byte_changed() {
    let valid = valid_file();
    compare(&valid);
    assert!(parse(&valid).unwrap().is_ok());
    let mut bytes = valid.clone();
    for i in 0..valid.len() {
        for value in 0..=255 {
            bytes[i] = value;
            compare(&bytes);
        }
        bytes[i] = valid[i];
    }
}

#[test]
fn every_truncation_is_refused() {
    let valid = valid_file();
    let dir = folder(&[]);
    for len in 0..valid.len() {
        compare(&valid[..len]);
        let path = put(dir.path(), "t.safetensors", &valid[..len]);
        let Err(Error::Header { file, .. }) = Checkpoint::open(&path) else {
            panic!("cut to {len} bytes, and no error about the header")
        };
        assert_eq!(file, path);
    }
}

#[test]
fn every_pair_of_bytes_swapped() {
    let mut bytes = valid_file();
    for i in 0..bytes.len() {
        for j in 0..i {
            bytes.swap(i, j);
            compare(&bytes);
            bytes.swap(i, j);
        }
    }
}

#[test]
fn every_bit_flipped_on_disk() {
    let valid = valid_file();
    let dir = folder(&[]);
    for i in 0..valid.len() {
        for bit in 0..8 {
            let mut bytes = valid.clone();
            bytes[i] ^= 1 << bit;
            let path = put(dir.path(), "t.safetensors", &bytes);
            if let Ok(checkpoint) = Checkpoint::open(path) {
                for tensor in 0..checkpoint.tensors().len() {
                    checkpoint.read(tensor).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_bit_of_the_index_flipped() {
    let valid = index(&[("a", "s.safetensors"), ("b", "s.safetensors")]);
    let shard = bytes_file(&[("a", 1), ("b", 2)]);
    let dir = folder(&[("s.safetensors", &shard)]);
    for i in 0..valid.len() {
        for bit in 0..8 {
            let mut bytes = valid.clone();
            bytes[i] ^= 1 << bit;
            put(dir.path(), "model.safetensors.index.json", &bytes);
            if let Ok(checkpoint) = Checkpoint::open(dir.path()) {
                assert_eq!(checkpoint.tensors().len(), 2);
            }
        }
    }
}
