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
    Ok(())
}

/// Entries with a hash and without.
fn with_hashes() -> Result<Vec<u8>> {
    let mut writer = HctWriter::new(Vec::new())?;
    writer.add_file(FileKind::Side, "a.json", b"{}", 0, 2)?;
    writer.add_file(FileKind::Side, "b.json", b"[]", 0, 2)?;
    writer.set_file_hash(ContentHash([7; 32]));
    for (name, hash) in [("a", Some([1; 32])), ("b", None)] {
        let meta = meta(name, Dtype::U8, &[4]);
        let coded = EncodedTensor::lossless(&meta, &[1, 2, 3, 4])?;
        writer.add_tensor(meta, coded, None, "lossless")?;
        if let Some(hash) = hash {
            writer.set_tensor_hash(ContentHash(hash));
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
