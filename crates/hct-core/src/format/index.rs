//! The index at the end of a file.

#[cfg(feature = "encode")]
use std::collections::HashMap;
use std::ops::Range;

use super::base_hint;
use super::chunk::Chunk;
use super::content_hash::ContentHash;
use super::limits::{LimitExceeded, Limited, Limits};
use super::provenance;
use super::record::TensorRecord;
use super::trailer::HEADER_LEN;
use crate::wire::Reader;
#[cfg(feature = "encode")]
use crate::wire::{put_blob, put_varint};
use crate::{Error, Result};

/// What a carried file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A shard of tensors; the carried bytes are its header, without tensor data.
    Shard,
    /// Any other file of the checkpoint, whole.
    Side,
    /// A GGUF file of tensors; the carried bytes are the length of the file and all that comes
    /// before its data (docs/FORMAT.md, §15).
    Gguf,
}

impl FileKind {
    /// Whether tensors are in files of this kind.
    pub fn has_tensors(self) -> bool {
        match self {
            FileKind::Shard | FileKind::Gguf => true,
            FileKind::Side => false,
        }
    }
}

/// A file of the checkpoint, carried along.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// What it is.
    pub kind: FileKind,
    /// Relative path with forward slashes. Readers must check it before they use it.
    pub path: String,
    /// How the container's user packed the bytes: 0 as they are, 1 zlib.
    pub packing: u8,
    /// Length once unpacked.
    pub unpacked_len: u64,
    /// The hash of what it was, unpacked, where the file has hashes.
    pub hash: Option<ContentHash>,
    pub(crate) data: Chunk,
}

impl FileEntry {
    /// Bytes it takes in the payload.
    pub fn stored_bytes(&self) -> u64 {
        self.data.len
    }

    #[cfg(feature = "encode")]
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.kind {
            FileKind::Shard => 0,
            FileKind::Side => 1,
            FileKind::Gguf => 2,
        });
        put_blob(out, self.path.as_bytes());
        out.push(self.packing);
        put_varint(out, self.unpacked_len);
        put_varint(out, self.data.offset);
        self.data.write(out);
    }

    fn read(r: &mut Reader<'_>, payload_end: u64) -> Result<Self> {
        let kind = match r.u8()? {
            0 => FileKind::Shard,
            1 => FileKind::Side,
            2 => FileKind::Gguf,
            value => {
                return Err(Error::Reserved {
                    field: "file kind",
                    value: value.into(),
                });
            }
        };
        let path = r.string("file path")?;
        let packing = r.u8()?;
        if packing > 1 {
            return Err(Error::Reserved {
                field: "file packing",
                value: packing.into(),
            });
        }
        let unpacked_len = r.varint()?;
        let mut offset = r.varint()?;
        let data = Chunk::read(r, &mut offset)?;
        if data.offset < HEADER_LEN as u64 && data.len > 0 {
            return Err(Error::invalid("carried file", "overlaps the file header"));
        }
        if offset > payload_end {
            return Err(Error::Truncated {
                what: "carried file",
                needed: offset,
                available: payload_end,
            });
        }
        Ok(FileEntry {
            kind,
            path,
            packing,
            unpacked_len,
            hash: None,
            data,
        })
    }
}

/// Flag of an index that says how it was made.
const HAS_PROVENANCE: u64 = 1;
/// Flag of an index that says where its base was.
const HAS_BASE_HINT: u64 = 2;
/// Flag of an index that ends with hashes; the flags above are reserved.
const HAS_HASHES: u64 = 4;

/// Everything a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// What the encoder says of how it made the file: 1 to [`MAX_PROVENANCE`] bytes that nobody
    /// vouches for, JSON by custom (see docs/FORMAT.md). Decoding does not depend on it.
    ///
    /// [`MAX_PROVENANCE`]: crate::MAX_PROVENANCE
    pub provenance: Option<String>,
    /// Where the encoder found the base of the tensors that have one, a path or a URL: 1 to
    /// [`MAX_BASE_HINT`] bytes to be shown to people, never to be opened unasked.
    ///
    /// [`MAX_BASE_HINT`]: crate::MAX_BASE_HINT
    pub base_hint: Option<String>,
    /// Shards and side files, in stored order.
    pub files: Vec<FileEntry>,
    /// Tensors, in stored order.
    pub tensors: Vec<TensorRecord>,
}

/// Some entries of an index, to be written.
#[cfg(feature = "encode")]
pub(super) struct Parts<'a> {
    pub provenance: Option<&'a str>,
    pub base_hint: Option<&'a str>,
    pub files: &'a [FileEntry],
    pub tensors: &'a [TensorRecord],
}

