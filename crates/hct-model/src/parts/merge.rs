//! Parts into one file, without decoding.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::ptr;

use hct_core::{FileEntry, HctWriter, ReadAt};

use super::fault::PartFault;
use crate::begin::begin;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::made_by::without_part;
use crate::progress::Progress;
use crate::shard_header::ShardHeader;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Joins parts of a checkpoint, in any order, to `output`, and gives the writer back: the file that
/// compressing the checkpoint at once gives, byte for byte, if it is said to have been made as
/// `provenance` says. What is coded is copied as it is, each chunk checked; memory holds the indexes
/// and one chunk.
///
/// # Errors
/// When files are not the parts of one checkpoint or a part is missing, before anything is written;
/// when a part is damaged or the output cannot be written.
pub fn merge<R: ReadAt, W: Write>(
    parts: &[HctModel<R>],
    output: W,
    provenance: Option<&str>,
    progress: &dyn Progress,
) -> Result<W, Error> {
    let plan = Plan::new(parts)?;
    let base_hint = plan.with_files.index().base_hint.as_deref();
    let mut writer = begin(output, provenance, base_hint)?;
    let mut files = HashMap::new();
    for (number, entry) in plan.with_files.index().files.iter().enumerate() {
        let placed = copy_file(plan.with_files, entry, &mut writer)?;
        if entry.kind.has_tensors() {
            files.insert(&entry.path[..], placed);
        }
        debug_assert_eq!(placed, number, "all files are copied");
    }
    for (part, number) in plan.tensors {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let record = &part.index().tensors[number];
        let shard = record.file.map(|file| &part.index().files[file].path[..]);
        let file = shard.and_then(|path| files.get(path).copied());
        part.copy_to(number, file, &mut writer)?;
        progress.advance(record.payload_bytes(), &record.name);
    }
    writer.finish().map_err(Error::output)
}

/// What parts say of how they were made, less which part each is; what [`merge`] is to say of the whole.
///
/// # Errors
/// When one says another thing than the first.
pub fn made_by_parts<R: ReadAt>(parts: &[HctModel<R>]) -> Result<Option<String>, Error> {
    let says = |part: &HctModel<R>| part.index().provenance.as_deref().map(without_part);
    let Some(first) = parts.first() else {
        return Ok(None);
    };
    let said = says(first);
    match parts.iter().find(|part| says(part) != said) {
        None => Ok(said),
        Some(part) => Err(Error::Part {
            path: part.name().to_owned(),
            fault: PartFault::MadeOtherwise {
                what: "what it says of it (hct info)",
                first: first.name().display().to_string(),
            },
        }),
    }
}

/// Carries a file as it is packed; returns its number.
pub(crate) fn copy_file<R: ReadAt, W: Write>(
    from: &HctModel<R>,
    entry: &FileEntry,
    writer: &mut HctWriter<W>,
) -> Result<usize, Error> {
    put_file(entry, &from.stored(entry)?, writer)
}

/// The same of a file of which `stored` has been read.
pub(crate) fn put_file<W: Write>(
    entry: &FileEntry,
    stored: &[u8],
    writer: &mut HctWriter<W>,
) -> Result<usize, Error> {
    let (packing, len) = (entry.packing, entry.unpacked_len);
    let number = writer
        .add_file(entry.kind, &entry.path, stored, packing, len)
        .map_err(Error::output)?;
    if let Some(hash) = entry.hash {
        writer.set_file_hash(hash);
    }
    Ok(number)
}

/// What goes where.
struct Plan<'a, R> {
    /// The part that carries all files.
    with_files: &'a HctModel<R>,
    /// Parts and numbers of tensors there, in the order of the checkpoint.
    tensors: Vec<(&'a HctModel<R>, usize)>,
}

