//! The files that others are coded against.

use std::io;
use std::sync::Arc;

use hct_core::{BaseSource, BaseTensor, Dtype, HctReader, ReadAt};

/// The bases of a file in a row, each coded against the next.
pub fn bases(file: &str) -> &'static [&'static str] {
    match file.starts_with("on_second_base") {
        true => &["second_base.hct", "base.hct"],
        false => &["base.hct"],
    }
}

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

/// A file opened on its `bases`, the bytes of those that [`bases`] names.
pub fn open<S: ReadAt>(file: S, bases: Vec<Vec<u8>>) -> hct_core::Result<HctReader<S>> {
    let mut base: Option<Arc<dyn BaseSource>> = None;
    for bytes in bases.into_iter().rev() {
        let reader = HctReader::open(bytes)?;
        base = Some(Arc::new(BaseFile(match base {
            Some(base) => reader.with_base(base),
            None => reader,
        })));
    }
    let reader = HctReader::open(file)?;
    Ok(match base {
        Some(base) => reader.with_base(base),
        None => reader,
    })
}
