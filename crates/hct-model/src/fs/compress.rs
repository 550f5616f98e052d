//! A checkpoint into an HCT file on disk.

use std::path::Path;

use hct_strategies::{RatePlan, Strategy};

use super::atomic_file::AtomicFile;
use super::prove_file::prove_file;
use super::replaceable::check_free;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
use crate::progress::Progress;
use crate::proof::Proof;
use crate::rate_target::encode_to_rate;

/// Compresses `source` to the file `output`, as [`encode`] does. The file appears under its name
/// only when it is complete; `overwrite` lets it replace another.
///
/// # Errors
/// When the source cannot be read or is changed meanwhile, a tensor cannot be coded as asked, the
/// output cannot be written or exists already, or the provenance is empty or too long.
pub fn compress(
    source: &dyn CheckpointSource,
    output: &Path,
    overwrite: bool,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<CompressReport, Error> {
    compress_proven(source, output, overwrite, strategy, options, None, progress)
}

/// The same, reading the file again before it gets its name.
pub(crate) fn compress_proven(
    source: &dyn CheckpointSource,
    output: &Path,
    overwrite: bool,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    proof: Option<&Proof>,
    progress: &dyn Progress,
) -> Result<CompressReport, Error> {
    check_free(output, overwrite)?;
    let file = AtomicFile::create(output)?;
    let (mut file, report) =
        encode(source, file, strategy, options, progress).map_err(|error| named(error, output))?;
    if let Some(proof) = proof {
        prove_file(&mut file, output, source, proof, progress)?;
    }
    file.finish(overwrite)?;
    Ok(report)
}

/// The same so that the whole file takes the bits per weight of `plan`, as [`encode_to_rate`] does.
/// Gives what they were reached at, too.
///
/// # Errors
/// As [`compress`]; or when the size cannot be reached, because what must stay lossless takes
/// more, or the checkpoint has no lossy tensors.
pub fn compress_to_rate(
    source: &dyn CheckpointSource,
    output: &Path,
    overwrite: bool,
    plan: &RatePlan,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<(CompressReport, f64), Error> {
    compress_to_rate_proven(source, output, overwrite, plan, options, None, progress)
}

/// The same, reading the file again before it gets its name.
pub(crate) fn compress_to_rate_proven(
    source: &dyn CheckpointSource,
    output: &Path,
    overwrite: bool,
    plan: &RatePlan,
    options: CompressOptions<'_>,
    proof: Option<&Proof>,
    progress: &dyn Progress,
) -> Result<(CompressReport, f64), Error> {
    check_free(output, overwrite)?;
    let (mut file, report, octaves) = encode_to_rate(
        source,
        &mut || AtomicFile::create(output),
        plan,
        options,
        progress,
    )
    .map_err(|error| named(error, output))?;
    if let Some(proof) = proof {
        prove_file(&mut file, output, source, proof, progress)?;
    }
    file.finish(overwrite)?;
    Ok((report, octaves))
}

/// Says which file could not be written.
pub(super) fn named(error: Error, output: &Path) -> Error {
    match error {
        Error::Output { error } => Error::Hct {
            path: output.to_owned(),
            error,
        },
        other => other,
    }
}
