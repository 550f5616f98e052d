//! Writing a file in one pass.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use super::base::DeltaRecipe;
use super::base_hint;
use super::chunk::Chunk;
use super::content_hash::ContentHash;
use super::encoded_tensor::{Coding, EncodedFragment, EncodedTensor, TensorMeta};
use super::index::{FileEntry, FileKind, Index};
use super::lossless_recipe::LosslessRecipe;
use super::provenance;
use super::record::{Fragment, MAX_DIMS, PlaneRecord, Recipe, TensorRecord};
use super::recovery::Recovery;
use super::trailer::{self, Trailer};
use crate::plane::EncodedPlane;
use crate::{Error, Result};

/// Tensors back that a label is looked for, to share it.
const LABELS_REMEMBERED: usize = 64;

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
    recovery: Recovery,
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
        let offset = header.len() as u64;
        Ok(HctWriter {
            out,
            offset,
            recovery: Recovery::new(offset),
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

    /// Says in the index where the base of the tensors coded against one was, for people: a path
    /// or a URL.
    ///
    /// # Errors
    /// When `text` is empty or takes more than [`MAX_BASE_HINT`](crate::MAX_BASE_HINT) bytes.
    pub fn set_base_hint(&mut self, text: &str) -> Result<()> {
        base_hint::check(text)?;
        self.index.base_hint = Some(text.to_owned());
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
        self.put_due_block()?;
        let data = Chunk::of(stored, self.offset);
        self.write(stored)?;
        let path = path.to_owned();
        self.index.files.push(FileEntry {
            kind,
            path,
            packing,
            unpacked_len,
            hash: None,
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
        self.take_name(&meta.name)
            .map_err(|e| e.in_tensor(&meta.name))?;
        self.put_due_block()?;
        let mut offset = self.offset;
        let mut payload = Vec::new();
        let mut put = |bytes: Vec<u8>| {
            let chunk = Chunk::of(&bytes, offset);
            offset += chunk.len;
            payload.push(bytes);
            chunk
        };
        let recipe = match (tensor.coding, tensor.base) {
            (
                Coding::Lossless {
                    blocks,
                    tile_bytes,
                    tiles,
                    ..
                },
                _,
            ) => {
                let tiles = tiles.into_iter().map(put).collect();
                Recipe::Lossless(LosslessRecipe {
                    blocks,
                    tile_bytes,
                    tiles,
                })
            }
            (Coding::Unchanged { .. }, Some(base)) => Recipe::Unchanged(base),
            (Coding::Delta { delta, .. }, Some(base)) => {
                let recipe = DeltaRecipe {
                    tile_bytes: delta.tile_bytes,
                    common: put(delta.common),
                    tiles: delta.tiles.into_iter().map(put).collect(),
                };
                Recipe::Delta(base, recipe)
            }
            (Coding::Unchanged { .. } | Coding::Delta { .. }, None) => {
                return Err(Error::argument("base", "is missing").in_tensor(&meta.name));
            }
            (
                Coding::Fragments {
                    rows,
                    cols,
                    fragments,
                },
                base,
            ) => {
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
                    base,
                    fragments,
                }
            }
        };
        for bytes in payload {
            self.write(&bytes)?;
        }
        let TensorMeta { name, dtype, shape } = meta;
        Ok(self.push(TensorRecord {
            name,
            dtype,
            shape,
            file,
            label: label.into(),
            recipe,
            hash: None,
        }))
    }

    /// Gives the file carried last the hash of what it was, unpacked.
    pub fn set_file_hash(&mut self, hash: ContentHash) {
        if let Some(file) = self.index.files.last_mut() {
            file.hash = Some(hash);
        }
    }

    /// Gives the tensor written last the hash of its bytes as they were.
    pub fn set_tensor_hash(&mut self, hash: ContentHash) {
        if let Some(tensor) = self.index.tensors.last_mut() {
            tensor.hash = Some(hash);
        }
    }

    /// Puts a recovery block if one is due; what is written next belongs to another.
    pub(super) fn put_due_block(&mut self) -> Result<()> {
        match self.recovery.due(&self.index, self.offset)? {
            Some(block) => self.write(&block),
            None => Ok(()),
        }
    }

    /// Errs where there is a tensor of that name already.
    pub(super) fn take_name(&mut self, name: &str) -> Result<()> {
        match self.names.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Error::DuplicateName),
        }
    }

    /// Adds the record of a tensor that has been written.
    pub(super) fn push(&mut self, mut record: TensorRecord) -> &TensorRecord {
        let known = self.index.tensors.iter().rev().map(|t| &t.label);
        let mut known = known.take(LABELS_REMEMBERED);
        if let Some(label) = known.find(|label| ***label == *record.label) {
            record.label = Arc::clone(label);
        }
        self.index.tensors.push(record);
        &self.index.tensors[self.index.tensors.len() - 1]
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
        self.check_shard(file)
    }

    /// Errs where `file` is none that tensors can belong to.
    pub(super) fn check_shard(&self, file: Option<usize>) -> Result<()> {
        let Some(file) = file else { return Ok(()) };
        match self.index.files.get(file) {
            Some(entry) if entry.kind.has_tensors() => Ok(()),
            Some(_) => Err(Error::argument("file", format!("{file} is no shard"))),
            None => Err(Error::argument(
                "file",
                format!("there is none numbered {file}"),
            )),
        }
    }

    /// Writes the last recovery block, the index and the trailer, and gives the writer back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<W> {
        let minor = self.index.since();
        self.finish_as(minor)
    }

    /// Finishes a file of version 3.`minor`.
    pub(super) fn finish_as(mut self, minor: u16) -> Result<W> {
        if let Some(block) = self.recovery.last(&self.index, self.offset)? {
            self.write(&block)?;
        }
        let mut index = Vec::new();
        self.index.parts().write(&mut index);
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

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
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
    use crate::{
        Dtype, HctReader, MatrixView, Preparation, SparseFormat, Transform, encode_sparse,
    };

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
