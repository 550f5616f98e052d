//! A checkpoint into an HCT file, wherever either is.

use std::io::{self, Write};
use std::ops::Range;

use hct_core::{ContentHash, FileKind, HctWriter, Recipe, TensorMeta, TensorRecord};
use hct_strategies::{BaseView, Coded, Strategy, TensorView};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::BaseMatch;
use crate::batch::{batches, overlapped};
use crate::begin::begin;
use crate::carried_paths::check_paths;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::content_hash::hash_of;
use crate::error::Error;
use crate::packing::pack;
use crate::progress::Progress;
use crate::route::{code_by, in_tensor, meta_of, route};
use crate::tensor_info::TensorInfo;

/// What to carry, and what to say of it.
#[derive(Clone, Copy, Debug)]
pub struct CompressOptions<'a> {
    /// Carry config, tokenizer and other side files of a folder.
    pub side_files: bool,
    /// What the file says of how it was made (see [`HctWriter::set_provenance`]); it counts as
    /// any other byte where a size is asked for.
    pub provenance: Option<&'a str>,
    /// What tensors may be coded against, where that is smaller.
    pub base: Option<&'a BaseMatch<'a>>,
    /// Store the BLAKE3 hash of every tensor and carried file as it was, which takes 66 bytes each.
    pub hashes: bool,
}

impl CompressOptions<'_> {
    /// The files of `source` that are carried, with their numbers in it.
    pub(crate) fn carried<'a>(
        &self,
        source: &'a dyn CheckpointSource,
    ) -> impl Iterator<Item = (usize, &'a CarriedFile)> + use<'a> {
        let side_files = self.side_files;
        let files = source.files().iter().enumerate();
        files.filter(move |(_, file)| side_files || file.kind != FileKind::Side)
    }
}

/// What came of compressing a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompressReport {
    /// Bytes of the checkpoint's files of tensors and of the side files carried.
    pub input_bytes: u64,
    /// Bytes of the HCT file.
    pub output_bytes: u64,
    /// Elements of all float tensors, and weights of all block-quantized ones.
    pub weights: u64,
    /// Elements of the tensors that were coded with loss.
    pub lossy_weights: u64,
    /// What became of the tensors where there is a base.
    pub base_use: BaseUse,
    /// What the errors of all tensors together are predicted to do to the output, in nats of KL
    /// divergence for a language model, where a calibration tells.
    pub predicted: Option<f64>,
    /// The bits per weight that were asked for, where the file takes over 1 % less because none of that
    /// size can be had: what is finer is lossless, or larger than asked for.
    pub asked: Option<f64>,
}

/// Tensors by what they took from a base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseUse {
    /// Those that are the base's, bit for bit.
    pub unchanged: usize,
    /// Those that are stored as what changed, exactly or not.
    pub differences: usize,
    /// Those that are stored alone.
    pub alone: usize,
}

impl BaseUse {
    fn count(&mut self, record: &TensorRecord) {
        match (&record.recipe, record.base()) {
            (Recipe::Unchanged(_), _) => self.unchanged += 1,
            (_, Some(_)) => self.differences += 1,
            (_, None) => self.alone += 1,
        }
    }
}

impl CompressReport {
    /// Bits per weight, the whole file counted.
    pub fn bits_per_weight(&self) -> f64 {
        8.0 * self.output_bytes as f64 / self.weights as f64
    }
}

