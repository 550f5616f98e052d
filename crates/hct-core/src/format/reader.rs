//! Reading a file: by tensor, by rows, by layers; nothing is trusted.

use std::borrow::Cow;
use std::ops::Range;

use super::accounting;
use super::index::{FileEntry, Index};
use super::record::{Chunk, Layer, LosslessRecipe, PlaneRecord, Recipe, TensorRecord};
use super::source::ReadAt;
use super::trailer::{self, HEADER_LEN, TRAILER_LEN, Trailer};
use crate::matmul::add_product;
use crate::plane_decoder::PlaneDecoder;
use crate::sections::Sections;
use crate::{Error, Result, floats, lossless, parallel};

/// An HCT V3 file opened for reading.
pub struct HctReader<S> {
    source: S,
    index: Index,
    index_bytes: u64,
}

impl<S: ReadAt> HctReader<S> {
    /// Reads the trailer and the index.
    ///
    /// # Errors
    /// When `source` is not an HCT V3 file or its index is damaged.
    pub fn open(source: S) -> Result<Self> {
        let size = source.size();
        let read = |offset, len| read_range(&source, offset, len);
        if size < (HEADER_LEN + TRAILER_LEN) as u64 {
            return Err(Error::NotHct("it is too short"));
        }
        trailer::check_header(&read(0, HEADER_LEN as u64)?)?;
        let trailer = Trailer::read(&read(size - TRAILER_LEN as u64, TRAILER_LEN as u64)?, size)?;
        let bytes = read(trailer.index_offset, trailer.index_len)?;
        let chunk = Chunk {
            offset: trailer.index_offset,
            len: trailer.index_len,
            crc: trailer.index_crc,
        };
        chunk.check(&bytes, || "the index".into())?;
        let index = Index::read(&bytes, trailer.index_offset)?;
        drop(bytes);
        Ok(HctReader {
            source,
            index,
            index_bytes: trailer.index_len,
        })
    }

