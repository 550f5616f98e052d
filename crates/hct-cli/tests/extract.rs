//! Taking one tensor, or some rows of one, out of a file.

mod common;

use std::fs;
use std::path::Path;

use common::{Made, copy_sample, hct, mixed, put, safetensors, succeed};
use safetensors::SafeTensors;
use tempfile::TempDir;

/// An array file taken apart by hand: NumPy's name of the elements, the shape and the bytes.
fn npy(path: &Path) -> (String, Vec<usize>, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(start % 64, 0);
    let header = std::str::from_utf8(&bytes[10..start]).unwrap();
    assert!(header.ends_with('\n') && header.contains("'fortran_order': False"));
    let after = |key: &str| header.split_once(key).unwrap().1;
    let descr = after("'descr': '").split('\'').next().unwrap().to_owned();
    let shape = after("'shape': (").split(')').next().unwrap();
    let shape = shape.split(',').map(str::trim).filter(|d| !d.is_empty());
    let shape = shape.map(|d| d.parse().unwrap()).collect();
    (descr, shape, bytes[start..].to_vec())
}

/// A tensor of every kind that is extracted in its own way.
fn tensors() -> Vec<Made> {
    let made = |name, dtype, shape: &[usize], bytes: Vec<u8>| Made {
        name,
        dtype,
        shape: shape.to_vec(),
        bytes,
    };
    let mut all = mixed(8);
    all.push(made("half", "F16", &[3, 2], (0..12).collect()));
    all.push(made("double", "F64", &[2], (0..16).collect()));
    all.push(made("complex", "C64", &[2, 1], (0..16).collect()));
    all.push(made("small", "I8", &[3], vec![255, 0, 7]));
    all.push(made("scalar", "U16", &[], vec![1, 2]));
    all
}

fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "m.safetensors", &safetensors(&tensors()));
    succeed(dir.path(), "compress m.safetensors -o m.hct");
    succeed(dir.path(), "decompress m.hct -o whole.safetensors");
    dir
}

#[test]
fn every_tensor_comes_out_as_it_would_with_all() {
    let dir = folder();
    let dir = dir.path();
    let whole = fs::read(dir.join("whole.safetensors")).unwrap();
    let whole = SafeTensors::deserialize(&whole).unwrap();
    for made in tensors() {
        let name = made.name;
        let tensor = whole.tensor(name).unwrap();
        succeed(
            dir,
            &format!("extract m.hct {name} -o t.safetensors --force"),
        );
        let bytes = fs::read(dir.join("t.safetensors")).unwrap();
        let one = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(one.names(), [name]);
        assert_eq!(one.tensor(name).unwrap(), tensor);

        let run = hct(
            dir,
            &format!("extract m.hct {name} -o t.npy --force --json"),
        );
        let descr = match made.dtype {
            "F8_E4M3" => {
                run.fails(2, &["F8_E4M3", ".safetensors"]);
                continue;
            }
            "BF16" | "F32" => "<f4",
            "F16" => "<f2",
            "F64" => "<f8",
            "C64" => "<c8",
            "I64" => "<i8",
            "I8" => "|i1",
            "U16" => "<u2",
            "BOOL" => "|b1",
            other => panic!("{other}"),
        };
        assert_eq!(run.json()["npy_dtype"], descr);
        let (found, shape, data) = npy(&dir.join("t.npy"));
        assert_eq!(found, descr);
        assert_eq!(shape, made.shape);
        if made.dtype == "BF16" {
            let widened = tensor
                .data()
                .chunks_exact(2)
                .flat_map(|b| [0, 0, b[0], b[1]]);
            assert!(data.iter().copied().eq(widened), "{name}");
        } else {
            assert!(data == tensor.data(), "{name}");
        }
    }
}

#[test]
fn rows_are_some_of_all() {
    let dir = folder();
    let dir = dir.path();
    let whole = fs::read(dir.join("whole.safetensors")).unwrap();
    let whole = SafeTensors::deserialize(&whole).unwrap();
    let dense = whole.tensor("dense").unwrap();
    for (rows, first, end) in [
        ("3..7", 3, 7),
        ("95..", 95, 96),
        ("..1", 0, 1),
        ("4..4", 4, 4),
    ] {
        let args = format!("extract m.hct dense --rows {rows} --force");
        let report = succeed(dir, &format!("{args} -o t.safetensors --json")).json();
        assert_eq!(report["shape"], serde_json::json!([end - first, 80]));
        assert_eq!(report["rows"], serde_json::json!([first, end]));
        let bytes = fs::read(dir.join("t.safetensors")).unwrap();
        assert_eq!(report["output_bytes"], bytes.len());
        let some = SafeTensors::deserialize(&bytes).unwrap();
        let some = some.tensor("dense").unwrap();
        assert_eq!(some.shape(), [end - first, 80]);
        let wanted = &dense.data()[first * 320..end * 320];
        assert!(some.data() == wanted);
        succeed(dir, &format!("{args} -o t.npy"));
        let (descr, shape, data) = npy(&dir.join("t.npy"));
        assert_eq!((&descr[..], shape), ("<f4", vec![end - first, 80]));
        assert!(data == wanted);
    }
}

