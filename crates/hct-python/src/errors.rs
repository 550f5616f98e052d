//! From errors of the crates to Python's.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use hct_core::Error as CoreError;
use hct_model::{DiffError, Error, error_chain, innermost};
use hct_strategies::SpecError;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

/// The classes of `holotensor._errors` that are raised from here.
#[derive(Clone, Copy)]
pub enum Class {
    Hct,
    Corrupted,
    Limit,
    NotHct,
    UnsupportedVersion,
    Checkpoint,
    Base,
    Option,
    TensorNotFound,
    OutputExists,
    Dtype,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Hct => "HctError",
            Class::Corrupted => "CorruptedError",
            Class::Limit => "LimitError",
            Class::NotHct => "NotHctError",
            Class::UnsupportedVersion => "UnsupportedVersionError",
            Class::Checkpoint => "CheckpointError",
            Class::Base => "BaseModelError",
            Class::Option => "OptionError",
            Class::TensorNotFound => "TensorNotFoundError",
            Class::OutputExists => "OutputExistsError",
            Class::Dtype => "UnsupportedDtypeError",
        }
    }

    /// An exception of this class.
    pub fn error(self, message: impl Into<String>) -> PyErr {
        let message = message.into();
        Python::attach(|py| {
            let class = py
                .import("holotensor._errors")
                .and_then(|module| module.getattr(self.name()));
            match class.and_then(|class| class.call1((&message,))) {
                Ok(error) => PyErr::from_value(error),
                // The package is not whole, which must not hide the message.
                Err(_) => PyRuntimeError::new_err(message),
            }
        })
    }
}

/// What a library said, as an exception. One that Python raised itself, in a callback, comes back.
pub fn raised(error: Error) -> PyErr {
    if let Some(error) = own(&error) {
        return error;
    }
    let message = error_chain(&error);
    match &error {
        Error::Io { path, reason, .. } => system(reason, path, message),
        Error::Hct { error, path } => codec(error, path, message),
        Error::Output { error } => codec(error, Path::new(""), message),
        _ => class_of(&error).error(message),
    }
}

/// The same of a comparison.
pub fn differed(error: DiffError) -> PyErr {
    match error {
        DiffError::Read(error) => raised(error),
        DiffError::NoValues { .. } => Class::Dtype.error(error_chain(&error)),
        other => Class::Checkpoint.error(error_chain(&other)),
    }
}

/// The same of options.
pub fn wrong_option(error: &SpecError) -> PyErr {
    Class::Option.error(error_chain(error))
}

fn class_of(error: &Error) -> Class {
    match error {
        Error::Carried { .. }
        | Error::UnsafePath { .. }
        | Error::NotTheOriginal { .. }
        | Error::NothingLeft { .. } => Class::Corrupted,
        Error::NoRecoveryBlocks { reason, .. } => match innermost(reason) {
            CoreError::NotHct(_) => Class::NotHct,
            _ => Class::Corrupted,
        },
        Error::OutputExists { .. } | Error::NotReplaceable { .. } => Class::OutputExists,
        Error::NeedsBase { .. }
        | Error::WrongBase { .. }
        | Error::UnneededBase { .. }
        | Error::BaseChain { .. }
        | Error::BaseMap(_) => Class::Base,
        Error::Spec(_)
        | Error::Allocation(_)
        | Error::OutputForm { .. }
        | Error::ReplacesInput { .. }
        | Error::OutputUnnamed { .. }
        | Error::ManyShards { .. }
        | Error::OtherForm { .. }
        | Error::SizeNeedsPlan { .. }
        | Error::ForeignCalibration { .. }
        | Error::RateOutOfReach { .. } => Class::Option,
        Error::NoNumpyType { .. } => Class::Dtype,
        Error::NotAFile { .. }
        | Error::IndexGiven { .. }
        | Error::NoSafetensors { .. }
        | Error::Ambiguous { .. }
        | Error::FileName { .. }
        | Error::Header { .. }
        | Error::Gguf { .. }
        | Error::NoBlocks { .. }
        | Error::Export { .. }
        | Error::Part { .. }
        | Error::IndexTooLarge { .. }
        | Error::IndexJson { .. }
        | Error::IndexEmpty { .. }
        | Error::IndexDuplicate { .. }
        | Error::ShardPath { .. }
        | Error::ShardMissing { .. }
        | Error::NotInShard { .. }
        | Error::NotInIndex { .. }
        | Error::InTwoShards { .. } => Class::Checkpoint,
        _ => Class::Hct,
    }
}

/// An error of `hct-core`, which was about `path`.
fn codec(error: &CoreError, path: &Path, message: String) -> PyErr {
    let class = match innermost(error) {
        CoreError::Limit { .. } => Class::Limit,
        CoreError::NotHct(_) => Class::NotHct,
        CoreError::Version { .. } => Class::UnsupportedVersion,
        CoreError::Truncated { .. }
        | CoreError::Reserved { .. }
        | CoreError::Checksum { .. }
        | CoreError::Invalid { .. } => Class::Corrupted,
        CoreError::NoSuchTensor(_) => Class::TensorNotFound,
        CoreError::NeedsBase { .. } => Class::Base,
        CoreError::Argument { .. } | CoreError::Request { .. } => Class::Option,
        CoreError::NotCodable { .. } => Class::Dtype,
        CoreError::Io { source, .. } => return system(source, path, message),
        _ => Class::Hct,
    };
    class.error(message)
}

/// An error of the operating system: Python's own for it, such as `FileNotFoundError`.
fn system(reason: &io::Error, path: &Path, message: String) -> PyErr {
    match reason.raw_os_error() {
        // With a number, Python finds the class by itself.
        Some(number) => {
            PyOSError::new_err((number, reason.to_string(), path.as_os_str().to_owned()))
        }
        None => PyOSError::new_err(message),
    }
}

/// The exception of a callback that failed within a library.
fn own(error: &Error) -> Option<PyErr> {
    let mut behind: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = behind {
        if let Some(raised) = error.downcast_ref::<PyErr>() {
            return Some(Python::attach(|py| raised.clone_ref(py)));
        }
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(raised) = io.get_ref().and_then(|inner| inner.downcast_ref::<PyErr>())
        {
            return Some(Python::attach(|py| raised.clone_ref(py)));
        }
        behind = error.source();
    }
    None
}
