//! Statistics of a model on texts, for coders that know what matters.

mod journal;
mod passes;
mod spool;
mod windows;

use std::path::Path;

use hct_model::CalibrationInfo;

use crate::{Error, Model};
use journal::Journal;
use passes::Passes;
pub use windows::CalibrationWindows;

/// How a calibration is done.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationOptions {
    /// Replace an output that is there.
    pub overwrite: bool,
    /// Go on where an earlier calibration for the same output was interrupted, if it was the same.
    pub resume: bool,
}

/// Runs `model` on `windows`, forwards and backwards, and writes the statistics of its matrices to
/// the file `output`. See [`hct_strategies::TensorStatistics`] for what they are, and
/// docs/CALIBRATION_FILE.md for the file.
///
/// Layer by layer: what goes from one to the next is kept in a folder beside the output, of
/// `output`'s name with `.partial` added, and so are the statistics of the layers that are done. It
/// takes four bytes times the width of the model times its layers for each token, and is removed
/// in the end. The result does not depend on the number of threads.
///
/// `progress` is told how much is done, in tokens of [`CalibrationWindows::tokens`], possibly from
/// several threads at once.
///
/// # Errors
/// When inference fails or gives numbers that are not finite, or the folder or the output cannot be
/// written.
pub fn calibrate(
    model: &Model,
    windows: &CalibrationWindows,
    info: &CalibrationInfo,
    output: &Path,
    options: CalibrationOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<(), Error> {
    let journal = Journal::open(output, info, options.resume)?;
    match model {
        Model::Language(model) => Passes::new(&model.decoder, windows, &journal, progress).run()?,
        Model::Sentence(model) => Passes::new(model, windows, &journal, progress).run()?,
    }
    journal.finish(output, info, options.overwrite)
}
