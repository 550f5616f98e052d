//! An HCT file back into a checkpoint, wherever either is.

use std::io::Write;

use hct_core::{FileKind, ReadAt};

use crate::bands::{BAND, Band, bands, overlapped_bands};
use crate::buffers::Buffers;
use crate::checkpoint_sink::CheckpointSink;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::layout::{ShardLayout, shards};
use crate::progress::Progress;
use crate::proved_content::ContentOfBands;

/// What came of decompressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecompressReport {
    /// Bytes of everything written.
    pub output_bytes: u64,
}

/// What of a model is written: shards, and side files by their numbers among the carried ones.
pub(crate) struct Restorable {
    pub shards: Vec<ShardLayout>,
    pub side_files: Vec<usize>,
}

impl Restorable {
    /// All of it.
    pub fn whole<R: ReadAt>(model: &HctModel<R>) -> Result<Restorable, Error> {
        let files = model.index().files.iter().enumerate();
        let side_files = files.filter(|(_, f)| f.kind == FileKind::Side);
        Ok(Restorable {
            shards: shards(model)?,
            side_files: side_files.map(|(number, _)| number).collect(),
        })
    }

    /// Writes it to `sink`.
    pub fn write<R: ReadAt, S: CheckpointSink>(
        &self,
        model: &HctModel<R>,
        sink: &mut S,
        progress: &dyn Progress,
    ) -> Result<DecompressReport, Error> {
        let mut output_bytes = 0;
        for shard in &self.shards {
            let file = sink.begin(&shard.name)?;
            let (file, written) = write(model, shard, file, progress)?;
            output_bytes += written;
            sink.end(&shard.name, file)?;
        }
        for &number in &self.side_files {
            let side = &model.index().files[number];
            let bytes = model.carried(side)?;
            let mut file = sink.begin(&side.path)?;
            file.write_all(&bytes)
                .and_then(|()| file.flush())
                .map_err(Error::io("write", side.path.as_ref()))?;
            output_bytes += bytes.len() as u64;
            sink.end(&side.path, file)?;
        }
        Ok(DecompressReport { output_bytes })
    }

    /// Writes its only shard to `output`, and gives the writer back.
    pub fn write_file<R: ReadAt, W: Write + Send>(
        &self,
        model: &HctModel<R>,
        output: W,
        progress: &dyn Progress,
    ) -> Result<(W, DecompressReport), Error> {
        let [shard] = &self.shards[..] else {
            return Err(Error::ManyShards {
                path: model.name().to_owned(),
                shards: self.shards.len(),
            });
        };
        let (output, output_bytes) = write(model, shard, output, progress)?;
        Ok((output, DecompressReport { output_bytes }))
    }
}

/// Writes the checkpoint in `model` to `sink`: the same shards, names, dtypes, order and metadata,
/// byte for byte where coding was lossless, and the side files.
///
/// # Errors
/// When the base is missing or another, before anything is written; when the file is damaged or
/// lies, or the sink does not take what is written. The sink may then have a part of the checkpoint.
pub fn restore<R: ReadAt, S: CheckpointSink>(
    model: &HctModel<R>,
    sink: &mut S,
    progress: &dyn Progress,
) -> Result<DecompressReport, Error> {
    let whole = Restorable::whole(model)?;
    model.check_base(&())?;
    whole.write(model, sink, progress)
}

/// Writes the only shard of `model` to `output`, a safetensors or GGUF file as it was, and gives
/// the writer back.
///
/// # Errors
/// As [`restore`]; or when the model has several shards.
pub fn restore_file<R: ReadAt, W: Write + Send>(
    model: &HctModel<R>,
    output: W,
    progress: &dyn Progress,
) -> Result<(W, DecompressReport), Error> {
    let whole = Restorable::whole(model)?;
    model.check_base(&())?;
    whole.write_file(model, output, progress)
}

/// Decodes and writes a shard; returns the bytes of the finished file, too.
fn write<R: ReadAt, W: Write + Send>(
    model: &HctModel<R>,
    shard: &ShardLayout,
    output: W,
    progress: &dyn Progress,
) -> Result<(W, u64), Error> {
    let mut writer = shard.header.begin(&shard.name, output)?;
    let bands = bands(model, &shard.records, |_| BAND)?;
    let buffers = Buffers::default();
    let mut content: Option<ContentOfBands<'_, R>> = None;
    let decode = |band: &Band<'_, R>| {
        let bytes = band.part.decode_with(&buffers)?;
        if band.is_whole() {
            model.check_content(band.number, &bytes)?;
        }
        Ok(bytes)
    };
    let put = |band: &Band<'_, R>, bytes: Vec<u8>| {
        if !band.is_whole() {
            if band.first {
                content = Some(model.content_of_bands(band.number));
            }
            if let Some(content) = &mut content {
                content.update(&bytes);
            }
        }
        writer.write(band.k, &bytes)?;
        if band.last
            && let Some(content) = content.take()
        {
            content.check()?;
        }
        buffers.give(bytes);
        let name = &model.index().tensors[band.number].name;
        progress.advance(band.part.byte_len(), name);
        Ok(())
    };
    overlapped_bands(model, &bands, progress, |_, error| error, decode, put)?;
    Ok((writer.finish()?, shard.header.file_len()))
}
