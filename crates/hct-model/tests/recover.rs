//! What is left of a damaged file is recovered, whatever is damaged.

use std::ops::Range;
use std::path::Path;

use hct_core::{Dtype, FileKind, Limits};
use hct_model::{
    CompressOptions, Error, Gguf, HctModel, Header, RecoverReport, Safetensors, TensorInfo,
    TensorSource, encode, recover_to, verify,
};
use hct_strategies::LosslessEncoder;

const OPTIONS: CompressOptions<'_> = CompressOptions {
    side_files: true,
    provenance: Some("{\"made\":\"by a test\"}"),
    base: None,
    hashes: true,
};

/// A shard of these matrices of noise, of 64 × `cols` values.
fn shard(tensors: &[(&str, u64)], seed: u64) -> Vec<u8> {
    let infos: Vec<TensorInfo> = tensors
        .iter()
        .map(|&(name, cols)| TensorInfo {
            name: name.into(),
            dtype: Dtype::F32,
            shape: vec![64, cols],
        })
        .collect();
    let header = Header::of(&infos).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    let values: u64 = tensors.iter().map(|&(_, cols)| 64 * cols).sum();
    let mut state = seed;
    for _ in 0..values {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let value = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
        file.extend(value.to_le_bytes());
    }
    file
}

/// Two shards, of seven matrices of which most take a block each, and side files, of which one is an HCT file.
fn file() -> Vec<u8> {
    let one = shard(&[("a", 400), ("b", 20), ("c", 400)], 1);
    let two = shard(&[("d", 400), ("e", 10), ("f", 400), ("g", 5)], 2);
    let carried = shard(&[("inner", 400)], 3);
    let carried = Safetensors::new("carried", [("i.safetensors", carried)]).unwrap();
    let (carried, _) = encode(&carried, Vec::new(), &LosslessEncoder, OPTIONS, &()).unwrap();
    let source = Safetensors::new("made up", [("1.safetensors", one), ("2.safetensors", two)]);
    let source = source
        .unwrap()
        .with_side_file("config.json", b"{\"a\": [1, 2, 3]}".to_vec())
        .unwrap()
        .with_side_file("within.hct", carried)
        .unwrap();
    encode(&source, Vec::new(), &LosslessEncoder, OPTIONS, &())
        .unwrap()
        .0
}

fn recovered(file: &[u8]) -> Result<(Vec<u8>, RecoverReport), Error> {
    let name = Path::new("damaged.hct");
    recover_to(name, file, Vec::new(), Limits::default(), &())
}

fn open(file: &[u8]) -> HctModel<&[u8]> {
    HctModel::new("m.hct", file).unwrap()
}

/// Where the index lies.
fn index(file: &[u8]) -> Range<usize> {
    let trailer = file.len() - 32;
    let start = u64::from_le_bytes(*file[trailer..].first_chunk().unwrap());
    start as usize..trailer
}

/// Where the blocks of the file lie.
fn blocks(file: &[u8]) -> Vec<Range<usize>> {
    let starts = (16..index(file).start).filter(|&at| file[at..].starts_with(b"HCT3REC\n"));
    let at_home = |at: &usize| file[at + 8..at + 16] == (*at as u64).to_le_bytes();
    let whole = |at: usize| {
        let len = u32::from_le_bytes(*file[at + 16..].first_chunk().unwrap());
        at..at + 24 + len as usize
    };
    starts.filter(at_home).map(whole).collect()
}

/// What is in the output is intact and as it was; which tensors are.
fn kept(output: &[u8], whole: &HctModel<&[u8]>) -> Vec<String> {
    let model = open(output);
    let wrong = verify(&model, &());
    let wrong: Vec<_> = wrong.iter().filter(|f| f.kind != "index").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for (number, info) in model.tensors().iter().enumerate() {
        let original = whole.read(whole.find(&info.name).unwrap()).unwrap();
        assert!(model.read(number).unwrap() == original, "{}", info.name);
    }
    model.tensors().iter().map(|t| t.name.clone()).collect()
}

fn names(report: &RecoverReport, kind: &str) -> Vec<String> {
    let of_kind = report.lost.iter().filter(|lost| lost.kind == kind);
    of_kind.map(|lost| lost.name.clone()).collect()
}

