//! Where a file goes that is not to be one here: standard output, or an object in a store.

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Stdout, Write};
use std::path::Path;

use anyhow::Context;
use hct_model::{Error, is_url};

use crate::streams::{is_stream, standard_output};

/// Whether a path is not one of a file here.
pub fn is_elsewhere(path: &Path) -> bool {
    is_stream(path) || is_url(path)
}

/// Something that is written to, and how many bytes it has got.
pub struct Destination {
    to: To,
    bytes: u64,
}

enum To {
    Stream(BufWriter<Stdout>),
    #[cfg(feature = "remote")]
    Object(Box<BufWriter<hct_model::Upload>>),
    /// A temporary file, from which it is sent once it is known to be the one.
    Kept(BufWriter<File>),
}

impl Destination {
    /// Begins what `path` stands for; `overwrite` lets it replace an object.
    pub fn begin(path: &Path, overwrite: bool) -> Result<Destination, Error> {
        let to = match is_stream(path) {
            true => To::Stream(standard_output()),
            false => object(path, overwrite)?,
        };
        Ok(Destination { to, bytes: 0 })
    }

    /// A temporary file.
    pub fn kept() -> Result<Destination, Error> {
        match tempfile::tempfile() {
            Ok(file) => Ok(Destination {
                to: To::Kept(BufWriter::with_capacity(BUFFER, file)),
                bytes: 0,
            }),
            Err(reason) => Err(Error::Io {
                action: "create a file in",
                path: env::temp_dir(),
                reason,
            }),
        }
    }

    /// Makes it appear, and gives its bytes; what was kept is sent to `path`.
    pub fn finish(self, path: &Path, overwrite: bool) -> anyhow::Result<u64> {
        match self.to {
            To::Stream(mut out) => out.flush().context("cannot write to standard output")?,
            #[cfg(feature = "remote")]
            To::Object(upload) => {
                let upload = upload.into_inner().map_err(|error| error.into_error())?;
                upload.finish()?;
            }
            To::Kept(file) => {
                let mut file = file.into_inner().map_err(|error| error.into_error())?;
                file.rewind()?;
                send(file, path, overwrite)?;
            }
        }
        Ok(self.bytes)
    }
}

/// Copies a file to what `path` stands for.
pub fn send(mut file: File, path: &Path, overwrite: bool) -> anyhow::Result<()> {
    let mut out = Destination::begin(path, overwrite)?;
    io::copy(&mut file, &mut out).with_context(|| format!("cannot write to {}", path.display()))?;
    out.finish(path, overwrite).map(drop)
}

/// Bytes that are collected before they are handed on.
const BUFFER: usize = 1 << 20;

#[cfg(feature = "remote")]
fn object(url: &Path, overwrite: bool) -> Result<To, Error> {
    let upload = hct_model::Upload::begin(url, overwrite)?;
    Ok(To::Object(Box::new(BufWriter::with_capacity(
        BUFFER, upload,
    ))))
}

#[cfg(not(feature = "remote"))]
fn object(url: &Path, _overwrite: bool) -> Result<To, Error> {
    Err(Error::Io {
        action: "upload to",
        path: url.to_owned(),
        reason: io::Error::new(
            io::ErrorKind::Unsupported,
            "this hct was built without the feature remote, which URLs take",
        ),
    })
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            To::Stream(out) => out.write(bytes),
            #[cfg(feature = "remote")]
            To::Object(out) => out.write(bytes),
            To::Kept(out) => out.write(bytes),
        }?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stream(out) => out.flush(),
            #[cfg(feature = "remote")]
            To::Object(out) => out.flush(),
            To::Kept(out) => out.flush(),
        }
    }
}
