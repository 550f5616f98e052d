//! Writing a file in one pass.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use super::chunk::Chunk;
use super::index::{FileEntry, FileKind, Index};
use super::provenance;
use super::record::{
    Fragment, LosslessRecipe, MAX_DIMS, MAX_FRAGMENTS, PlaneRecord, Recipe, TensorRecord,
};
use super::trailer::{self, Trailer};
use crate::matrix::{MatrixView, fold};
use crate::plane::{EncodedPlane, Preparation};
use crate::quant::sparse::{SparseFormat, encode_sparse};
use crate::transform::Transform;
use crate::{Dtype, Error, Result, lossless, parallel};

/// Bytes of a lossless tile: as long in time to decode as a lossy one, about.
const LOSSLESS_TILE: usize = 1 << 21;

/// Tensors back that a label is looked for, to share it.
const LABELS_REMEMBERED: usize = 64;

/// Name, element type and shape of a tensor to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorMeta {
    /// Name, unique in the file.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions, outermost first.
    pub shape: Vec<u64>,
}

impl TensorMeta {
    fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d))
    }

    /// Bytes of the elements, if a file may hold so many.
    fn decoded_bytes(&self) -> Option<u64> {
        let bytes = self.elements().and_then(|n| self.dtype.byte_len(n));
        bytes.filter(|&b| b <= i64::MAX as u64)
    }
}

/// A term of a tensor's sum, coded.
#[non_exhaustive]
pub enum EncodedFragment {
    /// A matrix of the tensor's folded shape.
    Plane(EncodedPlane),
    /// The product of a rows × rank and a rank × cols matrix.
    Product(EncodedPlane, EncodedPlane),
}

impl EncodedFragment {
    /// Bytes of payload.
    pub fn payload_bytes(&self) -> usize {
        match self {
            EncodedFragment::Plane(p) => p.payload_bytes(),
            EncodedFragment::Product(l, r) => l.payload_bytes() + r.payload_bytes(),
        }
    }

    /// Rows and columns of the fragment, or none where a product's factors do not fit.
    fn shape(&self) -> Option<(usize, usize)> {
        match self {
            EncodedFragment::Plane(p) => Some((p.recipe.rows, p.recipe.cols)),
            EncodedFragment::Product(l, r) => {
                let rank = l.recipe.cols;
                let fits = rank == r.recipe.rows && rank <= l.recipe.rows.min(r.recipe.cols);
                fits.then_some((l.recipe.rows, r.recipe.cols))
            }
        }
    }
}

enum Coding {
    Lossless {
        dtype: Dtype,
        bytes: u64,
        tile_bytes: u64,
        tiles: Vec<Vec<u8>>,
    },
    Fragments {
        rows: usize,
        cols: usize,
        fragments: Vec<EncodedFragment>,
    },
}

/// A coded tensor, ready to be written.
pub struct EncodedTensor {
    coding: Coding,
}

impl EncodedTensor {
    /// Codes the tensor's bytes losslessly. Integers, floats of any kind, NaN payloads: every bit
    /// comes back.
    ///
    /// # Errors
    /// When `bytes` are not the elements of `meta`.
    pub fn lossless(meta: &TensorMeta, bytes: &[u8]) -> Result<Self> {
        if meta.decoded_bytes() != Some(bytes.len() as u64) {
            return Err(Error::WrongLength {
                bytes: bytes.len(),
                dtype: meta.dtype,
                shape: meta.shape.clone(),
            });
        }
        let tiles: Vec<&[u8]> = bytes.chunks(LOSSLESS_TILE).collect();
        let tiles = parallel::map(tiles.len(), |i| lossless::encode_tile(tiles[i], meta.dtype));
        Ok(EncodedTensor {
            coding: Coding::Lossless {
                dtype: meta.dtype,
                bytes: bytes.len() as u64,
                tile_bytes: LOSSLESS_TILE as u64,
                tiles,
            },
        })
    }

    /// Uniform V3: the 2-D DCT of each tile, its ⌈`retention`·n⌉ largest coefficients as INT4 in
    /// blocks of 32 with FP16 scales, positions as a mask.
    ///
    /// # Errors
    /// When the dtype has no lossy coding, `retention` is not in (0, 1], or a value is not finite.
    pub fn uniform(meta: &TensorMeta, bytes: &[u8], retention: f64) -> Result<Self> {
        let (rows, cols) = fold(&meta.shape).ok_or(Error::Empty)?;
        let matrix = MatrixView::from_bytes(bytes, meta.dtype, rows, cols)?;
        let preparation = Preparation::tiled(Transform::Dct2);
        Ok(Self::plane(encode_sparse(
            matrix,
            preparation,
            SparseFormat::Int4,
            retention,
        )?))
    }

