//! Reading an HCT file from disk by ranges, without mapping it: what was read does not stay
//! resident.

use std::borrow::Cow;
use std::fs::File;
use std::io;

use hct_core::ReadAt;

/// An open file and its length.
pub(crate) struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(FileSource { file, len })
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let mut out = Vec::new();
        out.try_reserve_exact(len)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        out.resize(len, 0);
        read_exact_at(&self.file, &mut out, offset)?;
        Ok(Cow::Owned(out))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
