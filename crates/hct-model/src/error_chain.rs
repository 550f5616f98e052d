//! Errors with what is behind them, in words.

use std::error::Error;

/// The messages of an error and of what is behind it, on one line.
pub fn error_chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        line += &format!(": {error}");
        behind = error.source();
    }
    line
}

/// The error without the tensor it happened in.
pub fn innermost(error: &hct_core::Error) -> &hct_core::Error {
    match error {
        hct_core::Error::Tensor { source, .. } => innermost(source),
        other => other,
    }
}