#[cfg(feature = "encode")]
impl Parts<'_> {
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut labels: Vec<&str> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut label_of = |label| {
            *known.entry(label).or_insert_with(|| {
                labels.push(label);
                labels.len() - 1
            })
        };
        let numbers: Vec<usize> = self.tensors.iter().map(|t| label_of(&*t.label)).collect();
        let texts = [self.provenance, self.base_hint];
        let flags = [HAS_PROVENANCE, HAS_BASE_HINT];
        let set = flags.iter().zip(texts).filter(|(_, text)| text.is_some());
        let hashes = || {
            let files = self.files.iter().map(|file| file.hash.as_ref());
            files.chain(self.tensors.iter().map(|tensor| tensor.hash.as_ref()))
        };
        let hashed = hashes().any(|hash| hash.is_some());
        let with_hashes = if hashed { HAS_HASHES } else { 0 };
        put_varint(out, set.map(|(flag, _)| flag).sum::<u64>() | with_hashes);
        for text in texts.into_iter().flatten() {
            put_blob(out, text.as_bytes());
        }
        put_varint(out, labels.len() as u64);
        labels.iter().for_each(|l| put_blob(out, l.as_bytes()));
        put_varint(out, self.files.len() as u64);
        self.files.iter().for_each(|f| f.write(out));
        put_varint(out, self.tensors.len() as u64);
        for (tensor, label) in self.tensors.iter().zip(numbers) {
            tensor.write(out, label);
        }
        if hashed {
            hashes().for_each(|hash| ContentHash::write(hash, out));
        }
    }
}

/// Where entries of an index are read from.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Where the payload that they are of ends at the latest.
    pub payload_end: u64,
    /// Carried files of the whole file before those that are read.
    pub files_before: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl Index {
    #[cfg(feature = "encode")]
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            provenance: self.provenance.as_deref(),
            base_hint: self.base_hint.as_deref(),
            files: &self.files,
            tensors: &self.tensors,
        }
    }

    /// Reads an index whose payload ends at `payload_end`, of a file of `file_bytes`.
    ///
    /// # Errors
    /// When anything in it contradicts the format, or there is more of something than `limits`
    /// allow; errors name the tensor.
    pub(crate) fn read(
        bytes: &[u8],
        payload_end: u64,
        limits: &Limits,
        file_bytes: u64,
    ) -> Result<Self> {
        let place = Place {
            payload_end,
            files_before: 0,
            file_bytes,
        };
        let mut r = Reader::new(bytes, "index");
        let index = Self::read_part(&mut r, place, limits)?;
        r.finish()?;
        index.check()?;
        Ok(index)
    }

    /// Reads some entries of an index, which are not held against the others.
    pub(super) fn read_part(r: &mut Reader<'_>, place: Place, limits: &Limits) -> Result<Self> {
        let within = |count: usize, before: u64, what| {
            let asked = before.saturating_add(count as u64);
            match asked > limits.tensors {
                false => Ok(count),
                true => Err(Error::Limit(LimitExceeded {
                    what,
                    asked,
                    limit: limits.tensors,
                    file_bytes: place.file_bytes,
                    name: None,
                })),
            }
        };
        let flags = r.varint()?;
        if flags & !(HAS_PROVENANCE | HAS_BASE_HINT | HAS_HASHES) != 0 {
            return Err(Error::Reserved {
                field: "index flags",
                value: flags,
            });
        }
        let provenance = match flags & HAS_PROVENANCE {
            0 => None,
            _ => Some(provenance::read(r)?),
        };
        let base_hint = match flags & HAS_BASE_HINT {
            0 => None,
            _ => Some(base_hint::read(r)?),
        };
        let labels = within(r.count(1, "number of labels")?, 0, Limited::Labels)?;
        let labels = (0..labels)
            .map(|_| Ok(r.string("label")?.into()))
            .collect::<Result<Vec<_>>>()?;
        let before = place.files_before;
        let files = within(r.count(10, "number of files")?, before, Limited::Files)?;
        let mut files = (0..files)
            .map(|_| FileEntry::read(r, place.payload_end))
            .collect::<Result<Vec<_>>>()?;
        let all_files = before as usize + files.len();
        let tensors = within(r.count(7, "number of tensors")?, 0, Limited::Tensors)?;
        let mut tensors = (0..tensors)
            .map(|_| TensorRecord::read(r, &labels, all_files, place.payload_end))
            .collect::<Result<Vec<_>>>()?;
        if flags & HAS_HASHES != 0 {
            let files = files.iter_mut().map(|file| &mut file.hash);
            for hash in files.chain(tensors.iter_mut().map(|tensor| &mut tensor.hash)) {
                *hash = ContentHash::read(r)?;
            }
        }
        Ok(Index {
            provenance,
            base_hint,
            files,
            tensors,
        })
    }

    /// Where the payload of each entry lies in the file, those of files first.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let of = |offset: u64, len: u64| offset..offset.saturating_add(len);
        let files = self
            .files
            .iter()
            .map(move |f| of(f.data.offset, f.data.len));
        let tensors = self.tensors.iter().map(move |t| {
            let first = t.chunks().next().map_or(0, |chunk| chunk.offset);
            of(first, t.payload_bytes())
        });
        files.chain(tensors)
    }

    /// Errs where entries contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        let Index { files, tensors, .. } = self;
        let mut names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
            return Err(Error::invalid(
                "tensor name",
                format!("{:?} occurs twice", pair[0]),
            ));
        }
        let not_a_shard = |t: &&TensorRecord| t.file.is_some_and(|f| !files[f].kind.has_tensors());
        match tensors.iter().find(not_a_shard) {
            None => Ok(()),
            Some(t) => Err(
                Error::invalid("shard number", "names a file that is no shard").in_tensor(&t.name),
            ),
        }
    }
}
