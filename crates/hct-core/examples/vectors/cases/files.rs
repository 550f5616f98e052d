//! What a file holds beside tensors: shards, side files packed and not, labels, provenance.

use hct_core::{ContentHash, Dtype, EncodedTensor, FileKind, HctWriter, Result};

use super::{Cases, meta};

/// `bytes` in the zlib format (RFC 1950), as one stored block.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u16;
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(bytes);
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// Header of a shard.
const HEADER: &str = concat!(
    r#"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#,
    r#""a.bias":{"dtype":"F32","shape":[3],"data_offsets":[24,36]},"#,
    r#""b.weight":{"dtype":"BF16","shape":[4,3],"data_offsets":[36,60]},"#,
    r#""b.bias":{"dtype":"BF16","shape":[4],"data_offsets":[60,68]}}      "#,
);

/// [`HEADER`] in the zlib format, in a block of dynamic Huffman codes.
const DYNAMIC: &[u8; 142] = &[
    0x78, 0xda, 0x75, 0xcd, 0xc1, 0x0a, 0xc2, 0x30, 0x0c, 0x06, 0xe0, 0x57, 0x91, 0x9c, 0x83, 0xd4,
    0xb6, 0x14, 0xd9, 0xd1, 0xc3, 0x5e, 0x42, 0x4a, 0xc9, 0x58, 0xeb, 0x76, 0x18, 0x1b, 0x36, 0x30,
    0x64, 0xf4, 0xdd, 0x5d, 0xeb, 0x45, 0x66, 0xcd, 0x2d, 0xf9, 0xf9, 0xf2, 0x6f, 0xe0, 0xdc, 0xe4,
    0x99, 0x7a, 0x62, 0x72, 0x0e, 0x9a, 0x0d, 0xc2, 0xfc, 0x9c, 0x88, 0xa1, 0x81, 0x85, 0x21, 0x21,
    0xd0, 0x79, 0xf5, 0xe3, 0x63, 0xe0, 0x1c, 0xf5, 0xfc, 0x5a, 0xfc, 0x9e, 0xb4, 0x4a, 0x02, 0x42,
    0x1c, 0x28, 0x6f, 0x77, 0x89, 0xca, 0x22, 0x94, 0x07, 0x73, 0x08, 0xd1, 0x73, 0xdc, 0x8f, 0x02,
    0xa5, 0xb6, 0x85, 0x77, 0x23, 0xc5, 0xff, 0xb8, 0x42, 0xa5, 0x46, 0x65, 0xb2, 0xed, 0x2a, 0xd5,
    0xb7, 0xf6, 0x62, 0xbe, 0xb8, 0xae, 0x75, 0x2b, 0x83, 0x46, 0x7c, 0x1e, 0x1c, 0xcb, 0x8f, 0xfc,
    0x17, 0x1b, 0x81, 0xe6, 0x6a, 0x53, 0x3a, 0x95, 0x79, 0x03, 0xe2, 0x48, 0x58, 0x66,
];

