//! An HCT file back into a checkpoint.

use std::path::Path;

use hct_core::FileKind;
use rayon::prelude::*;

use crate::batch::batches;
use crate::safetensors_out::check_replaceable;
use crate::{DirWriter, Error, HctModel, Header, Progress, ShardWriter, TensorSource};

/// What came of decompressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecompressReport {
    /// Bytes of everything written.
    pub output_bytes: u64,
}

/// Writes the checkpoint in `model` to `output`: the same shards, names, dtypes, order and
/// metadata, byte for byte where coding was lossless. A model of one shard becomes a file when
/// `output` ends in `.safetensors` (side files are left out then); anything else becomes a folder
/// with the side files. The output appears under its name only when it is complete.
///
/// # Errors
/// When the file is damaged or lies, or the output cannot be written or exists already.
pub fn decompress(
    model: &HctModel,
    output: &Path,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<DecompressReport, Error> {
    if !overwrite && output.exists() {
        return Err(Error::OutputExists {
            path: output.to_owned(),
        });
    }
    let shards = shards(model)?;
    let single = output.extension().is_some_and(|e| e == "safetensors");
    let mut output_bytes = 0;
    if single {
        let [shard] = &shards[..] else {
            return Err(Error::ManyShards {
                path: output.to_owned(),
                shards: shards.len(),
            });
        };
        let mut writer = ShardWriter::create(output, shard.header.clone())?;
        output_bytes += shard.write(model, &mut writer, progress)?;
        writer.finish(overwrite)?;
    } else {
        if output.exists() {
            check_replaceable(output)?;
        }
        let folder = DirWriter::create(output)?;
        for shard in &shards {
            let mut writer = folder.shard(&shard.name, shard.header.clone())?;
            output_bytes += shard.write(model, &mut writer, progress)?;
            writer.finish(false)?;
        }
        for side in model
            .index()
            .files
            .iter()
            .filter(|f| f.kind == FileKind::Side)
        {
            let bytes = model.carried(side)?;
            output_bytes += bytes.len() as u64;
            folder.side_file(&side.path, &bytes[..])?;
        }
        folder.finish(overwrite)?;
    }
    Ok(DecompressReport { output_bytes })
}

/// A shard to be written: its header and, for each of the header's tensors, the record.
pub(crate) struct Shard {
    name: String,
    header: Header,
    records: Vec<usize>,
}

/// The shards of a model, with every promise of their headers checked against the records.
pub(crate) fn shards(model: &HctModel) -> Result<Vec<Shard>, Error> {
    let index = model.index();
    let lie = |reason: String| Error::Carried {
        path: model.path().to_owned(),
        file: "the index".into(),
        reason,
    };
    let mut out = Vec::new();
    for (number, entry) in index.files.iter().enumerate() {
        if entry.kind != FileKind::Shard {
            continue;
        }
        let of_shard: Vec<usize> = (0..index.tensors.len())
            .filter(|&i| index.tensors[i].file == Some(number))
            .collect();
        let data_len = of_shard
            .iter()
            .try_fold(0u64, |sum, &i| {
                sum.checked_add(index.tensors[i].decoded_bytes())
            })
            .ok_or_else(|| lie("its tensors are too large".into()))?;
        let header = Header::parse(model.carried(entry)?, data_len)
            .map_err(|e| e.in_file(Path::new(&entry.path)))?;
        let by_name: std::collections::HashMap<&str, usize> = of_shard
            .iter()
            .map(|&i| (index.tensors[i].name.as_str(), i))
            .collect();
        let mut records = Vec::with_capacity(header.tensors().len());
        for tensor in header.tensors() {
            let info = &tensor.info;
            let record = by_name
                .get(info.name.as_str())
                .copied()
                .filter(|&i| model.tensors()[i] == *info)
                .ok_or_else(|| {
                    lie(format!(
                        "tensor {:?} is not as the header of its shard says",
                        info.name
                    ))
                })?;
            records.push(record);
        }
        if records.len() != of_shard.len() {
            return Err(lie(format!("the header of {:?} lacks tensors", entry.path)));
        }
        out.push(Shard {
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
    Ok(out)
}

impl Shard {
    /// Decodes and writes the tensors; returns the bytes of the finished file.
    fn write(
        &self,
        model: &HctModel,
        writer: &mut ShardWriter,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let sizes: Vec<u64> = self
            .records
            .iter()
            .map(|&i| model.index().tensors[i].decoded_bytes())
            .collect();
        for batch in batches(&sizes) {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let decoded: Vec<_> = batch
                .clone()
                .into_par_iter()
                .map(|k| model.read(self.records[k]))
                .collect();
            for (k, bytes) in batch.zip(decoded) {
                writer.write(k, &bytes?)?;
                progress.advance(sizes[k], &model.tensors()[self.records[k]].name);
            }
        }
        Ok(8 + self.header.header_bytes().len() as u64 + self.header.data_len())
    }
}
