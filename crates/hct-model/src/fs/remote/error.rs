//! What a store says, as what a file would say.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use crate::shown::without_secrets;
use crate::source_changed::SourceChanged;

/// The error of a file in the place of one of a store.
pub(super) fn io_error(error: object_store::Error) -> io::Error {
    use object_store::Error;
    match &error {
        // It is not any more what was opened.
        Error::Precondition { .. } | Error::NotModified { .. } => SourceChanged.into(),
        Error::NotFound { .. } => io::Error::new(ErrorKind::NotFound, "there is no such object"),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            io::Error::new(ErrorKind::PermissionDenied, chain(&error))
        }
        Error::NotSupported { .. } => io::Error::other(WHOLE),
        _ => {
            let said = chain(&error);
            match said.contains("non-partial response") {
                true => io::Error::other(WHOLE),
                false => io::Error::other(said),
            }
        }
    }
}

const WHOLE: &str = "the server sends whole files only, not ranges of them: download the file and give \
                     that";

/// The messages of an error and of what is behind it that are not said already.
fn chain(error: &object_store::Error) -> String {
    let mut line = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        let said = error.to_string();
        if !line.contains(&said) {
            line += &format!(": {said}");
        }
        behind = error.source();
    }
    without_secrets(&line).into_owned()
}