#[test]
fn a_file_without_its_index_is_the_file_that_it_was() {
    let file = file();
    let index = index(&file);
    let found = blocks(&file).len();
    // Of the carried files; a; b and c; d; e and f; g.
    assert_eq!(found, 6);
    let changed = |range: Range<usize>| {
        let mut damaged = file.clone();
        damaged[range].fill(0xa5);
        damaged
    };
    let longer = [&file[..], b"what was on the disk before"].concat();
    for (what, damaged) in [
        (
            "a byte of the index",
            changed(index.start + 7..index.start + 8),
        ),
        ("the index", changed(index.clone())),
        ("the trailer", changed(index.end..file.len())),
        ("no trailer", file[..index.end].to_vec()),
        ("no index", file[..index.start].to_vec()),
        (
            "half an index",
            file[..(index.start + index.end) / 2].to_vec(),
        ),
        ("header and index", {
            let mut damaged = changed(index.clone());
            damaged[..16].fill(0);
            damaged
        }),
        ("the version", {
            let mut damaged = file.clone();
            damaged[8] = 9;
            damaged
        }),
        ("more at the end", longer),
    ] {
        assert!(HctModel::new("x", &damaged[..]).is_err(), "{what}");
        let (output, report) = recovered(&damaged).unwrap();
        assert!(output == file, "{what}");
        assert!(
            report.complete && report.lost.is_empty(),
            "{what} {report:?}"
        );
        assert_eq!(report.blocks, found, "{what}");
        assert!(report.index_fault.is_some());
        assert_eq!((report.tensors, report.files), (7, 4), "{what}");
    }
}

#[test]
fn what_has_its_index_is_copied_but_for_what_is_damaged() {
    let file = file();
    let whole = open(&file);
    let (output, report) = recovered(&file).unwrap();
    assert!(output == file && report.complete);
    assert_eq!((report.index_fault, report.damaged_blocks), (None, 0));

    for block in blocks(&file) {
        let mut damaged = file.clone();
        damaged[block.start + 30] ^= 4;
        let (output, report) = recovered(&damaged).unwrap();
        assert!(output == file && report.complete);
        assert_eq!(report.damaged_blocks, 1);
    }

    // A byte of tensor c, which comes before a block.
    let second = blocks(&file)[2].start;
    let mut damaged = file.clone();
    damaged[second - 100] ^= 1;
    let (output, report) = recovered(&damaged).unwrap();
    assert_eq!(names(&report, "tensor"), ["c"]);
    assert_eq!(report.lost[0].pieces, ["tile 0"]);
    assert!(!report.complete);
    assert_eq!(kept(&output, &whole), ["a", "b", "d", "e", "f", "g"]);
    // The same without its index.
    damaged.truncate(index(&file).start);
    let (again, report) = recovered(&damaged).unwrap();
    assert!(again == output && names(&report, "tensor") == ["c"]);
}

#[test]
fn whatever_is_cut_off_all_before_it_is_saved() {
    let file = file();
    let whole = open(&file);
    let found = blocks(&file);
    let all = ["a", "b", "c", "d", "e", "f", "g"];
    let steps = (0..file.len()).step_by(file.len() / 150);
    let ends = found.iter().flat_map(|b| [b.start, b.end - 1, b.end]);
    let mut most = 0;
    for len in steps.chain(ends).chain([file.len() - 1]) {
        let here = found.iter().filter(|block| block.end <= len).count();
        let result = recovered(&file[..len]);
        // The first block is of carried files alone.
        if here < 2 {
            assert!(result.is_err(), "{len}");
            continue;
        }
        let (output, report) = result.unwrap();
        let kept = kept(&output, &whole);
        assert_eq!(report.blocks, here);
        assert_eq!(report.complete, here == found.len());
        assert_eq!(report.end_missing, here < found.len());
        // Tensors are in order, and those that are not there are named.
        let missing = names(&report, "tensor");
        assert_eq!([kept.clone(), missing].concat(), all, "{len}");
        assert_eq!(report.tensors, kept.len());
        most = most.max(kept.len());
        if report.complete {
            assert!(output == file);
        }
    }
    assert_eq!(most, 7);
}

