//! One tensor, or some of its rows, to a file of its own.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use hct_core::{BAND_BYTES, ReadAt};

use super::atomic_file::AtomicFile;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::header::Header;
use crate::model_part::ModelPart;
use crate::npy::{self, Elements};
use crate::safetensors::ShardWriter;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Values of f32 written at a time.
const PIECE: usize = 1 << 14;

/// What [`extract`] wrote.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Extracted {
    /// Name, type and shape of what was written.
    pub info: TensorInfo,
    /// The rows of the tensor, a row being one index of its outermost dimension; none of a scalar.
    pub rows: Option<Range<u64>>,
    /// NumPy's name for the elements of an `.npy` file, such as `<f4`.
    pub npy_dtype: Option<&'static str>,
    /// Bytes of the file.
    pub output_bytes: u64,
}

/// Whether [`extract`] can write to a file called `output`, by its ending.
///
/// # Errors
/// When it cannot.
pub fn check_extracted(output: &Path) -> Result<(), Error> {
    form(output).map(drop)
}

/// Writes tensor `number` of `model`, or only `rows` of it, to `output`: a safetensors file or a
/// NumPy one by its ending, in which BF16 becomes the same values as f32. Only the tiles that hold
/// the rows are read. The file appears under its name only when it is complete; `overwrite` lets it
/// replace another.
///
/// # Errors
/// When the name ends otherwise, NumPy has no such type, there is no such tensor or are no such
/// rows, when they are damaged, or the file cannot be written.
pub fn extract<R: ReadAt>(
    model: &HctModel<R>,
    number: usize,
    rows: Option<Range<u64>>,
    output: &Path,
    overwrite: bool,
) -> Result<Extracted, Error> {
    let form = form(output)?;
    let mut part = model.tensor(number)?;
    let mut info = model.tensors()[number].clone();
    let rows = match (rows, info.shape.first_mut()) {
        (Some(rows), outer) => {
            part = part.rows(rows.clone())?;
            if let Some(outer) = outer {
                *outer = rows.end - rows.start;
            }
            Some(rows)
        }
        (None, outer) => outer.map(|&mut outer| 0..outer),
    };
    let elements = match form {
        Form::Npy => Some(Elements::of(info.dtype).ok_or_else(|| Error::NoNumpyType {
            tensor: info.name.clone(),
            dtype: info.dtype,
        })?),
        Form::Safetensors => None,
    };
    let file = AtomicFile::create(output)?;
    let output_bytes = match elements {
        Some(elements) => write_npy(output, overwrite, file, &info, elements, &part)?,
        None => write_safetensors(output, overwrite, file, &info, &part)?,
    };
    Ok(Extracted {
        info,
        rows,
        npy_dtype: elements.map(Elements::descr),
        output_bytes,
    })
}

/// What to write.
enum Form {
    Safetensors,
    Npy,
}

fn form(output: &Path) -> Result<Form, Error> {
    let extension = output.extension().and_then(|e| e.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("safetensors") => Ok(Form::Safetensors),
        Some("npy") => Ok(Form::Npy),
        _ => Err(Error::OutputForm {
            path: output.to_owned(),
        }),
    }
}

fn write_safetensors<R: ReadAt>(
    output: &Path,
    overwrite: bool,
    file: AtomicFile,
    info: &TensorInfo,
    part: &ModelPart<'_, R>,
) -> Result<u64, Error> {
    let in_file = |reason| Error::Header {
        file: output.to_owned(),
        reason,
    };
    let header = Header::of(std::slice::from_ref(info)).map_err(in_file)?;
    let total = 8 + header.header_bytes().len() as u64 + part.byte_len();
    let mut writer = ShardWriter::new(output, header, file)?;
    for band in part.bands(BAND_BYTES) {
        writer.write(0, &band.decode()?)?;
    }
    writer.finish()?.finish(overwrite)?;
    Ok(total)
}

fn write_npy<R: ReadAt>(
    output: &Path,
    overwrite: bool,
    mut file: AtomicFile,
    info: &TensorInfo,
    elements: Elements,
    part: &ModelPart<'_, R>,
) -> Result<u64, Error> {
    let failed = |reason| Error::Io {
        action: "write",
        path: output.to_owned(),
        reason,
    };
    let header = npy::header(elements, &info.shape);
    file.write_all(&header).map_err(failed)?;
    let data_len = match elements {
        Elements::Stored(_) => {
            for band in part.bands(BAND_BYTES) {
                file.write_all(&band.decode()?).map_err(failed)?;
            }
            part.byte_len()
        }
        Elements::F32 => {
            for band in part.bands(BAND_BYTES) {
                let mut values = vec![0f32; elements_of(info, &band)?];
                band.decode_f32(&mut values)?;
                for piece in values.chunks(PIECE) {
                    let bytes: Vec<u8> = piece.iter().flat_map(|v| v.to_le_bytes()).collect();
                    file.write_all(&bytes).map_err(failed)?;
                }
            }
            4 * part.elements()
        }
    };
    file.finish(overwrite)?;
    Ok(header.len() as u64 + data_len)
}

/// The elements of a part, which must fit into memory.
fn elements_of<R: ReadAt>(info: &TensorInfo, part: &ModelPart<'_, R>) -> Result<usize, Error> {
    usize::try_from(part.elements()).map_err(|_| Error::TooLargeForMachine {
        file: "the HCT file".into(),
        tensor: info.name.clone(),
        len: part.byte_len(),
    })
}
