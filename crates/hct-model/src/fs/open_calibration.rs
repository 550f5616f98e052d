//! Opening statistics of any kind.

use std::path::Path;

use hct_core::ReadAt;
use hct_strategies::Calibration;

use super::file_source::FileSource;
use crate::calibration::CalibrationFile;
use crate::error::Error;
use crate::imatrix::{Imatrix, is_gguf};

/// Opens a file of statistics: one that `hct calibrate` made, or an importance matrix of llama.cpp
/// in either of its forms.
///
/// # Errors
/// When it cannot be read or is none of them.
pub fn open_calibration(path: impl AsRef<Path>) -> Result<Box<dyn Calibration>, Error> {
    let path = path.as_ref();
    let source = FileSource::open(path)?;
    let begin = source.read_at(0, source.size().min(9) as usize);
    let begin = begin.map_err(Error::reading(path))?;
    // The header of a safetensors file is a JSON object.
    let is_safetensors = begin.get(8) == Some(&b'{') && !is_gguf(&begin);
    Ok(match is_safetensors {
        true => Box::new(CalibrationFile::new(path, source)?),
        false => Box::new(Imatrix::new(path, &source)?),
    })
}
