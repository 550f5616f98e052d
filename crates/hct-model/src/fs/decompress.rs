//! An HCT file into a checkpoint on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hct_core::{FileKind, ReadAt};

use super::atomic_file::AtomicFile;
use super::dir_writer::DirWriter;
use super::replaceable::{check_folder, check_free};
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::progress::Progress;
use crate::restore::{DecompressReport, Restorable};
use crate::salvage::salvage;
use crate::verify::VerifyFailure;

/// Writes the checkpoint in `model` to `output`: the same shards, names, dtypes, order and
/// metadata, byte for byte where coding was lossless. A model of one shard becomes a file when
/// `output` ends in `.safetensors`, or in `.gguf` if it was GGUF (side files are left out then); anything else becomes a folder
/// with the side files. The output appears under its name only when it is complete; `overwrite`
/// lets it replace another: a folder as a whole, which therefore must have nothing but files that are
/// written again.
///
/// # Errors
/// When the base is missing or another; when the file is damaged or lies, or the output cannot be written or exists already.
pub fn decompress<R: ReadAt>(
    model: &HctModel<R>,
    output: &Path,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<DecompressReport, Error> {
    check_free(output, overwrite)?;
    model.check_base(&())?;
    write(
        model,
        &Restorable::whole(model)?,
        output,
        overwrite,
        progress,
    )
}

/// The same of a damaged file, less what is lost, which is said: files of tensors that have lost some are
/// written without them, and files that nothing is left of are not. Everything is decoded twice, first
/// to know.
///
/// # Errors
/// As [`decompress`], but for damage.
pub fn decompress_undamaged<R: ReadAt>(
    model: &HctModel<R>,
    output: &Path,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<(DecompressReport, Vec<VerifyFailure>), Error> {
    check_free(output, overwrite)?;
    let (found, lost) = salvage(model, &Checking(progress))?;
    if found.shards.is_empty() {
        return Err(Error::NothingLeft {
            path: model.name().to_owned(),
            lost: lost.len(),
        });
    }
    Ok((write(model, &found, output, overwrite, progress)?, lost))
}

/// Hears of what is checked, which is not what is written, no more than whether to stop.
struct Checking<'a>(&'a dyn Progress);

impl Progress for Checking<'_> {
    fn advance(&self, _bytes: u64, _tensor: &str) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

fn write<R: ReadAt>(
    model: &HctModel<R>,
    what: &Restorable,
    output: &Path,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<DecompressReport, Error> {
    let asked = output
        .extension()
        .and_then(|extension| match extension.to_str()? {
            "safetensors" => Some(FileKind::Shard),
            "gguf" => Some(FileKind::Gguf),
            _ => None,
        });
    if let Some(asked) = asked {
        let mut files = model.index().files.iter();
        if files.any(|f| f.kind.has_tensors() && f.kind != asked) {
            let path = model.name().to_owned();
            return Err(Error::OtherForm { path });
        }
        let restored = what.write_file(model, AtomicFile::create(output)?, progress);
        let (file, report) =
            restored.map_err(|error| named(error, output, |_| output.to_owned()))?;
        file.finish(overwrite)?;
        return Ok(report);
    }
    let files = model.index().files.iter();
    let files: BTreeSet<String> = files.map(|file| file.path.clone()).collect();
    check_folder(output, &files)?;
    let mut folder = DirWriter::create(output)?;
    let report = what.write(model, &mut folder, progress);
    let report = report.map_err(|error| named(error, output, |path| output.join(path)))?;
    folder.finish(overwrite)?;
    Ok(report)
}

/// Says where what could not be written was to be: files of a checkpoint go by their names in it.
fn named(error: Error, output: &Path, at: impl FnOnce(&Path) -> PathBuf) -> Error {
    match error {
        Error::Io {
            action: action @ "write",
            path,
            reason,
        } if path.is_relative() && !path.starts_with(output) => Error::Io {
            action,
            path: at(&path),
            reason,
        },
        other => other,
    }
}
