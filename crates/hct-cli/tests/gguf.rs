//! GGUF files in and out.

mod common;

use std::fs;
use std::path::Path;

use common::{bf16_bytes, f32_bytes, hct, succeed, weights};
use hct_core::{BlockType, Dtype};
use hct_model::{GgufHeader, GgufType, GgufValue, GgufWriter};
use tempfile::TempDir;

/// A file with a matrix of floats, one of blocks, and a vector.
fn make(dir: &Path) -> Vec<u8> {
    let tensors = [
        (
            "token_embd.weight",
            GgufType::Plain(Dtype::BF16),
            vec![96, 64],
        ),
        (
            "blk.0.ffn_up.weight",
            GgufType::Blocks(BlockType::Q4_0),
            vec![128, 64],
        ),
        ("output_norm.weight", GgufType::Plain(Dtype::F32), vec![64]),
    ];
    let tensors = tensors.map(|(name, kind, shape)| (name.to_owned(), kind, shape));
    let text = |text: &str| GgufValue::String(text.into());
    let metadata = vec![
        ("general.architecture".to_owned(), text("llama")),
        ("llama.block_count".to_owned(), GgufValue::U32(1)),
    ];
    let header = GgufHeader::new(metadata, tensors.into()).unwrap();
    // Nibbles of blocks are uneven, as those of weights are.
    let block = |i: usize| -> Vec<u8> {
        let scale = [0x66, 0x2e];
        let nibbles = weights(16, i as u64).into_iter();
        scale
            .into_iter()
            .chain(nibbles.map(|x| 0x88 ^ ((x * 40.0) as i8 as u8 & 0x33)))
            .collect()
    };
    let bytes = [
        bf16_bytes(&weights(96 * 64, 1)),
        (0..128 * 2).flat_map(block).collect(),
        f32_bytes(&weights(64, 2)),
    ];
    let mut writer = GgufWriter::new("m.gguf", header.clone(), Vec::new()).unwrap();
    for i in header.by_offset() {
        writer.write(i, &bytes[i]).unwrap();
    }
    let file = writer.finish().unwrap();
    fs::write(dir.join("m.gguf"), &file).unwrap();
    file
}

#[test]
fn a_gguf_file_comes_back_byte_for_byte() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let file = make(dir);
    let report = succeed(dir, "compress m.gguf -o m.hct --strategy lossless --json").json();
    assert!(
        report["output_bytes"].as_u64().unwrap() < file.len() as u64,
        "{report}"
    );
    // 96 × 64 floats, 128 × 64 weights in blocks, 64 floats.
    assert_eq!(report["weights"], 96 * 64 + 128 * 64 + 64);
    succeed(dir, "verify m.hct");
    let info = succeed(dir, "info m.hct").stdout;
    assert!(
        info.contains("Q4_0 blocks") && info.contains("GGUF header"),
        "{info}"
    );
    succeed(dir, "decompress m.hct -o back.gguf");
    succeed(dir, "decompress m.hct -o folder");
    for back in ["back.gguf", "folder/m.gguf"] {
        assert!(fs::read(dir.join(back)).unwrap() == file, "{back}");
    }
    let diff = succeed(dir, "diff m.gguf m.hct --json").json();
    assert_eq!(diff["total"]["rel_mse"], 0.0);
}

#[test]
fn floats_are_coded_by_strategy_and_blocks_stay_exact() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let file = make(dir);
    succeed(dir, "compress m.gguf -o m.hct --cosine 0.99");
    succeed(dir, "decompress m.hct -o back.gguf");
    let back = fs::read(dir.join("back.gguf")).unwrap();
    assert!(back != file && back.len() == file.len());
    let tensors = &succeed(dir, "diff m.gguf back.gguf --json").json()["tensors"];
    for tensor in tensors.as_array().unwrap() {
        let exact = tensor["rel_mse"].as_f64() == Some(0.0) || tensor["rel_mse"].is_null();
        assert_eq!(exact, tensor["name"] != "token_embd.weight", "{tensor}");
    }
    succeed(dir, "compress m.gguf -o whole.hct");
    for part in 1..=2 {
        succeed(
            dir,
            &format!("compress m.gguf -o part-{part}.hct --part {part}/2"),
        );
    }
    succeed(dir, "merge part-2.hct part-1.hct -o joined.hct");
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("joined.hct") == read("whole.hct"));

    hct(dir, "decompress m.hct -o back.safetensors").fails(2, &["give a name with that extension"]);
    fs::write(dir.join("cut.gguf"), &file[..file.len() / 2]).unwrap();
    hct(dir, "compress cut.gguf -o x.hct").fails(1, &["cut.gguf"]);
}