impl<'a, R: ReadAt> Plan<'a, R> {
    fn new(parts: &'a [HctModel<R>]) -> Result<Self, Error> {
        let most = parts.iter().rev().max_by_key(|p| p.index().files.len());
        let Some(with_files) = most else {
            return Err(PartFault::None.of(Path::new("")));
        };
        for part in parts.iter().filter(|part| !ptr::eq(*part, with_files)) {
            check_alike(part, with_files)?;
        }
        let mut found: HashMap<&str, (&HctModel<R>, usize)> = HashMap::new();
        for part in parts {
            for (number, tensor) in part.tensors().iter().enumerate() {
                if let Some((other, _)) = found.insert(&tensor.name, (part, number)) {
                    let fault = PartFault::Twice {
                        tensor: tensor.name.clone(),
                        other: name_of(other),
                    };
                    return Err(fault.of(part.name()));
                }
            }
        }
        let (mut tensors, mut missing) = (Vec::new(), Vec::new());
        for (shard, info) in tensors_of_shards(with_files)? {
            let Some((part, number)) = found.remove(&info.name[..]) else {
                missing.push(info.name);
                continue;
            };
            let index = part.index();
            let file = index.tensors[number].file;
            let is_there = file.is_some_and(|file| index.files[file].path == shard);
            if part.tensors()[number] != info || !is_there {
                return Err(PartFault::NotInCheckpoint { tensor: info.name }.of(part.name()));
            }
            tensors.push((part, number));
        }
        if let Some((&tensor, (part, _))) = found.iter().min_by_key(|(name, _)| **name) {
            let tensor = tensor.to_owned();
            return Err(PartFault::NotInCheckpoint { tensor }.of(part.name()));
        }
        match missing.first() {
            None => Ok(Plan {
                with_files,
                tensors,
            }),
            Some(tensor) => Err(PartFault::Missing {
                tensor: tensor.clone(),
                missing: missing.len(),
            }
            .of(with_files.name())),
        }
    }
}

/// The tensors of all shards in the order in which they are coded, each with its shard.
fn tensors_of_shards<R: ReadAt>(model: &HctModel<R>) -> Result<Vec<(&str, TensorInfo)>, Error> {
    let mut all = Vec::new();
    for entry in shards(model) {
        let path = Path::new(&entry.path);
        let header = ShardHeader::parse(entry.kind, model.carried(entry)?, path)?;
        let tensors = header.tensors_as_coded().into_iter();
        all.extend(tensors.map(|tensor| (&entry.path[..], tensor)));
    }
    Ok(all)
}

fn shards<R: ReadAt>(model: &HctModel<R>) -> impl Iterator<Item = &FileEntry> {
    let files = model.index().files.iter();
    files.filter(|entry| entry.kind.has_tensors())
}

/// Errs where `part` carries another file than `first`, or lacks the header of a shard, or says that
/// its base was elsewhere.
fn check_alike<R: ReadAt>(part: &HctModel<R>, first: &HctModel<R>) -> Result<(), Error> {
    let other = |entry: &FileEntry| PartFault::OtherCheckpoint {
        file: entry.path.clone(),
        first: name_of(first),
    };
    let same = |a: &&FileEntry, b: &&FileEntry| a.kind == b.kind && a.path == b.path;
    for entry in &part.index().files {
        let mut theirs = first.index().files.iter();
        let Some(twin) = theirs.find(|twin| same(twin, &entry)) else {
            return Err(other(entry).of(part.name()));
        };
        if part.carried(entry)? != first.carried(twin)? {
            return Err(other(entry).of(part.name()));
        }
    }
    let mut wanted = shards(first);
    if let Some(lacks) = wanted.find(|twin| !shards(part).any(|entry| same(&entry, twin))) {
        return Err(other(lacks).of(part.name()));
    }
    if part.index().base_hint != first.index().base_hint {
        let fault = PartFault::MadeOtherwise {
            what: "where the base was",
            first: name_of(first),
        };
        return Err(fault.of(part.name()));
    }
    Ok(())
}

fn name_of<R: ReadAt>(part: &HctModel<R>) -> String {
    part.name().display().to_string()
}

impl PartFault {
    /// The error of the file at `path`.
    pub fn of(self, path: &Path) -> Error {
        Error::Part {
            path: path.to_owned(),
            fault: self,
        }
    }
}