#[test]
fn little_is_read_for_little() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    succeed(dir, "compress sample.safetensors -o s.hct");
    let info = succeed(dir, "info s.hct --json").json();
    let tensors = info["tensors"].as_array().unwrap().iter();
    let smallest = tensors.min_by_key(|t| t["bytes"].as_u64()).unwrap();
    let name = smallest["name"].as_str().unwrap();
    let report = succeed(dir, &format!("extract s.hct {name} -o t.npy --json")).json();
    let count = |key: &str| report[key].as_u64().unwrap();
    let file = fs::metadata(dir.join("s.hct")).unwrap().len();
    assert_eq!(count("file_bytes"), file);
    // Header, trailer, index and the tensor.
    let most = 48 + count("index_bytes") + smallest["bytes"].as_u64().unwrap();
    assert!(count("read_bytes") <= most, "{report}");
    assert!(count("read_bytes") > 48 + count("index_bytes"));
    let table = succeed(dir, &format!("extract s.hct {name} -o t.npy --force")).stdout;
    for part in ["tensor", "output", "read", " % of ", "t.npy"] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
}

#[test]
fn fewer_fragments_are_an_approximation_from_fewer_bytes() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(9)));
    succeed(
        dir,
        "compress m.safetensors -o m.hct --strategy rdo --fragments 2",
    );
    let read = |options: &str| {
        let args = format!("extract m.hct dense -o t.npy --force --json {options}");
        let report = succeed(dir, &args).json();
        let (_, shape, data) = npy(&dir.join("t.npy"));
        assert_eq!(shape, [96, 80]);
        (report["read_bytes"].as_u64().unwrap(), data)
    };
    let (one, all) = (read("--fragments 1"), read(""));
    assert!(one.0 < all.0 && one.1 != all.1);
    assert_eq!(read("--fragments 2"), all);
}

#[test]
fn what_is_not_there_is_2_and_named() {
    let dir = folder();
    let dir = dir.path();
    for (args, says) in [
        (
            "m.hct dens -o t.npy",
            &["\"dens\"", "perhaps dense", "hct info"][..],
        ),
        ("m.hct Kernal -o t.npy", &["perhaps kernel"]),
        ("m.hct xyzzy-nothing-like-it -o t.npy", &["hct info m.hct"]),
        (
            "m.hct dense --rows 90..97 -o t.npy",
            &["dense has 96 rows", "0..96"],
        ),
        (
            "m.hct dense --rows 7..3 -o t.npy",
            &["end before they begin"],
        ),
        ("m.hct dense --rows 7 -o t.npy", &["A..B"]),
        ("m.hct scalar --rows 0..1 -o t.npy", &["scalar"]),
        ("m.hct dense -o t.txt", &[".safetensors or .npy"]),
        ("m.hct dense -o missing/t.npy", &["create it first"]),
        ("m.hct fp8 -o t.npy", &["F8_E4M3", ".safetensors"]),
    ] {
        hct(dir, &format!("extract {args}")).fails(2, says);
    }
    hct(dir, "extract nothere.hct dense -o t.npy").fails(1, &["nothere.hct"]);
    hct(dir, "extract m.safetensors dense -o t.npy").fails(1, &["not an HCT V3 file"]);
    let left = fs::read_dir(dir).unwrap().count();
    assert_eq!(left, 3, "something was left behind");

    put(dir, "taken.npy", b"precious");
    hct(dir, "extract m.hct dense -o taken.npy").fails(2, &["--force"]);
    assert_eq!(fs::read(dir.join("taken.npy")).unwrap(), b"precious");
    let mut damaged = fs::read(dir.join("m.hct")).unwrap();
    damaged[200..600].iter_mut().for_each(|byte| *byte ^= 0x55);
    put(dir, "damaged.hct", &damaged);
    hct(dir, "extract damaged.hct dense -o taken.npy --force").fails(1, &["dense"]);
    assert_eq!(fs::read(dir.join("taken.npy")).unwrap(), b"precious");
}
