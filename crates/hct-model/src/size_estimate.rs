//! How large a file will be, told by parts of its tensors.

use hct_strategies::{CalibratedEncoder, TensorView};
use rayon::prelude::*;

use crate::batch::batches;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::CompressOptions;
use crate::error::Error;
use crate::packing::pack;
use crate::progress::Progress;
use crate::rates::bits_per;
use crate::route::{Route, code_by, in_tensor, meta_of, route};
use crate::tensor_info::TensorInfo;

/// About what a file has of each tensor beside its payload: record, index, and what repairs them.
const OF_A_TENSOR: u64 = 200;

/// A file that nobody has made.
pub(crate) struct SizeEstimate {
    /// Bits per weight, the whole file counted.
    pub bits_per_weight: f64,
    /// Share of the weights that are coded the more finely, the more bits there are.
    pub lossy: f64,
}

/// How large `encoder` makes the file of `source`.
///
/// # Errors
/// As [`encode`](crate::encode).
pub(crate) fn estimate(
    source: &dyn CheckpointSource,
    encoder: &CalibratedEncoder,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<SizeEstimate, Error> {
    let (tensors, files) = rayon::join(
        || of_tensors(source, encoder, progress),
        || of_files(source, options),
    );
    let (bytes, lossy) = tensors?;
    let weights = source.weights();
    Ok(SizeEstimate {
        bits_per_weight: bits_per(bytes + files?, weights),
        lossy: lossy as f64 / weights.max(1) as f64,
    })
}

/// The bytes of all tensors, and the elements of those whose bytes depend on how finely they are coded.
fn of_tensors(
    source: &dyn CheckpointSource,
    encoder: &CalibratedEncoder,
    progress: &dyn Progress,
) -> Result<(u64, u64), Error> {
    let sizes: Vec<u64> = source.tensors().iter().map(TensorInfo::byte_len).collect();
    let (mut bytes, mut lossy) = (0, 0);
    for batch in batches(&sizes) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let estimates: Vec<_> = batch
            .clone()
            .into_par_iter()
            .with_max_len(1)
            .map(|i| of_tensor(source, i, encoder))
            .collect();
        for (i, estimate) in batch.zip(estimates) {
            let (size, is_lossy) = estimate?;
            let info = &source.tensors()[i];
            bytes += size + OF_A_TENSOR;
            lossy += if is_lossy { info.elements() } else { 0 };
            progress.advance(sizes[i], &info.name);
        }
    }
    Ok((bytes, lossy))
}

/// The bytes of all carried files.
fn of_files(source: &dyn CheckpointSource, options: CompressOptions<'_>) -> Result<u64, Error> {
    options
        .carried(source)
        .map(|(number, _)| Ok(pack(&source.read_file(number)?).0.len() as u64))
        .sum()
}

/// The bytes of a tensor, and whether they depend on how finely it is coded.
fn of_tensor(
    source: &dyn CheckpointSource,
    index: usize,
    encoder: &CalibratedEncoder,
) -> Result<(u64, bool), Error> {
    let meta = meta_of(&source.tensors()[index]);
    let bytes = source.read(index)?;
    let view = TensorView {
        meta: &meta,
        bytes: &bytes,
        base: None,
    };
    let size = || {
        let route = route(source, index, view)?;
        if let Route::Strategy = route
            && let Some(bytes) = encoder.estimated_bytes(view)?
        {
            return Ok((bytes, true));
        }
        let coded = code_by(route, view, encoder)?;
        Ok((coded.tensor.payload_bytes() as u64, false))
    };
    size().map_err(|error| in_tensor(source, &meta.name, error))
}
