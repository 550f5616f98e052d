//! From errors to messages and exit codes.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::process::ExitCode;

use hct_model::{DiffError, Error, innermost, without_secrets};

use crate::stop;
use crate::table::lines;

/// What was asked for makes no sense, or needs another option.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A usage error.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Prints `error`, and what to do about it, to stderr. Gives the exit code: 2 for wrong usage, that of a
/// signal where one came, 1 for anything else.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(status) = stop::exit_status() {
        if stop::is_first_to_say() {
            eprintln!("error: {}", said(error));
        }
        return ExitCode::from(status);
    }
    eprintln!("error: {}", said(error));
    let model_error = match error.downcast_ref::<DiffError>() {
        Some(DiffError::Read(error)) => Some(error),
        _ => error.downcast_ref::<Error>(),
    };
    if let Some(hint) = model_error.and_then(hint) {
        eprintln!("hint: {}", lines(&hint));
    }
    if error.is::<Usage>() || model_error.is_some_and(is_usage) {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// The message of an error and of what is behind it, as it may be shown.
fn said(error: &anyhow::Error) -> String {
    lines(&without_secrets(&format!("{error:#}")))
}

fn is_usage(error: &Error) -> bool {
    matches!(
        error,
        Error::BaseMap(_)
            | Error::ForeignCalibration { .. }
            | Error::IndexGiven { .. }
            | Error::ManyShards { .. }
            | Error::NeedsBase { .. }
            | Error::NoNumpyType { .. }
            | Error::NotReplaceable { .. }
            | Error::OtherForm { .. }
            | Error::OutputExists { .. }
            | Error::OutputForm { .. }
            | Error::OutputUnnamed { .. }
            | Error::NoBlocks { .. }
            | Error::SizeNeedsPlan { .. }
            | Error::ReplacesInput { .. }
            | Error::UnneededBase { .. }
    )
}

/// What to do, where the message itself does not say.
fn hint(error: &Error) -> Option<Cow<'static, str>> {
    if let Error::Hct { error, .. } = error
        && let hct_core::Error::Limit(limit) = innermost(error)
    {
        let needed = limit.memory_needed().div_ceil(1 << 20);
        return Some(Cow::Owned(format!(
            "a file that is short for what it unpacks to may be meant to fill memory or disk; if you \
             trust it, pass --max-memory {needed}MiB"
        )));
    }
    advice(error).map(Cow::Borrowed)
}

fn advice(error: &Error) -> Option<&'static str> {
    const DAMAGED: &str = "the file is damaged or cut short: copy or download it again; `hct recover FILE \
                           -o OUT` saves what is left of it";
    const FULL: &str =
        "free some space, or choose another disk; what was there before is as it was";
    match error {
        Error::Io { action, reason, .. } => match (*action, reason.kind()) {
            ("open" | "read", ErrorKind::NotFound) => Some(
                "give a .safetensors file, a folder with a checkpoint, or a .hct file that exists",
            ),
            (_, ErrorKind::NotFound) => Some("create the folder first, or choose another"),
            (_, kind) if is_full(kind) => Some(FULL),
            (
                "create a file in" | "create a folder in" | "create",
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem,
            ) => Some("choose a folder that you may write to"),
            _ => None,
        },
        Error::NotAFile { .. } => Some(
            "a checkpoint is a .safetensors file, or a folder with one or with an index and shards; what \
             comes by a pipe is taken as `hct compress -`",
        ),
        Error::Changed { .. } => Some("nothing was written; what was there before is as it was"),
        Error::NoSafetensors { .. } | Error::Header { .. } => Some(
            "a checkpoint is a .safetensors file, or a folder with one or with an index and shards",
        ),
        Error::OutputExists { .. } => Some("pass --force to replace it"),
        Error::NeedsBase { .. } => Some(
            "pass --base with the checkpoint it was made against, or an .hct file of it; if that is \
             coded against another itself, pass its base after it with one more --base",
        ),
        Error::UnneededBase { .. } => Some("leave out the --base for it"),
        Error::WrongBase { .. } => Some(
            "give the very checkpoint that the file was made against; `hct info` shows what it was \
             called, and the SHA-256 of its tensors with --json",
        ),
        Error::BaseChain { .. } => {
            Some("decompress the base, and use the checkpoint that comes of it instead")
        }
        Error::Output { error } => match innermost(error) {
            hct_core::Error::Io { source, .. } if is_full(source.kind()) => Some(FULL),
            _ => None,
        },
        Error::Carried { .. } => Some(DAMAGED),
        Error::NoRecoveryBlocks { .. } => {
            Some("nothing can be saved of it: copy or download it again")
        }
        Error::Hct { error, .. } => match innermost(error) {
            hct_core::Error::Io { source, .. } if is_full(source.kind()) => Some(FULL),
            hct_core::Error::NotHct(_) | hct_core::Error::Reserved { .. } => Some(
                "give a complete file made by `hct compress`; if it was one, it is damaged or cut short: \
                 `hct recover FILE -o OUT` saves what is left of it",
            ),
            hct_core::Error::Truncated { .. }
            | hct_core::Error::Checksum { .. }
            | hct_core::Error::Invalid { .. } => Some(DAMAGED),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a disk, or the share of it that one may use, is full.
fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
