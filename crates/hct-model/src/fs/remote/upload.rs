//! Writing an object.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use object_store::{ObjectStoreExt, WriteMultipart};

use super::error::io_error;
use super::runtime::runtime;
use super::store::Place;
use crate::error::Error;
use crate::shown::shown;

/// Bytes of a part. S3 takes 10,000 parts at most: objects of up to 640 GB.
const PART: usize = 64 << 20;
/// Parts on their way at once; one more is filled meanwhile.
const AT_ONCE: usize = 2;
/// Bytes handed over at once, between two looks at whether parts have arrived.
const STRIDE: usize = 4 << 20;

/// An object that is uploaded in parts. It is there once it is finished; dropped before that, it leaves
/// nothing behind but what the store keeps of uploads that it is not told the end of.
pub struct Upload {
    url: PathBuf,
    parts: Option<WriteMultipart>,
}

impl Upload {
    /// Begins to upload what will be at `url`. Credentials are from the usual environment variables of
    /// each kind of store.
    ///
    /// # Errors
    /// When `url` is none of a store that takes uploads in parts, or there is an object and `overwrite` is
    /// not set.
    pub fn begin(url: &Path, overwrite: bool) -> Result<Upload, Error> {
        let named = &*shown(url);
        if !overwrite && object_exists(url).map_err(Error::io("open", named))? {
            return Err(Error::OutputExists {
                path: named.to_owned(),
            });
        }
        Self::of(url).map_err(Error::io("upload to", named))
    }

    fn of(url: &Path) -> io::Result<Upload> {
        // Before any client is made: it sets up TLS.
        let runtime = runtime()?;
        let place = Place::of(url).map_err(io::Error::other)?;
        let upload = runtime.block_on(place.store.put_multipart(&place.object));
        let parts = match upload {
            Ok(upload) => WriteMultipart::new_with_chunk_size(upload, PART),
            Err(
                object_store::Error::NotImplemented { .. }
                | object_store::Error::NotSupported { .. },
            ) => {
                return Err(io::Error::new(ErrorKind::Unsupported, NO_UPLOAD));
            }
            Err(error) => return Err(io_error(error)),
        };
        Ok(Upload {
            url: shown(url).into_owned(),
            parts: Some(parts),
        })
    }

    /// Makes the object appear. Stores have no way to ask at once whether there is one: of two who upload at
    /// the same moment the last wins.
    ///
    /// # Errors
    /// When a part has not arrived; there is no object then.
    pub fn finish(mut self) -> Result<(), Error> {
        let parts = self.parts.take();
        let finished = runtime().and_then(|runtime| match parts {
            Some(parts) => runtime.block_on(parts.finish()).map_err(io_error),
            None => Err(ErrorKind::BrokenPipe.into()),
        });
        finished
            .map(drop)
            .map_err(Error::io("upload to", &self.url))
    }
}

/// Whether there is an object at `url`.
fn object_exists(url: &Path) -> io::Result<bool> {
    // Before any client is made: it sets up TLS.
    let runtime = runtime()?;
    let place = Place::of(url).map_err(io::Error::other)?;
    match runtime.block_on(place.store.head(&place.object)) {
        Ok(_) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(io_error(error)),
    }
}

/// Says where to: whoever writes may not know.
fn named(url: &Path, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot upload to {}: {error}", url.display()),
    )
}

const NO_UPLOAD: &str = "nothing can be uploaded there in parts: give a URL of S3, Google Cloud Storage or \
                         Azure, such as s3://bucket/model.hct";

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let runtime = runtime()?;
        let parts = self.parts.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        let stride = bytes.len().min(STRIDE);
        // A part that could not be sent is known here.
        let room = runtime.block_on(parts.wait_for_capacity(AT_ONCE));
        room.map_err(|error| named(&self.url, io_error(error)))?;
        // What sends parts is what this thread is within.
        let _within = runtime.enter();
        parts.write(&bytes[..stride]);
        Ok(stride)
    }

    /// Parts are sent when they are full, and the last when the object is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(parts), Ok(runtime)) = (self.parts.take(), runtime()) {
            // Nobody is left to be told.
            let _ = runtime.block_on(parts.abort());
        }
    }
}
