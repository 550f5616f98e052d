//! Files read by ranges, without mapping them: what was read does not stay resident, and a file
//! that shrinks is an error, not a signal. Objects at URLs are read like files.

use std::borrow::Cow;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
#[cfg(feature = "remote")]
use std::ops::Range;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hct_core::{Limits, ReadAt};

#[cfg(feature = "remote")]
use super::remote::RemoteSource;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::shown::shown;
use crate::source_changed::SourceChanged;

/// An HCT file on disk, or at a URL.
pub type HctFile = HctModel<FileSource>;

impl HctFile {
    /// Opens the file and checks its index.
    ///
    /// # Errors
    /// When it cannot be read or is not an HCT V3 file.
    pub fn open(path: impl AsRef<Path>) -> Result<HctFile, Error> {
        HctFile::open_within(path, Limits::default())
    }

    /// The same within other limits: see [`HctModel::new_within`].
    ///
    /// # Errors
    /// Those of [`HctFile::open`], and when the index exceeds `limits`.
    pub fn open_within(path: impl AsRef<Path>, limits: Limits) -> Result<HctFile, Error> {
        let path = path.as_ref();
        HctModel::new_within(shown(path), FileSource::open(path)?, limits)
    }
}

/// An open file, or an object at a URL (with the feature `remote`), to be read in the state that it was opened in: reading fails with
/// [`SourceChanged`] once its length or its time of modification is another. (A change within the
/// resolution of that time, a few milliseconds on most systems, can go unnoticed.)
pub struct FileSource(Place);

enum Place {
    Local {
        file: File,
        state: FileState,
    },
    #[cfg(feature = "remote")]
    Remote(Box<RemoteSource>),
}

impl FileSource {
    /// Opens a regular file, or what is at a URL.
    ///
    /// # Errors
    /// When it cannot be opened, or is a folder, a pipe or the like.
    pub fn open(path: impl AsRef<Path>) -> Result<FileSource, Error> {
        let path = path.as_ref();
        if is_url(path) {
            return open_url(path);
        }
        // Before opening: that of a pipe would wait for a writer.
        if !fs::metadata(path)
            .map_err(Error::io("open", path))?
            .is_file()
        {
            return Err(Error::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        let metadata = file.metadata().map_err(Error::io("read", path))?;
        let state = FileState::of(&metadata);
        Ok(FileSource(Place::Local { file, state }))
    }

    pub(super) fn state(&self) -> FileState {
        match &self.0 {
            Place::Local { state, .. } => *state,
            #[cfg(feature = "remote")]
            Place::Remote(source) => FileState {
                len: source.size(),
                modified: None,
            },
        }
    }
}

/// Whether a path is a URL, and of no file here.
pub fn is_url(path: &Path) -> bool {
    let scheme = path.to_str().and_then(|text| text.split_once("://"));
    scheme.is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// A URL without its query and what is behind.
pub(super) fn place_of(url: &Path) -> &str {
    let text = url.to_str().unwrap_or_default();
    text.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(feature = "remote")]
fn open_url(url: &Path) -> Result<FileSource, Error> {
    let source = RemoteSource::open(url).map_err(Error::reading(&shown(url)))?;
    Ok(FileSource(Place::Remote(Box::new(source))))
}

#[cfg(not(feature = "remote"))]
fn open_url(url: &Path) -> Result<FileSource, Error> {
    let reason = io::Error::other("URLs take a build with the feature `remote`");
    Err(Error::io("open", &shown(url))(reason))
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.state().len
    }

    #[cfg(feature = "remote")]
    fn is_remote(&self) -> bool {
        matches!(self.0, Place::Remote(_))
    }

    #[cfg(feature = "remote")]
    fn expect(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        match &self.0 {
            Place::Local { .. } => Ok(()),
            Place::Remote(source) => source.expect(ranges),
        }
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let (file, state) = match &self.0 {
            Place::Local { file, state } => (file, state),
            #[cfg(feature = "remote")]
            Place::Remote(source) => return source.read_at(offset, len),
        };
        let mut out = Vec::new();
        out.try_reserve_exact(len)
            .map_err(|_| ErrorKind::OutOfMemory)?;
        match read_exact_at(file, &mut out, len, offset) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(SourceChanged.into());
            }
            read => read?,
        }
        // Now, so that whatever was read is of the file as it was opened.
        if FileState::of(&file.metadata()?) != *state {
            return Err(SourceChanged.into());
        }
        Ok(Cow::Owned(out))
    }
}

/// What tells whether a file has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    pub len: u64,
    /// Where the system keeps it.
    modified: Option<SystemTime>,
}

impl FileState {
    pub fn of(metadata: &Metadata) -> FileState {
        FileState {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// Length and time of modification, in nanoseconds from 1970 on, as text.
    pub fn text(&self) -> String {
        let modified = self
            .modified
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        format!("{} {:?}", self.len, modified.map(|since| since.as_nanos()))
    }
}

/// Reads `len` bytes of a file to `out`, which is empty and has room for them: no zeros are written first.
#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<()> {
    use rustix::buffer::spare_capacity;
    while out.len() < len {
        let at = offset + out.len() as u64;
        match rustix::io::pread(file, spare_capacity(out), at) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // An allocator may have given more room than it was asked for.
    out.truncate(len);
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, out: &mut Vec<u8>, len: usize, mut offset: u64) -> io::Result<()> {
    out.resize(len, 0);
    let mut out = &mut out[..];
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                out = &mut out[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
