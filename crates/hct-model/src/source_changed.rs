//! How a [`hct_core::ReadAt`] says that its bytes are no longer those that it was opened with.

use std::io;

/// To be the inner error of the [`io::Error`] with which a source of bytes that was changed or cut
/// short after it was opened fails to read; it becomes [`crate::Error::Changed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was changed while it was read")]
pub struct SourceChanged;

impl SourceChanged {
    /// Whether `error` says this.
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(|inner| inner.is::<SourceChanged>())
    }
}

impl From<SourceChanged> for io::Error {
    fn from(changed: SourceChanged) -> io::Error {
        io::Error::other(changed)
    }
}