    /// What the file says of itself.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.source.size()
    }

    /// Bytes of the index.
    pub fn index_bytes(&self) -> u64 {
        self.index_bytes
    }

    /// Number of the tensor called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.index
            .tensors
            .iter()
            .position(|t| t.name == name)
            .ok_or_else(|| Error::NoSuchTensor(name.to_owned()))
    }

    /// The stored bytes of a carried file, checked; unpacking them is up to the caller.
    ///
    /// # Errors
    /// When they cannot be read or fail their checksum.
    pub fn file(&self, entry: &FileEntry) -> Result<Cow<'_, [u8]>> {
        self.chunk(&entry.data, || format!("carried file {:?}", entry.path))
    }

    /// Decodes tensor `number` to little-endian bytes of its dtype.
    ///
    /// # Errors
    /// When anything in it is damaged; the error names the tensor.
    pub fn decode(&self, number: usize) -> Result<Vec<u8>> {
        self.decode_layers(number, usize::MAX)
    }

    /// Decodes tensor `number` from its first `layers` layers only (at least one).
    ///
    /// # Errors
    /// As [`HctReader::decode`].
    pub fn decode_layers(&self, number: usize, layers: usize) -> Result<Vec<u8>> {
        let record = &self.index.tensors[number];
        let len = record.decoded_bytes();
        let decode = || {
            let mut out = zeroed(len)?;
            self.decode_range(record, 0..len, layers.max(1), &mut out)?;
            Ok(out)
        };
        decode().map_err(|e: Error| e.in_tensor(&record.name))
    }

    /// Decodes rows of tensor `number`, a row being one index of its outermost dimension, reading
    /// only the tiles they touch (all tiles, where a transform spans the tensor).
    ///
    /// # Errors
    /// As [`HctReader::decode`], or when `rows` do not lie within the tensor.
    pub fn decode_rows(&self, number: usize, rows: Range<u64>) -> Result<Vec<u8>> {
        let record = &self.index.tensors[number];
        let decode = || {
            let outer = record.shape.first().copied().unwrap_or(1);
            if rows.start > rows.end || rows.end > outer {
                return Err(Error::invalid(
                    "rows",
                    format!("{rows:?} are not within {outer}"),
                ));
            }
            let row = record.decoded_bytes() / outer.max(1);
            if row * outer != record.decoded_bytes() {
                return Err(Error::invalid("rows", "are not whole bytes in this dtype"));
            }
            let range = rows.start * row..rows.end * row;
            let mut out = zeroed(range.end - range.start)?;
            self.decode_range(record, range, usize::MAX, &mut out)?;
            Ok(out)
        };
        decode().map_err(|e: Error| e.in_tensor(&record.name))
    }

    fn decode_range(
        &self,
        record: &TensorRecord,
        range: Range<u64>,
        layers: usize,
        out: &mut [u8],
    ) -> Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        match &record.recipe {
            Recipe::Lossless(lossless) => self.lossless_range(record, lossless, range, out),
            Recipe::Layers {
                cols, layers: all, ..
            } => {
                let used = &all[..layers.min(all.len())];
                let width = (record.dtype.bits() / 8) as u64;
                let elements = range.start / width..range.end / width;
                if let [Layer::Plane(plane)] = used
                    && !plane.recipe.whole
                {
                    return self.plane_range(record, plane, elements, out);
                }
                // Several layers, or one whose transform spans the tensor: rebuild it whole.
                let (mut sum, rest) = match used {
                    // Not added to zeros, which would lose the sign of its own.
                    [Layer::Plane(plane), rest @ ..] => (self.plane(plane)?, rest),
                    _ => (zeroed::<f32>(record.elements())?, used),
                };
                for layer in rest {
                    self.add_layer(layer, *cols, &mut sum)?;
                }
                floats::from_f32(
                    &sum[elements.start as usize..elements.end as usize],
                    record.dtype,
                    out,
                );
                Ok(())
            }
        }
    }

    fn lossless_range(
        &self,
        record: &TensorRecord,
        recipe: &LosslessRecipe,
        range: Range<u64>,
        out: &mut [u8],
    ) -> Result<()> {
        let total = record.decoded_bytes();
        let size = recipe.tile_bytes;
        let pieces = split(out, range, size);
        parallel::for_each(pieces, |(i, within, piece)| {
            let payload = self.chunk(&recipe.tiles[i], || format!("tile {i}"))?;
            let tile_len = size.min(total - i as u64 * size);
            if piece.len() as u64 == tile_len {
                return lossless::decode_tile(&payload, record.dtype, piece);
            }
            let mut tile = vec![0; tile_len as usize];
            lossless::decode_tile(&payload, record.dtype, &mut tile)?;
            piece.copy_from_slice(&tile[within..within + piece.len()]);
            Ok(())
        })
    }

    /// The fast path: one plane of independent tiles, each rounded to the dtype as it decodes.
    fn plane_range(
        &self,
        record: &TensorRecord,
        plane: &PlaneRecord,
        elements: Range<u64>,
        out: &mut [u8],
    ) -> Result<()> {
        let recipe = &plane.recipe;
        let common = self.chunk(&plane.common, || "plane header".into())?;
        let decoder = PlaneDecoder::new(recipe, &common)?;
        let width = record.dtype.bits() / 8;
        let mut pieces = Vec::new();
        let mut rest = out;
        for i in 0..recipe.tiles() {
            let tile = recipe.tile(i);
            let (first, end) = (tile.first as u64, (tile.first + tile.len()) as u64);
            let (from, to) = (first.max(elements.start), end.min(elements.end));
            if from < to {
                let (piece, after) = rest.split_at_mut((to - from) as usize * width);
                pieces.push((i, (from - first) as usize, piece));
                rest = after;
            }
        }
        parallel::for_each(pieces, |(i, within, piece)| {
            let payload = self.chunk(&plane.tiles[i], || format!("tile {i}"))?;
            let mut values = vec![0.0; recipe.tile(i).len()];
            decoder.tile(i, &payload, &mut values)?;
            let n = piece.len() / width;
            floats::from_f32(&values[within..within + n], record.dtype, piece);
            Ok(())
        })
    }

    fn plane(&self, plane: &PlaneRecord) -> Result<Vec<f32>> {
        let common = self.chunk(&plane.common, || "plane header".into())?;
        let decoder = PlaneDecoder::new(&plane.recipe, &common)?;
        let mut out = zeroed(plane.recipe.len() as u64)?;
        decoder.all(&mut out, |i| {
            self.chunk(&plane.tiles[i], || format!("tile {i}"))
        })?;
        Ok(out)
    }

    fn add_layer(&self, layer: &Layer, cols: usize, sum: &mut [f32]) -> Result<()> {
        match layer {
            Layer::Plane(plane) => {
                let values = self.plane(plane)?;
                sum.iter_mut().zip(&values).for_each(|(s, v)| *s += v);
            }
            Layer::Product(left, right) => {
                let (l, r) = (self.plane(left)?, self.plane(right)?);
                // Terms in order: the same sums on every machine.
                add_product(sum, &l, &r, left.recipe.cols, cols);
            }
        }
        Ok(())
    }

    /// Checks every checksum of tensor `number` and that all of it decodes.
    ///
    /// # Errors
    /// When something does not; the error names the tensor.
    pub fn verify(&self, number: usize) -> Result<()> {
        self.decode(number).map(drop)
    }

    /// Where the bytes of tensor `number` go.
    ///
    /// # Errors
    /// As [`HctReader::decode`].
    pub fn sections(&self, number: usize) -> Result<Sections> {
        let record = &self.index.tensors[number];
        accounting::sections(record, |chunk| self.chunk(chunk, || "a tile".into()))
            .map_err(|e| e.in_tensor(&record.name))
    }

    fn chunk(&self, chunk: &Chunk, what: impl FnOnce() -> String) -> Result<Cow<'_, [u8]>> {
        let bytes = read_range(&self.source, chunk.offset, chunk.len)?;
        chunk.check(&bytes, what)?;
        Ok(bytes)
    }
}