    /// A tensor of one plane.
    pub fn plane(plane: EncodedPlane) -> Self {
        let (rows, cols) = (plane.recipe.rows, plane.recipe.cols);
        let fragments = vec![EncodedFragment::Plane(plane)];
        EncodedTensor {
            coding: Coding::Fragments {
                rows,
                cols,
                fragments,
            },
        }
    }

    /// A tensor that is the sum of `fragments`, most important first: any prefix of them decodes to
    /// an approximation.
    ///
    /// # Errors
    /// When there are none, more than 64, or they differ in shape.
    pub fn fragments(fragments: Vec<EncodedFragment>) -> Result<Self> {
        let shape = fragments.first().and_then(EncodedFragment::shape);
        match shape {
            Some((rows, cols))
                if fragments.len() <= MAX_FRAGMENTS
                    && fragments.iter().all(|l| l.shape() == shape) =>
            {
                Ok(EncodedTensor {
                    coding: Coding::Fragments {
                        rows,
                        cols,
                        fragments,
                    },
                })
            }
            _ => Err(Error::argument(
                "fragments",
                "must be 1 to 64 matrices of one shape",
            )),
        }
    }

    /// Share of the elements, kept coefficients of all planes counted, that are coded as other
    /// than zero: above 1 where fragments overlap, and 1 for a lossless tensor.
    pub fn retention(&self) -> f64 {
        match &self.coding {
            Coding::Lossless { .. } => 1.0,
            Coding::Fragments {
                rows,
                cols,
                fragments,
            } => {
                let kept: u64 = fragments
                    .iter()
                    .map(|l| match l {
                        EncodedFragment::Plane(p) => p.kept(),
                        EncodedFragment::Product(l, r) => l.kept() + r.kept(),
                    })
                    .sum();
                kept as f64 / (*rows as f64 * *cols as f64)
            }
        }
    }

    /// Errs unless this can be a coding of a tensor of such a type and shape.
    fn check_fits(&self, meta: &TensorMeta) -> Result<()> {
        let fits = match &self.coding {
            Coding::Lossless { dtype, bytes, .. } => {
                meta.dtype == *dtype && meta.decoded_bytes() == Some(*bytes)
            }
            Coding::Fragments { rows, cols, .. } => {
                let elements = (*rows as u64).checked_mul(*cols as u64);
                meta.dtype.is_codable() && elements.is_some() && meta.elements() == elements
            }
        };
        match fits {
            true => Ok(()),
            false => Err(Error::NotThisTensor {
                dtype: meta.dtype,
                shape: meta.shape.clone(),
            }),
        }
    }

    /// Bytes of payload; the record in the index comes on top.
    pub fn payload_bytes(&self) -> usize {
        match &self.coding {
            Coding::Lossless { tiles, .. } => tiles.iter().map(Vec::len).sum(),
            Coding::Fragments { fragments, .. } => {
                fragments.iter().map(EncodedFragment::payload_bytes).sum()
            }
        }
    }
}

/// Places an encoded plane's bytes at `offset`, appending them to `payload`.
fn place(plane: EncodedPlane, offset: &mut u64, payload: &mut Vec<Vec<u8>>) -> PlaneRecord {
    let mut put = |bytes: Vec<u8>| {
        let chunk = Chunk::of(&bytes, *offset);
        *offset += chunk.len;
        payload.push(bytes);
        chunk
    };
    let common = put(plane.common);
    let tiles = plane.tiles.into_iter().map(put).collect();
    PlaneRecord {
        recipe: plane.recipe,
        common,
        tiles,
    }
}

/// Writes an HCT V3 file front to back; memory holds only the index and the tensor at hand.
pub struct HctWriter<W: Write> {
    out: W,
    offset: u64,
    index: Index,
    names: HashSet<String>,
}

fn io_error(context: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { context, source }
}