/// The same in a block of fixed ones.
const FIXED: &[u8; 146] = &[
    0x78, 0x01, 0xab, 0x56, 0x8a, 0x8f, 0xcf, 0x4d, 0x2d, 0x49, 0x4c, 0x49, 0x2c, 0x49, 0x8c, 0x8f,
    0x57, 0xb2, 0xaa, 0x56, 0x4a, 0xcb, 0x2f, 0xca, 0x4d, 0x2c, 0x51, 0xb2, 0x52, 0x2a, 0x28, 0x51,
    0xaa, 0xd5, 0x51, 0x4a, 0xd4, 0x2b, 0x4f, 0xcd, 0x4c, 0xcf, 0x28, 0x01, 0x49, 0xa5, 0x94, 0x54,
    0x16, 0xa4, 0x02, 0x65, 0xdc, 0x8c, 0x8d, 0x94, 0x74, 0x94, 0x8a, 0x33, 0x12, 0x41, 0xbc, 0x68,
    0x23, 0x1d, 0xe3, 0x58, 0x1d, 0x25, 0xb0, 0x01, 0xf9, 0x69, 0x69, 0xc5, 0xa9, 0x25, 0xc5, 0x40,
    0x41, 0x03, 0x1d, 0x23, 0x93, 0x58, 0xb0, 0xf6, 0xa4, 0xcc, 0xc4, 0x62, 0xdc, 0x9a, 0xb1, 0x68,
    0x35, 0x32, 0xd1, 0x31, 0x36, 0x03, 0xe9, 0x4d, 0xc2, 0x62, 0xb5, 0x93, 0x9b, 0xa1, 0x19, 0x92,
    0x76, 0x13, 0x6c, 0x76, 0x1b, 0x9b, 0xe9, 0x98, 0x19, 0x40, 0x0c, 0x40, 0xb7, 0x1c, 0x5d, 0x3b,
    0xa6, 0x66, 0x33, 0x03, 0x1d, 0x33, 0x8b, 0xd8, 0xda, 0x5a, 0x05, 0x30, 0x00, 0x00, 0xe2, 0x48,
    0x58, 0x66,
];

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    cases.file("nothing", HctWriter::new(Vec::new())?.finish()?);
    let mut writer = HctWriter::new(Vec::new())?;
    writer.set_provenance("{\"made\":\"by examples/vectors\"}")?;
    writer.add_file(FileKind::Shard, "model.safetensors", b"{}", 0, 2)?;
    let shard = writer.add_file(FileKind::Shard, "b.safetensors", b"{ }", 0, 3)?;
    let text = b"[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]";
    let stored = packed(text);
    let len = text.len() as u64;
    writer.add_file(FileKind::Side, "tokenizer/config.json", &stored, 1, len)?;
    writer.add_file(FileKind::Side, "empty", b"", 0, 0)?;
    for (name, dtype) in [("a.weight", Dtype::F32), ("b", Dtype::I8)] {
        let meta = meta(name, dtype, &[6]);
        let bytes = vec![1; 6 * dtype.bits() / 8];
        let coded = EncodedTensor::lossless(&meta, &bytes)?;
        writer.add_tensor(meta, coded, Some(shard), name)?;
    }
    let meta = meta("no shard", Dtype::Bool, &[6]);
    let coded = EncodedTensor::lossless(&meta, &[1, 0, 1, 1, 0, 0])?;
    writer.add_tensor(meta, coded, None, "b")?;
    cases.file("hashes", with_hashes()?);
    let file = writer.finish()?;
    cases.file("files_without_recovery_blocks", without_blocks(&file));
    cases.file("files", file);
    packed_headers(cases)?;
    flags(cases)
}

fn hash(bytes: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(bytes).as_bytes())
}

