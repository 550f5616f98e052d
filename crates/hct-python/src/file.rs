//! An open HCT file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hct_model::{Error, FileSource, HctModel, Metered, ModelPart, TensorSource, open_bases_within};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyByteArray;

use crate::bytes::Bytes;
use crate::errors::{Class, raised};
use crate::limits::limits;

/// An HCT file, of which tensors are decoded one at a time.
#[pyclass(frozen, module = "holotensor._hct")]
pub struct File {
    model: HctModel<Metered<Bytes>>,
    read: Arc<AtomicU64>,
}

#[pymethods]
impl File {
    /// Opens the file at `path`, to be decoded with the help of bases, each that of the one before.
    #[staticmethod]
    #[pyo3(signature = (path, base=Vec::new(), fragments=None))]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        base: Vec<PathBuf>,
        fragments: Option<usize>,
    ) -> PyResult<File> {
        py.detach(|| {
            let source = Bytes::File(FileSource::open(&path)?);
            File::new(path, source, &base, fragments)
        })
        .map_err(raised)
    }

    /// Opens a file that is in memory.
    #[staticmethod]
    #[pyo3(signature = (data, base=Vec::new(), fragments=None))]
    fn from_bytes(
        py: Python<'_>,
        data: PyBackedBytes,
        base: Vec<PathBuf>,
        fragments: Option<usize>,
    ) -> PyResult<File> {
        py.detach(|| File::new("<bytes>".into(), Bytes::Memory(data), &base, fragments))
            .map_err(raised)
    }

    /// Name, dtype by its safetensors name, and shape of all tensors, in stored order.
    fn tensors(&self) -> Vec<(&str, &'static str, Vec<u64>)> {
        let infos = self.model.tensors().iter();
        infos
            .map(|t| (&t.name[..], t.dtype.name(), t.shape.clone()))
            .collect()
    }

    /// The metadata of the safetensors files that the checkpoint came in.
    fn metadata(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        py.detach(|| self.model.metadata()).map_err(raised)
    }

    /// Paths of the carried side files.
    fn side_files(&self) -> Vec<&str> {
        let files = self.model.index().files.iter();
        let sides = files.filter(|f| f.kind == hct_core::FileKind::Side);
        sides.map(|f| &f.path[..]).collect()
    }

    /// The contents of a side file, if it is carried.
    fn side_file(&self, py: Python<'_>, path: &str) -> PyResult<Option<Vec<u8>>> {
        py.detach(|| self.model.side_file(path)).map_err(raised)
    }

    /// Bytes of a tensor, or of rows of it.
    #[pyo3(signature = (name, rows=None))]
    fn byte_len(&self, name: &str, rows: Option<(u64, u64)>) -> PyResult<u64> {
        Ok(self.part(name, rows).map_err(raised)?.byte_len())
    }

    /// The little-endian, row-major bytes of a tensor, or of rows of it.
    #[pyo3(signature = (name, rows=None))]
    fn decode<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        rows: Option<(u64, u64)>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let part = self.part(name, rows).map_err(raised)?;
        let len = usize::try_from(part.byte_len())
            .map_err(|_| Class::Hct.error(format!("tensor {name:?} is too large")))?;
        // The array is nobody else's yet: it is filled without the GIL, and not copied.
        PyByteArray::new_with(py, len, |out| {
            py.detach(|| part.decode_into(out)).map_err(raised)
        })
    }

    /// The same into the `size` bytes of memory at `address`, which the caller alone has: it has taken them from
    /// the system, keeps them until this returns and shows them to nobody before.
    #[expect(
        unsafe_code,
        reason = "buffers of Python cannot be had safely before 3.11, and a bytearray is filled with zeros first"
    )]
    fn decode_at(
        &self,
        py: Python<'_>,
        name: &str,
        rows: Option<(u64, u64)>,
        address: usize,
        size: usize,
    ) -> PyResult<()> {
        let part = self.part(name, rows).map_err(raised)?;
        if address == 0 || u64::try_from(size).ok() != Some(part.byte_len()) {
            let needed = part.byte_len();
            return Err(
                Class::Hct.error(format!("tensor {name:?} takes {needed} bytes, not {size}"))
            );
        }
        let start = std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: `_memory.py`, which alone calls this, gives the address and the size of a mapping of its own
        // that is not null, that the system has filled with zeros and that lives until this has returned.
        let out = unsafe { std::slice::from_raw_parts_mut(start, size) };
        py.detach(|| part.decode_into(out)).map_err(raised)
    }

    /// Bytes read of the file so far, its index included.
    fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes of the whole file.
    fn file_bytes(&self) -> u64 {
        self.model.file_bytes()
    }
}

impl File {
    fn new(
        name: PathBuf,
        source: Bytes,
        bases: &[PathBuf],
        fragments: Option<usize>,
    ) -> Result<File, Error> {
        let (source, read) = Metered::new(source);
        let mut model = HctModel::new_within(name, source, limits())?;
        if let Some(base) = open_bases_within(bases, limits())? {
            if !model.needs_base() {
                let path = model.name().to_owned();
                return Err(Error::UnneededBase { path });
            }
            model = model.with_base(base);
        }
        if let Some(fragments) = fragments {
            model = model.with_fragments(fragments);
        }
        Ok(File { model, read })
    }

    fn part(
        &self,
        name: &str,
        rows: Option<(u64, u64)>,
    ) -> Result<ModelPart<'_, Metered<Bytes>>, Error> {
        let part = self.model.tensor(self.model.find(name)?)?;
        match rows {
            Some((first, end)) => part.rows(first..end),
            None => Ok(part),
        }
    }
}