impl<W: Write> HctWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(mut out: W) -> Result<Self> {
        let header = trailer::header();
        out.write_all(&header)
            .map_err(io_error("writing the header"))?;
        Ok(HctWriter {
            out,
            offset: header.len() as u64,
            index: Index::default(),
            names: HashSet::new(),
        })
    }

    /// Bytes written so far.
    pub fn bytes_written(&self) -> u64 {
        self.offset
    }

    /// Says in the index how the file is made, for people and tools: JSON by custom, which
    /// docs/FORMAT.md describes. Another text may take its place until the file is finished.
    ///
    /// # Errors
    /// When `text` is empty or takes more than [`MAX_PROVENANCE`](crate::MAX_PROVENANCE) bytes.
    pub fn set_provenance(&mut self, text: &str) -> Result<()> {
        provenance::check(text)?;
        self.index.provenance = Some(text.to_owned());
        Ok(())
    }

    /// Carries a file; `stored` is what `packing` (0 none, 1 zlib) made of its `unpacked_len`
    /// bytes. Returns its number, which tensors of a shard refer to.
    ///
    /// # Errors
    /// When no packing has this number, what is stored as it is has another length, or writing
    /// fails.
    pub fn add_file(
        &mut self,
        kind: FileKind,
        path: &str,
        stored: &[u8],
        packing: u8,
        unpacked_len: u64,
    ) -> Result<usize> {
        if packing > 1 {
            return Err(Error::argument("packing", format!("{packing} is reserved")));
        }
        if packing == 0 && unpacked_len != stored.len() as u64 {
            let why = format!("{unpacked_len} is not that of {} bytes", stored.len());
            return Err(Error::argument("unpacked length", why));
        }
        let data = Chunk::of(stored, self.offset);
        self.write(stored)?;
        let path = path.to_owned();
        self.index.files.push(FileEntry {
            kind,
            path,
            packing,
            unpacked_len,
            data,
        });
        Ok(self.index.files.len() - 1)
    }

    /// Writes a tensor: `file` is the shard it belongs to, `label` what made it.
    ///
    /// # Errors
    /// When there is a tensor of that name already, `file` is no shard, the shape has more than 64
    /// dimensions or more than 2⁶³ − 1 bytes, `tensor` was not made of one like `meta`, or writing
    /// fails.
    pub fn add_tensor(
        &mut self,
        meta: TensorMeta,
        tensor: EncodedTensor,
        file: Option<usize>,
        label: &str,
    ) -> Result<&TensorRecord> {
        self.check_place(&meta, file)
            .and_then(|()| tensor.check_fits(&meta))
            .map_err(|e| e.in_tensor(&meta.name))?;
        if !self.names.insert(meta.name.clone()) {
            return Err(Error::DuplicateName.in_tensor(&meta.name));
        }
        let mut offset = self.offset;
        let mut payload = Vec::new();
        let recipe = match tensor.coding {
            Coding::Lossless {
                tile_bytes, tiles, ..
            } => {
                let tiles = tiles
                    .into_iter()
                    .map(|bytes| {
                        let chunk = Chunk::of(&bytes, offset);
                        offset += chunk.len;
                        payload.push(bytes);
                        chunk
                    })
                    .collect();
                Recipe::Lossless(LosslessRecipe { tile_bytes, tiles })
            }
            Coding::Fragments {
                rows,
                cols,
                fragments,
            } => {
                let fragments = fragments
                    .into_iter()
                    .map(|fragment| match fragment {
                        EncodedFragment::Plane(p) => {
                            Fragment::Plane(place(p, &mut offset, &mut payload))
                        }
                        EncodedFragment::Product(l, r) => {
                            let left = place(l, &mut offset, &mut payload);
                            Fragment::Product(left, place(r, &mut offset, &mut payload))
                        }
                    })
                    .collect();
                Recipe::Fragments {
                    rows,
                    cols,
                    fragments,
                }
            }
        };
        for bytes in payload {
            self.write(&bytes)?;
        }
        let TensorMeta { name, dtype, shape } = meta;
        let known = self.index.tensors.iter().rev().map(|t| &t.label);
        let label = known
            .take(LABELS_REMEMBERED)
            .find(|l| ***l == *label)
            .map_or_else(|| label.into(), Arc::clone);
        self.index.tensors.push(TensorRecord {
            name,
            dtype,
            shape,
            file,
            label,
            recipe,
        });
        Ok(&self.index.tensors[self.index.tensors.len() - 1])
    }

    /// Errs where a reader would reject the shape or the shard of a tensor.
    fn check_place(&self, meta: &TensorMeta, file: Option<usize>) -> Result<()> {
        if meta.shape.len() as u64 > MAX_DIMS {
            let why = format!("has {} dimensions, {MAX_DIMS} at most", meta.shape.len());
            return Err(Error::argument("shape", why));
        }
        if meta.decoded_bytes().is_none() {
            let why = "its size is above 2⁶³ − 1 bytes or is not whole bytes";
            return Err(Error::argument("shape", why));
        }
        let Some(file) = file else { return Ok(()) };
        match self.index.files.get(file) {
            Some(entry) if entry.kind == FileKind::Shard => Ok(()),
            Some(_) => Err(Error::argument("file", format!("{file} is no shard"))),
            None => Err(Error::argument(
                "file",
                format!("there is none numbered {file}"),
            )),
        }
    }

    /// Writes the index and the trailer, and gives the writer back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<W> {
        let minor = self.index.since();
        self.finish_as(minor)
    }

    /// Finishes a file of version 3.`minor`.
    pub(super) fn finish_as(mut self, minor: u16) -> Result<W> {
        let index = self.index.write();
        let trailer = Trailer {
            index_offset: self.offset,
            index_len: index.len() as u64,
            index_crc: crc32fast::hash(&index),
            minor,
        };
        self.write(&index)?;
        self.write(&trailer.write())?;
        self.out.flush().map_err(io_error("flushing the file"))?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out
            .write_all(bytes)
            .map_err(io_error("writing the file"))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HctReader;

    fn plane(values: &[f32], rows: usize, cols: usize, format: SparseFormat) -> EncodedPlane {
        let matrix = MatrixView::from_values(values, rows, cols).unwrap();
        encode_sparse(matrix, Preparation::tiled(Transform::None), format, 1.0).unwrap()
    }

    #[test]
    fn fragments_and_products_add_up_and_every_prefix_decodes() {
        let (rows, cols, rank) = (24, 40, 3);
        let noise = |i: usize| ((i * 7919) % 211) as f32 / 105.5 - 1.0;
        let left: Vec<f32> = (0..rows * rank).map(noise).collect();
        let right: Vec<f32> = (0..rank * cols).map(|i| noise(i + 999)).collect();
        let rest: Vec<f32> = (0..rows * cols).map(|i| 0.1 * noise(3 * i + 5)).collect();
        let product = EncodedFragment::Product(
            plane(&left, rows, rank, SparseFormat::Half),
            plane(&right, rank, cols, SparseFormat::Half),
        );
        let fragments = vec![
            product,
            EncodedFragment::Plane(plane(&rest, rows, cols, SparseFormat::Int8)),
        ];
        let meta = TensorMeta {
            name: "w".into(),
            dtype: Dtype::F32,
            shape: vec![rows as u64, cols as u64],
        };
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        writer
            .add_tensor(
                meta,
                EncodedTensor::fragments(fragments).unwrap(),
                None,
                "test",
            )
            .unwrap();
        let reader = HctReader::open(writer.finish().unwrap()).unwrap();
        let decoded = |fragments| -> Vec<f32> {
            let bytes = reader
                .tensor(0)
                .unwrap()
                .fragments(fragments)
                .decode()
                .unwrap();
            bytes
                .chunks(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect()
        };
        let (base, full) = (decoded(1), decoded(2));
        for r in 0..rows {
            for c in 0..cols {
                let i = r * cols + c;
                let low_rank: f32 = (0..rank)
                    .map(|k| left[r * rank + k] * right[k * cols + c])
                    .sum();
                assert!((base[i] - low_rank).abs() < 5e-3);
                assert!((full[i] - low_rank - rest[i]).abs() < 6e-3);
            }
        }
    }

    #[test]
    fn fragments_of_different_shapes_are_refused() {
        let a = plane(&[1.0; 12], 3, 4, SparseFormat::Int4);
        let b = plane(&[1.0; 12], 4, 3, SparseFormat::Int4);
        let fragments = vec![EncodedFragment::Plane(a.clone()), EncodedFragment::Plane(b)];
        assert!(EncodedTensor::fragments(fragments).is_err());
        assert!(EncodedTensor::fragments(vec![EncodedFragment::Product(a.clone(), a)]).is_err());
        assert!(EncodedTensor::fragments(Vec::new()).is_err());
    }
}
