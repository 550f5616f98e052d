//! Making errors of those beneath.

use std::io;
use std::path::Path;

use super::Error;
use crate::calibration::CalibrationFault;
use crate::gguf::GgufError;
use crate::header::HeaderError;
use crate::source_changed::SourceChanged;

impl Error {
    /// For `map_err`: the operating system would not `action` `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |reason| Error::Io {
            action,
            path: path.to_owned(),
            reason,
        }
    }

    /// For `map_err`: `path` cannot be read, or was changed meanwhile.
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |reason| match SourceChanged::is_in(&reason) {
            true => Error::Changed {
                file: path.to_owned(),
            },
            false => Error::io("read", path)(reason),
        }
    }

    /// For `map_err`: says which file has the bad header.
    pub(crate) fn header(file: &Path) -> impl FnOnce(HeaderError) -> Error {
        move |reason| Error::Header {
            file: file.to_owned(),
            reason,
        }
    }

    /// For `map_err`: says which GGUF file is wrong.
    pub(crate) fn gguf(file: &Path) -> impl FnOnce(GgufError) -> Error {
        move |reason| Error::Gguf {
            file: file.to_owned(),
            reason,
        }
    }

    /// For `map_err`: says which file of statistics it was.
    pub(crate) fn calibration(path: &Path) -> impl FnOnce(CalibrationFault) -> Error {
        move |reason| Error::Calibration {
            path: path.to_owned(),
            reason,
        }
    }

    /// For `map_err`: says which HCT file it was.
    pub(crate) fn hct(path: &Path) -> impl FnOnce(hct_core::Error) -> Error {
        move |error| Error::Hct {
            path: path.to_owned(),
            error: Box::new(error),
        }
    }

    /// For `map_err`: the HCT file being written.
    pub(crate) fn output(error: hct_core::Error) -> Error {
        Error::Output {
            error: Box::new(error),
        }
    }
}