#[test]
fn a_lost_block_takes_its_entries_alone() {
    let file = file();
    let whole = open(&file);
    let found = blocks(&file);
    let mut lost_so_far = Vec::new();
    for (k, block) in found.iter().enumerate() {
        let mut damaged = file[..index(&file).start].to_vec();
        damaged[block.end - 1] ^= 0x10;
        let (output, report) = recovered(&damaged).unwrap();
        let kept = kept(&output, &whole);
        assert!(!report.complete);
        assert_eq!(report.blocks, found.len() - 1);
        if k == 0 {
            // Headers were in it: tensors are of no file now, and nothing names those of others.
            assert_eq!((report.missing_files, report.files), (4, 0));
            assert_eq!((kept.len(), report.without_shard), (7, 7));
            continue;
        }
        let missing = names(&report, "tensor");
        assert_eq!(kept.len() + missing.len(), 7);
        assert!(!missing.is_empty());
        let is_last = k + 1 == found.len();
        assert_eq!(report.end_missing, is_last);
        assert_eq!(open(&output).index().provenance.is_none(), is_last);
        let counted = match is_last {
            true => 0,
            false => missing.len() as u64,
        };
        assert_eq!(report.missing_tensors, counted);
        for place in &report.missing_in {
            assert!(place.start <= found[k].start as u64 && place.end >= found[k].end as u64);
        }
        lost_so_far.extend(missing);
    }
    assert_eq!(lost_so_far, ["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
fn a_damaged_header_is_made_anew() {
    let file = file();
    let whole = open(&file);
    let mut damaged = file.clone();
    damaged[20] ^= 1;
    let (output, report) = recovered(&damaged).unwrap();
    assert_eq!(names(&report, "file"), ["1.safetensors"]);
    assert!(report.lost[0].error.contains("new header"));
    assert_eq!(kept(&output, &whole).len(), 7);
    let model = open(&output);
    model.check_layout().unwrap();
    assert_eq!(report.files, 4);
}

#[test]
fn blocks_of_another_file_are_left_out() {
    let file = file();
    // A shorter file was written over a longer one, and its end is lost.
    let over = shard(&[("new", 400)], 9);
    let over = Safetensors::new("over", [("m.safetensors", over)]).unwrap();
    let (over, _) = encode(&over, Vec::new(), &LosslessEncoder, OPTIONS, &()).unwrap();
    let mut mixed = file[..index(&file).start].to_vec();
    mixed[..over.len() - 50].copy_from_slice(&over[..over.len() - 50]);
    let (output, report) = recovered(&mixed).unwrap();
    assert_eq!(report.ignored_blocks, 1);
    // Most is left of the longer one; nothing of the other is mixed in.
    let kept = kept(&output, &open(&file));
    assert!(kept.contains(&"g".to_owned()) && !kept.contains(&"new".to_owned()));
    assert!(!report.complete);
}

#[test]
fn gguf_comes_back_too() {
    let bytes = include_bytes!("../../../fuzz/seeds/gguf/Q4_K");
    let source = Gguf::new("m.gguf", &bytes[..]).unwrap();
    let (file, _) = encode(&source, Vec::new(), &LosslessEncoder, OPTIONS, &()).unwrap();
    let (output, report) = recovered(&file[..file.len() - 20]).unwrap();
    assert!(output == file && report.complete);
    // Of a GGUF header nothing is made up.
    let mut damaged = file.clone();
    damaged[18] ^= 1;
    let (output, report) = recovered(&damaged).unwrap();
    assert!(!report.complete);
    assert_eq!(names(&report, "file"), ["m.gguf"]);
    let model = open(&output);
    assert!(
        model
            .index()
            .files
            .iter()
            .all(|file| file.kind != FileKind::Gguf)
    );
}

#[test]
fn what_has_no_blocks_is_said_to_have_none() {
    let path = "../hct-core/tests/vectors/files_without_recovery_blocks.hct";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let file = std::fs::read(path).unwrap();
    let (output, report) = recovered(&file).unwrap();
    assert!(report.complete && output.len() > file.len());
    let error = recovered(&file[..file.len() - 1]).unwrap_err();
    assert!(matches!(error, Error::NoRecoveryBlocks { .. }), "{error}");
    for nothing in [&b""[..], b"HCT3REC\n", &[0; 100]] {
        let error = recovered(nothing).unwrap_err();
        assert!(matches!(error, Error::NoRecoveryBlocks { .. }), "{error}");
    }
    // No tensor, no entry, no block: all of it.
    let empty = hct_core::HctWriter::new(Vec::new()).unwrap();
    let empty = empty.finish().unwrap();
    assert!(recovered(&empty).unwrap().0 == empty);
}