/// Compresses `source` to `output`, each tensor by `strategy` unless only lossless coding suits
/// it, and gives the writer back, flushed. Tensors are coded in parallel on the current rayon pool, which writes to
/// `output`, too, some tensors while the next are coded; the bytes do not depend on its size. Memory holds a few
/// tensors at a time.
///
/// # Errors
/// When the source cannot be read or is changed meanwhile, a tensor cannot be coded as asked, the
/// output cannot be written, or the provenance or the hint to the base is empty or too long. `output` then holds the
/// beginning of a file.
pub fn encode<W: Write + Send>(
    source: &dyn CheckpointSource,
    output: W,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<(W, CompressReport), Error> {
    let base_hint = options.base.and_then(|base| base.hint);
    let mut writer = begin(Counting(output, 0), options.provenance, base_hint)?;
    check_paths(options.carried(source).map(|(_, file)| &file.path[..]))?;
    let mut input_bytes = source.total_bytes();
    // The numbers of the source's files in the output.
    let mut stored = vec![None; source.files().len()];
    for (number, file) in options.carried(source) {
        let is_side_file = file.kind == FileKind::Side;
        let bytes = source.read_file(number)?;
        let len = bytes.len() as u64;
        let (packed, packing) = pack(&bytes);
        let number_stored = writer.add_file(file.kind, &file.path, &packed, packing, len);
        stored[number] = Some(number_stored.map_err(Error::output)?);
        if options.hashes {
            writer.set_file_hash(hash_of(&bytes));
        }
        if is_side_file {
            input_bytes += len;
        }
    }
    let mut report = add_tensors(source, &mut writer, strategy, options, progress, &stored)?;
    let Counting(output, output_bytes) = writer.finish().map_err(Error::output)?;
    report.input_bytes = input_bytes;
    report.output_bytes = output_bytes;
    Ok((output, report))
}

/// Codes and writes every tensor; reports the numbers of elements.
fn add_tensors<W: Write + Send>(
    source: &dyn CheckpointSource,
    writer: &mut HctWriter<W>,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
    files: &[Option<usize>],
) -> Result<CompressReport, Error> {
    let sizes: Vec<u64> = source.tensors().iter().map(TensorInfo::byte_len).collect();
    let mut report = CompressReport::default();
    let code_all = |batch: Range<usize>| {
        let numbers = batch.into_par_iter();
        // One by one, lest a thread keep some that others could take.
        let numbers = numbers.with_max_len(1);
        numbers
            .map(|i| code(source, i, strategy, options))
            .collect()
    };
    let put = |i: usize, coded: CodedTensor| {
        let CodedTensor { meta, coded, hash } = coded;
        let file = source.file_of(i).and_then(|file| *files.get(file)?);
        let elements = meta.shape.iter().product::<u64>();
        if let Some(kind) = source.blocks_of(i) {
            report.weights += elements / kind.bytes() as u64 * kind.weights() as u64;
        } else if meta.dtype.is_float() {
            report.weights += elements;
        }
        let name = meta.name.clone();
        let record = writer
            .add_tensor(meta, coded.tensor, file, &coded.label)
            .map_err(Error::output)?;
        report.base_use.count(record);
        if matches!(record.recipe, Recipe::Fragments { .. }) {
            report.lossy_weights += elements;
        }
        if let Some(damage) = coded.damage {
            *report.predicted.get_or_insert(0.0) += damage;
        }
        progress.coded(record, coded.damage);
        if let Some(hash) = hash {
            writer.set_tensor_hash(hash);
        }
        progress.advance(sizes[i], &name);
        Ok(())
    };
    overlapped(&sizes, batches(&sizes), progress, code_all, put)?;
    Ok(report)
}

/// A tensor, coded.
struct CodedTensor {
    meta: TensorMeta,
    coded: Coded,
    /// Of its bytes, if it is asked for.
    hash: Option<ContentHash>,
}

fn code(
    source: &dyn CheckpointSource,
    index: usize,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
) -> Result<CodedTensor, Error> {
    let meta = meta_of(&source.tensors()[index]);
    let bytes = source.read(index)?;
    let hash = options.hashes.then(|| hash_of(&bytes));
    let base = options
        .base
        .and_then(|base| Some((base.base, (*base.partners.get(index)?)?)))
        .map(|(base, partner)| base.read(partner))
        .transpose()?;
    let view = TensorView {
        meta: &meta,
        bytes: &bytes,
        base: base
            .as_ref()
            .map(|(tensor, bytes)| BaseView { tensor, bytes }),
    };
    let coded = route(source, index, view)
        .and_then(|route| code_by(route, view, strategy))
        .map_err(|error| in_tensor(source, &meta.name, error))?;
    Ok(CodedTensor { meta, coded, hash })
}

/// Counts the bytes written.
struct Counting<W>(W, u64);

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