/// The header of a GGUF file with a tensor in it, and headers of shards packed in every kind of block.
fn packed_headers(cases: &mut Cases) -> Result<()> {
    let mut writer = HctWriter::new(Vec::new())?;
    // Length of the file; magic, version 3, one tensor, nothing else: its name, 1 × 4 of F32 at 0; padding.
    let mut gguf = 112u64.to_le_bytes().to_vec();
    gguf.extend(b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    gguf.extend(b"\x08\0\0\0\0\0\0\0gguf.one\x02\0\0\0");
    gguf.extend(b"\x04\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    gguf.resize(8 + 96, 0);
    let len = gguf.len() as u64;
    let header = HEADER.as_bytes();
    let unpacked = header.len() as u64;
    for (kind, path, stored, packing, len) in [
        (FileKind::Gguf, "model.gguf", &gguf[..], 0, len),
        (FileKind::Shard, "dynamic.safetensors", DYNAMIC, 1, unpacked),
        (FileKind::Shard, "fixed.safetensors", FIXED, 1, unpacked),
        (
            FileKind::Shard,
            "stored.safetensors",
            &packed(header),
            1,
            unpacked,
        ),
        (FileKind::Gguf, "packed.gguf", &packed(&gguf), 1, len),
    ] {
        let number = writer.add_file(kind, path, stored, packing, len)?;
        let whole = if kind == FileKind::Gguf {
            &gguf
        } else {
            header
        };
        writer.set_file_hash(hash(whole));
        let tensors: &[_] = match kind {
            FileKind::Gguf => &[("gguf.one", Dtype::F32, &[1, 4][..])],
            _ => &[
                ("a.weight", Dtype::F32, &[2, 3]),
                ("a.bias", Dtype::F32, &[3]),
                ("b.weight", Dtype::BF16, &[4, 3]),
                ("b.bias", Dtype::BF16, &[4]),
            ],
        };
        // Names are unique in an HCT file.
        if ["model.gguf", "dynamic.safetensors"].contains(&path) {
            for &(name, dtype, shape) in tensors {
                let bytes = vec![2; shape.iter().product::<u64>() as usize * dtype.bits() / 8];
                let meta = meta(name, dtype, shape);
                let coded = EncodedTensor::lossless(&meta, &bytes)?;
                writer.add_tensor(meta, coded, Some(number), "lossless")?;
                writer.set_tensor_hash(hash(&bytes));
            }
        }
    }
    cases.file("files_gguf_and_packed", writer.finish()?);
    Ok(())
}

/// Provenance, base hint and hashes in pairs; `on_base_all_flags` has all three.
fn flags(cases: &mut Cases) -> Result<()> {
    for (name, provenance, hint, hashes) in [
        ("flags_provenance_hint", true, true, false),
        ("flags_provenance_hashes", true, false, true),
        ("flags_hint_hashes", false, true, true),
    ] {
        let mut writer = HctWriter::new(Vec::new())?;
        if provenance {
            writer.set_provenance("{\"hct\":\"0.1.0\"}")?;
        }
        if hint {
            writer.set_base_hint("../somewhere/base.hct")?;
        }
        writer.add_file(FileKind::Side, "config.json", b"{}", 0, 2)?;
        for name in ["a", "b"] {
            let meta = meta(name, Dtype::I16, &[2, 2]);
            let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
            let coded = EncodedTensor::lossless(&meta, &bytes)?;
            writer.add_tensor(meta, coded, None, name)?;
            if hashes && name == "b" {
                writer.set_tensor_hash(hash(&bytes));
            }
        }
        cases.file(name, writer.finish()?);
    }
    Ok(())
}

/// Entries with a hash and without.
fn with_hashes() -> Result<Vec<u8>> {
    let mut writer = HctWriter::new(Vec::new())?;
    writer.add_file(FileKind::Side, "a.json", b"{}", 0, 2)?;
    writer.add_file(FileKind::Side, "b.json", b"[]", 0, 2)?;
    writer.set_file_hash(hash(b"[]"));
    let bytes = [1, 2, 3, 4];
    for (name, hash) in [("a", Some(hash(&bytes))), ("b", None)] {
        let meta = meta(name, Dtype::U8, &[4]);
        let coded = EncodedTensor::lossless(&meta, &bytes)?;
        writer.add_tensor(meta, coded, None, "lossless")?;
        if let Some(hash) = hash {
            writer.set_tensor_hash(hash);
        }
    }
    writer.finish()
}

/// A file without its only recovery block: what a writer may leave out.
fn without_blocks(file: &[u8]) -> Vec<u8> {
    let trailer = file.len() - 32;
    let mut index_at = [0; 8];
    index_at.copy_from_slice(&file[trailer..trailer + 8]);
    let index_at = u64::from_le_bytes(index_at) as usize;
    let is_block = |bytes: &[u8]| bytes == b"HCT3REC\n";
    let payload_end = file[..index_at].windows(8).position(is_block);
    let payload_end = payload_end.unwrap_or(index_at);
    let mut out = [&file[..payload_end], &file[index_at..]].concat();
    let trailer = trailer - (index_at - payload_end);
    out[trailer..trailer + 8].copy_from_slice(&(payload_end as u64).to_le_bytes());
    out
}
