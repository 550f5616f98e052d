//! Files of §3, §4 and §20 of docs/FORMAT.md, with recovery blocks wherever one likes.

use super::coders::{put_blob, put_varint};

/// A piece of what follows the recipe's number in a tensor record.
pub(super) enum Part {
    Fields(Vec<u8>),
    Chunk(Vec<u8>),
}

/// What a file is made of, front to back.
pub(super) enum Piece {
    File {
        kind: u8,
        path: &'static str,
        packing: u8,
        len: u64,
        stored: Vec<u8>,
        hash: Option<[u8; 32]>,
    },
    Tensor {
        name: String,
        dtype: u8,
        shape: Vec<u64>,
        shard: Option<usize>,
        label: &'static str,
        recipe: u8,
        parts: Vec<Part>,
        hash: Option<[u8; 32]>,
    },
    /// A recovery block of what came since the last, and the minor version that it takes.
    Block(u16),
}

impl Piece {
    /// A tensor without hash or shard.
    pub fn tensor(name: &str, dtype: u8, shape: &[u64], recipe: u8, parts: Vec<Part>) -> Self {
        Piece::Tensor {
            name: name.into(),
            dtype,
            shape: shape.into(),
            shard: None,
            label: "by hand",
            recipe,
            parts,
            hash: None,
        }
    }
}

/// Entries of an index or a block.
#[derive(Default, Clone)]
struct Entries {
    labels: Vec<&'static str>,
    /// With their hashes.
    files: Vec<(Vec<u8>, Option<[u8; 32]>)>,
    tensors: Vec<TensorEntry>,
}

#[derive(Clone)]
struct TensorEntry {
    before_label: Vec<u8>,
    label: &'static str,
    after_label: Vec<u8>,
    hash: Option<[u8; 32]>,
}

impl Entries {
    fn write(&self, provenance: Option<&str>) -> Vec<u8> {
        let of_files = self.files.iter().map(|f| f.1);
        let hashes: Vec<_> = of_files
            .chain(self.tensors.iter().map(|t| t.hash))
            .collect();
        let hashed = hashes.iter().any(Option::is_some);
        let mut out = vec![u8::from(provenance.is_some()) | u8::from(hashed) << 2];
        if let Some(text) = provenance {
            put_blob(&mut out, text.as_bytes());
        }
        put_varint(&mut out, self.labels.len() as u64);
        self.labels
            .iter()
            .for_each(|l| put_blob(&mut out, l.as_bytes()));
        put_varint(&mut out, self.files.len() as u64);
        self.files.iter().for_each(|(file, _)| out.extend(file));
        put_varint(&mut out, self.tensors.len() as u64);
        for tensor in &self.tensors {
            out.extend(&tensor.before_label);
            let number = self.labels.iter().position(|&l| l == tensor.label);
            put_varint(&mut out, number.unwrap_or_default() as u64);
            out.extend(&tensor.after_label);
        }
        for hash in hashes.iter().filter(|_| hashed) {
            out.push(hash.is_some().into());
            out.extend(hash.iter().flatten());
        }
        out
    }

    fn add_label(&mut self, label: &'static str) {
        if !self.labels.contains(&label) {
            self.labels.push(label);
        }
    }
}

/// The length and the checksum of a chunk.
fn put_chunk(out: &mut Vec<u8>, chunk: &[u8]) {
    put_varint(out, chunk.len() as u64);
    out.extend(crc32fast::hash(chunk).to_le_bytes());
}

/// A file, whose last piece is a block.
pub(super) fn file(provenance: Option<&str>, pieces: Vec<Piece>) -> Vec<u8> {
    let mut out = b"\x89HCT\r\n\x1a\n\x03\0\0\0\0\0\0\0".to_vec();
    let (mut all, mut since) = (Entries::default(), Entries::default());
    let (mut first, mut newest) = (None, 0);
    let last = pieces.len() - 1;
    for (i, piece) in pieces.into_iter().enumerate() {
        match piece {
            Piece::File {
                kind,
                path,
                packing,
                len,
                stored,
                hash,
            } => {
                let mut entry = vec![kind];
                put_blob(&mut entry, path.as_bytes());
                entry.push(packing);
                put_varint(&mut entry, len);
                put_varint(&mut entry, out.len() as u64);
                put_chunk(&mut entry, &stored);
                out.extend(stored);
                for entries in [&mut all, &mut since] {
                    entries.files.push((entry.clone(), hash));
                }
            }
            Piece::Tensor {
                name,
                dtype,
                shape,
                shard,
                label,
                recipe,
                parts,
                hash,
            } => {
                let mut before = Vec::new();
                put_blob(&mut before, name.as_bytes());
                before.push(dtype);
                put_varint(&mut before, shape.len() as u64);
                shape.iter().for_each(|&d| put_varint(&mut before, d));
                put_varint(&mut before, shard.map_or(0, |s| s as u64 + 1));
                let mut after = Vec::new();
                let has_chunks = parts.iter().any(|part| matches!(part, Part::Chunk(_)));
                put_varint(&mut after, if has_chunks { out.len() as u64 } else { 0 });
                after.push(recipe);
                for part in parts {
                    match part {
                        Part::Fields(fields) => after.extend(fields),
                        Part::Chunk(chunk) => {
                            put_chunk(&mut after, &chunk);
                            out.extend(chunk);
                        }
                    }
                }
                for entries in [&mut all, &mut since] {
                    entries.add_label(label);
                    entries.tensors.push(TensorEntry {
                        before_label: before.clone(),
                        label,
                        after_label: after.clone(),
                        hash,
                    });
                }
            }
            Piece::Block(minor) => {
                newest = newest.max(minor);
                let mut body = first.unwrap_or(0u32).to_le_bytes().to_vec();
                body.extend(minor.to_le_bytes());
                body.push(u8::from(i == last));
                put_varint(&mut body, (all.files.len() - since.files.len()) as u64);
                put_varint(&mut body, (all.tensors.len() - since.tensors.len()) as u64);
                body.extend(since.write(provenance.filter(|_| i == last)));
                since = Entries::default();
                let mut summed = (out.len() as u64).to_le_bytes().to_vec();
                summed.extend((body.len() as u32).to_le_bytes());
                let crc = crc32fast::hash(&[&summed[..], &body].concat());
                first = first.or(Some(crc));
                out.extend(b"HCT3REC\n");
                out.extend(summed);
                out.extend(crc.to_le_bytes());
                out.extend(body);
            }
        }
    }
    let (index, at) = (all.write(provenance), out.len() as u64);
    out.extend(&index);
    out.extend(at.to_le_bytes());
    out.extend((index.len() as u64).to_le_bytes());
    out.extend(crc32fast::hash(&index).to_le_bytes());
    out.extend(newest.to_le_bytes());
    out.extend([0; 2]);
    out.extend(b"HCT3END\n");
    out
}

/// A file of some tensors.
pub(super) fn of_tensors(mut tensors: Vec<Piece>) -> Vec<u8> {
    tensors.push(Piece::Block(0));
    file(None, tensors)
}
