//! What a damaged file still has.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use hct_core::{FileEntry, FileKind, ReadAt};

use crate::error::Error;
use crate::error_chain::error_chain;
use crate::hct_model::HctModel;
use crate::layout::ShardLayout;
use crate::progress::Progress;
use crate::restore::Restorable;
use crate::shard_header::ShardHeader;
use crate::tensor_source::TensorSource;
use crate::verify::{RECOVERY_BLOCK, VerifyFailure, lost_part, verify_deep};

/// What of `model` can be written, and what is lost. All of it is decoded once to know. A file of tensors
/// that has lost some gets a header of the others; nothing is filled in.
///
/// # Errors
/// When the base is missing or another, paths could take each other's place, or the run is cancelled.
pub(crate) fn salvage<R: ReadAt>(
    model: &HctModel<R>,
    progress: &dyn Progress,
) -> Result<(Restorable, Vec<VerifyFailure>), Error> {
    model.check_limits()?;
    model.check_paths()?;
    model.check_base(&())?;
    let mut lost = verify_deep(model, progress);
    if progress.cancelled() {
        return Err(Error::Cancelled);
    }
    // What is wrong with the headers is found again, shard by shard; recovery blocks hold nothing of the checkpoint.
    lost.retain(|failure| !matches!(failure.kind, "index" | RECOVERY_BLOCK));
    let names = |kind: &str| -> HashSet<String> {
        let of_kind = lost.iter().filter(|failure| failure.kind == kind);
        of_kind.map(|failure| failure.name.clone()).collect()
    };
    let (tensors, files) = (names("tensor"), names("file"));
    let mut found = Restorable {
        shards: Vec::new(),
        side_files: Vec::new(),
    };
    for (number, entry) in model.index().files.iter().enumerate() {
        if entry.kind.has_tensors() {
            let shard = Shard {
                model,
                entry,
                number,
            };
            let (layout, more) = shard.salvage(&tensors)?;
            found.shards.extend(layout);
            lost.extend(more);
        } else if !files.contains(&entry.path) {
            found.side_files.push(number);
        }
    }
    for stray in model.index().tensors.iter().filter(|t| t.file.is_none()) {
        if !tensors.contains(&stray.name) {
            lost.push(lost_part("tensor", &stray.name, "it belongs to no file"));
        }
    }
    Ok((found, lost))
}

/// A file of tensors, and its number.
struct Shard<'a, R> {
    model: &'a HctModel<R>,
    entry: &'a FileEntry,
    number: usize,
}

impl<R: ReadAt> Shard<'_, R> {
    /// What is left of it, and what is lost besides the tensors that are `damaged`.
    fn salvage(
        &self,
        damaged: &HashSet<String>,
    ) -> Result<(Option<ShardLayout>, Vec<VerifyFailure>), Error> {
        let (model, entry) = (self.model, self.entry);
        let mut lost = Vec::new();
        let records = model.index().tensors.iter().enumerate();
        let records = records.filter(|(_, t)| t.file == Some(self.number));
        let by_name: HashMap<&str, usize> = records.map(|(i, t)| (&t.name[..], i)).collect();
        let path = Path::new(&entry.path);
        let carried = model.carried(entry);
        let header = carried.and_then(|bytes| ShardHeader::parse(entry.kind, bytes, path));
        let header = match header {
            Ok(header) => Some(header),
            // A damaged one is among what is lost already.
            Err(Error::Carried { .. } | Error::Hct { .. }) => None,
            Err(error) => {
                lost.push(lost_part("file", &entry.path, error_chain(&error)));
                None
            }
        };
        let mut keep: Vec<usize> = Vec::new();
        match &header {
            Some(header) => {
                let tensors = header.tensors();
                let named: HashSet<&str> = tensors.iter().map(|info| &info.name[..]).collect();
                for info in &tensors {
                    match by_name.get(&info.name[..]) {
                        _ if damaged.contains(&info.name) => {}
                        None => lost.push(lost_part("tensor", &info.name, MISSING)),
                        Some(&i) if model.tensors()[i] == *info => keep.push(i),
                        Some(_) => lost.push(lost_part("tensor", &info.name, OTHER)),
                    }
                }
                for record in model.index().tensors.iter() {
                    let name = &record.name[..];
                    let unnamed = record.file == Some(self.number) && !named.contains(name);
                    if unnamed && !damaged.contains(name) {
                        lost.push(lost_part("tensor", name, UNNAMED));
                    }
                }
            }
            // The order of the data is as good as that of the records.
            None => {
                keep.extend(by_name.values());
                keep.sort_unstable();
                keep.retain(|&i| !damaged.contains(&model.tensors()[i].name));
            }
        }
        if keep.is_empty() && !by_name.is_empty() {
            return Ok((None, lost));
        }
        let header = match header {
            Some(header) if header.tensors().len() == keep.len() => header,
            header => {
                let kept = keep.iter().map(|&i| model.tensors()[i].name.as_str());
                match header {
                    Some(header) => header.with_only(&kept.collect(), path)?,
                    None if entry.kind == FileKind::Gguf => {
                        lost.push(lost_part("file", &entry.path, NO_METADATA));
                        return Ok((None, lost));
                    }
                    None => {
                        let infos = keep.iter().map(|&i| model.tensors()[i].clone());
                        ShardHeader::of(&infos.collect::<Vec<_>>(), path)?
                    }
                }
            }
        };
        // As the header has them.
        let order = header.tensors();
        let records = order
            .iter()
            .filter_map(|info| by_name.get(&info.name[..]).copied());
        let layout = ShardLayout {
            name: entry.path.clone(),
            records: records.collect(),
            header,
        };
        Ok((Some(layout), lost))
    }
}

const MISSING: &str = "nothing is left of it, or it is in another part";
const UNNAMED: &str = "the header of its file does not name it";
const OTHER: &str = "it is not as the header of its file says";
const NO_METADATA: &str = "without its header nothing says how its tensors are to be read";