/// A run of payload bytes, after checking that the source has them.
fn read_range(source: &impl ReadAt, offset: u64, len: u64) -> Result<Cow<'_, [u8]>> {
    let end = offset.checked_add(len).filter(|&end| end <= source.size());
    let (Some(_), Ok(len)) = (end, usize::try_from(len)) else {
        return Err(Error::Truncated {
            what: "file",
            needed: offset.saturating_add(len),
            available: source.size(),
        });
    };
    source.read_at(offset, len).map_err(|source| Error::Io {
        context: "reading the file",
        source,
    })
}

/// Zeros, or an error instead of an abort when there is no memory for what a file claims.
fn zeroed<T: Clone + Default>(n: u64) -> Result<Vec<T>> {
    let mut out = Vec::new();
    let too_large = || Error::invalid("tensor", format!("{n} elements do not fit in memory"));
    let n = usize::try_from(n).map_err(|_| too_large())?;
    out.try_reserve_exact(n).map_err(|_| too_large())?;
    out.resize(n, T::default());
    Ok(out)
}

/// Cuts `out`, which is to hold bytes `range` of a whole, at multiples of `size`: for each piece
/// the tile's number, where in the tile it begins, and the piece.
fn split(out: &mut [u8], range: Range<u64>, size: u64) -> Vec<(usize, usize, &mut [u8])> {
    let mut pieces = Vec::new();
    let (mut rest, mut at) = (out, range.start);
    while at < range.end {
        let tile = at / size;
        let end = ((tile + 1) * size).min(range.end);
        let (piece, after) = rest.split_at_mut((end - at) as usize);
        pieces.push((tile as usize, (at - tile * size) as usize, piece));
        rest = after;
        at = end;
    }
    pieces
}
