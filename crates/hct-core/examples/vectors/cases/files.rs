//! What a file holds beside tensors: shards, side files packed and not, labels, provenance.

use hct_core::{Dtype, EncodedTensor, FileKind, HctWriter, Result};

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
    cases.file("files", writer.finish()?);
    Ok(())
}
