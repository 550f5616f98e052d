//! The committed files of `tests/vectors` decode to what they decoded to when they were written:
//! whole, by rows, from every number of fragments. Reading only: this holds without encoders too.

use std::path::PathBuf;

use hct_core::{Dtype, HctReader};
use sha2::{Digest, Sha256};

#[path = "../examples/vectors/base_file.rs"]
mod base_file;

/// The file, on the bases that some of them need.
fn open(file: &str) -> HctReader<Vec<u8>> {
    let read = |file: &str| std::fs::read(folder().join(file)).unwrap();
    let bases = base_file::bases(file).iter().map(|base| read(base));
    base_file::open(read(file), bases.collect()).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

/// A line of the manifest.
struct Expected {
    file: String,
    tensor: usize,
    fragments: usize,
    dtype: Dtype,
    what: String,
    value: String,
}

fn manifest() -> Vec<Expected> {
    let text = std::fs::read_to_string(folder().join("manifest.txt")).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [file, tensor, fragments, dtype, what, value] = fields[..] else {
                panic!("not a line of a manifest: {line}");
            };
            Expected {
                file: file.into(),
                tensor: tensor.parse().unwrap(),
                fragments: fragments.parse().unwrap(),
                dtype: Dtype::from_name(dtype).unwrap(),
                what: what.into(),
                value: value.into(),
            }
        })
        .collect()
}

fn numbers(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F16 => bytes
            .chunks_exact(2)
            .map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        other => panic!("{other} has no DCT"),
    }
}

/// That values behind an inverse DCT are the same up to rounding: of f32, and then to the dtype.
fn near(got: &[u8], want: &[u8], dtype: Dtype) -> bool {
    let (got, want) = (numbers(got, dtype), numbers(want, dtype));
    let largest = want.iter().fold(0f32, |m, v| m.max(v.abs()));
    let unit = match dtype {
        Dtype::F16 => 2f32.powi(-10),
        Dtype::BF16 => 2f32.powi(-7),
        _ => 1e-5,
    };
    got.len() == want.len()
        && got
            .iter()
            .zip(&want)
            .all(|(g, w)| (g - w).abs() <= unit * largest)
}

#[test]
fn versions_are_those_that_files_and_blocks_need() {
    for (file, minor) in [
        ("trellis256.hct", 0),
        ("trellis512.hct", 1),
        ("by_hand_trellis_lanes.hct", 0),
        ("by_hand_trellis_512_states.hct", 1),
    ] {
        let reader = open(file);
        assert_eq!(reader.index().version(), (3, minor), "{file}");
        assert!(reader.check_version().is_ok(), "{file}");
        assert_eq!(reader.check_recovery_blocks().len(), 0, "{file}");
    }
}

#[test]
fn every_file_decodes_to_what_it_did() {
    let manifest = manifest();
    assert!(manifest.len() > 100, "{} lines", manifest.len());
    let (mut decoded, mut last) = (0, String::new());
    for line in &manifest {
        // Miri takes a second for what others do in microseconds: it has one small tensor of each small file.
        let large = |bytes: u64| cfg!(miri) && bytes > 4096;
        let length = std::fs::metadata(folder().join(&line.file)).unwrap().len();
        if large(length) || (cfg!(miri) && line.file == last) {
            continue;
        }
        let name = format!("{} tensor {}", line.file, line.tensor);
        let reader = open(&line.file);
        let record = &reader.index().tensors[line.tensor];
        assert_eq!(record.dtype, line.dtype, "{name}");
        if large(record.shape.iter().product()) {
            continue;
        }
        last.clone_from(&line.file);
        decoded += 1;
        let part = reader.tensor(line.tensor).unwrap();
        let part = part.fragments(line.fragments);
        let bytes = part.decode().unwrap();
        match &*line.what {
            "sha256" => {
                let hash = Sha256::digest(&bytes);
                let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(hash, line.value, "{name}");
            }
            "near" => {
                let want = std::fs::read(folder().join(&line.value)).unwrap();
                assert!(near(&bytes, &want, line.dtype), "{name}");
            }
            other => panic!("{name}: unknown kind of contents {other:?}"),
        }
        let sections = reader.sections(line.tensor).unwrap();
        let stored: u64 = sections.bytes.iter().sum();
        assert_eq!(stored, record.stored_bytes(), "{name}");
    }
    println!("{decoded} decoded of {}", manifest.len());
}

#[test]
fn rows_of_every_tensor_are_rows_of_the_whole() {
    for line in manifest() {
        let reader = open(&line.file);
        let record = &reader.index().tensors[line.tensor];
        let tensor = || {
            reader
                .tensor(line.tensor)
                .unwrap()
                .fragments(line.fragments)
        };
        let whole = tensor().decode().unwrap();
        let rows = record.shape.first().copied().unwrap_or(1);
        if rows == 0 || !(whole.len() as u64).is_multiple_of(rows) {
            continue;
        }
        let row = whole.len() / rows as usize;
        for range in [0..rows.min(2), rows / 2..rows, rows - 1..rows, rows..rows] {
            let part = tensor().rows(range.clone()).unwrap().decode().unwrap();
            let expected = &whole[range.start as usize * row..range.end as usize * row];
            assert!(part == expected, "{} {}: {range:?}", line.file, line.tensor);
        }
        let bands = tensor().bands(256);
        let bands: Vec<_> = bands.iter().map(|band| band.decode().unwrap()).collect();
        assert!(bands.concat() == whole, "{} {}", line.file, line.tensor);
    }
}

#[test]
fn every_committed_file_is_in_the_manifest_or_holds_no_tensor() {
    let named: Vec<String> = manifest()
        .into_iter()
        .flat_map(|line| [line.file, line.value])
        .collect();
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        bytes += entry.metadata().unwrap().len();
        files += 1;
        if named.contains(&name) || matches!(&*name, "manifest.txt" | "frozen.txt" | "README.md") {
            continue;
        }
        assert!(name.ends_with(".hct"), "{name} is no vector");
        let reader = HctReader::open(std::fs::read(entry.path()).unwrap()).unwrap();
        assert!(reader.index().tensors.is_empty(), "{name} is not checked");
    }
    assert!(
        files > 50 && bytes < 3 << 19,
        "{files} files, {bytes} bytes"
    );
}
