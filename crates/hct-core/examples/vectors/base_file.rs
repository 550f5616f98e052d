//! The file `base.hct` as the base of the others.

use std::io;
use std::sync::Arc;

use hct_core::{BaseSource, BaseTensor, Dtype, HctReader, ReadAt};

/// Name of the file.
pub const BASE: &str = "base.hct";

struct BaseFile(HctReader<Vec<u8>>);

impl BaseSource for BaseFile {
    fn read(
        &self,
        base: &BaseTensor,
        dtype: Dtype,
        shape: &[u64],
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<()> {
        let number = self.0.find(&base.name).map_err(io::Error::other)?;
        let record = &self.0.index().tensors[number];
        let bytes = self.0.decode(number).map_err(io::Error::other)?;
        let part = (record.dtype == dtype && record.shape == shape)
            .then(|| bytes.get(offset as usize..offset as usize + out.len()))
            .flatten()
            .ok_or(io::ErrorKind::InvalidData)?;
        out.copy_from_slice(part);
        Ok(())
    }
}

/// A file opened on `base`, the bytes of [`BASE`].
pub fn open<S: ReadAt>(file: S, base: Vec<u8>) -> hct_core::Result<HctReader<S>> {
    let base = BaseFile(HctReader::open(base)?);
    Ok(HctReader::open(file)?.with_base(Arc::new(base)))
}
