//! How an HCT file's tensors make up the files of a checkpoint again.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use hct_core::ReadAt;

use crate::carried_paths::check_paths;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::safe_path::fault_in_file_name;
use crate::shard_header::ShardHeader;
use crate::tensor_source::TensorSource;

/// A shard to be written: its header and the records of its tensors, in the order of their data.
pub(crate) struct ShardLayout {
    pub name: String,
    pub header: ShardHeader,
    pub records: Vec<usize>,
}

impl<R: ReadAt> HctModel<R> {
    /// Checks that the carried files can be written beside each other, and that what the shard headers
    /// among them say agrees with the tensors' records, so that the checkpoint can be written back.
    ///
    /// # Errors
    /// When not, naming the file or the tensor.
    pub fn check_layout(&self) -> Result<(), Error> {
        shards(self).map(drop)
    }

    /// Errs where files that are carried could take each other's place, or lead elsewhere.
    pub(crate) fn check_paths(&self) -> Result<(), Error> {
        check_paths(self.index().files.iter().map(|file| &file.path[..]))
    }

    /// How many tensors of the checkpoint the file lacks, being a part of it; 0 where the layout is
    /// complete, or wrong.
    pub fn tensors_in_other_parts(&self) -> usize {
        match self.check_layout() {
            Err(Error::Incomplete { tensors, of, .. }) => of.saturating_sub(tensors),
            _ => 0,
        }
    }

    /// The `__metadata__` of the safetensors files that the checkpoint came in, one after the other;
    /// of a key that is there again, the first.
    ///
    /// # Errors
    /// When a header is damaged or does not agree with the records.
    pub fn metadata(&self) -> Result<Vec<(String, String)>, Error> {
        let mut seen = HashSet::new();
        let mut metadata = Vec::new();
        for shard in shards(self)? {
            let pairs = shard.header.metadata().iter();
            metadata.extend(pairs.filter(|(key, _)| seen.insert(key.clone())).cloned());
        }
        Ok(metadata)
    }
}

/// The shards of a model, with every promise of their headers checked against the records.
pub(crate) fn shards<R: ReadAt>(model: &HctModel<R>) -> Result<Vec<ShardLayout>, Error> {
    let index = model.index();
    let lie = |reason: String| Error::Carried {
        path: model.name().to_owned(),
        file: "the index".into(),
        reason,
    };
    model.check_limits()?;
    model.check_paths()?;
    let mut of_shards: Vec<Vec<usize>> = vec![Vec::new(); index.files.len()];
    for (i, tensor) in index.tensors.iter().enumerate() {
        if let Some(file) = tensor.file {
            of_shards[file].push(i);
        }
    }
    let mut out = Vec::new();
    let (mut named, mut missing) = (0, None);
    for (entry, of_shard) in index.files.iter().zip(of_shards) {
        if !entry.kind.has_tensors() {
            continue;
        }
        if let Some(reason) = fault_in_file_name(&entry.path) {
            let path = entry.path.clone();
            return Err(Error::UnsafePath { path, reason });
        }
        let path = Path::new(&entry.path);
        let header = ShardHeader::parse(entry.kind, model.carried(entry)?, path)?;
        let by_name: HashMap<&str, usize> = of_shard
            .iter()
            .map(|&i| (index.tensors[i].name.as_str(), i))
            .collect();
        let tensors = header.tensors();
        named += tensors.len();
        let mut records = Vec::with_capacity(tensors.len());
        for info in &tensors {
            let Some(&record) = by_name.get(info.name.as_str()) else {
                missing.get_or_insert_with(|| info.name.clone());
                continue;
            };
            if model.tensors()[record] != *info {
                return Err(lie(format!(
                    "tensor {:?} is not as the header of its shard says",
                    info.name
                )));
            }
            records.push(record);
        }
        if records.len() != of_shard.len() {
            return Err(lie(format!("the header of {:?} lacks tensors", entry.path)));
        }
        out.push(ShardLayout {
            name: entry.path.clone(),
            header,
            records,
        });
    }
    if out.is_empty() {
        return Err(lie("it holds no shard to write".into()));
    }
    if let Some(stray) = index.tensors.iter().find(|t| t.file.is_none()) {
        return Err(lie(format!("tensor {:?} belongs to no shard", stray.name)));
    }
    if let Some(tensor) = missing {
        return Err(Error::Incomplete {
            path: model.name().to_owned(),
            tensor,
            tensors: index.tensors.len(),
            of: named,
        });
    }
    Ok(out)
}
