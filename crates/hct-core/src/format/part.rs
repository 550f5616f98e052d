//! A part of a tensor: which rows, from how many fragments, decoded to what.

use std::ops::Range;

use super::base::{BaseSource, BaseTensor, DeltaRecipe};
use super::chunk::{Chunk, expect};
use super::cost::scratch;
use super::limits::{LimitExceeded, Limited};
use super::lossless_recipe::LosslessRecipe;
use super::output::{Out, filled, zeroed};
use super::record::{Fragment, PlaneRecord, Recipe, TensorRecord};
use super::source::ReadAt;
use crate::delta::DeltaDecoder;
use crate::kernels::fresh::Room;
use crate::matmul::add_product;
use crate::plane_decoder::PlaneDecoder;
use crate::scratch::with_values;
use crate::{Dtype, Error, Result, floats, parallel};

/// What to decode of a tensor, made by [`crate::HctReader::tensor`]: all of it at first. Only the
/// tiles that hold it are read: of every fragment those of its rows; but all of a plane whose
/// transform spans it, and all of the right factor of a product.
///
/// Errors name the tensor.
pub struct TensorPart<'r, S> {
    pub(super) source: &'r S,
    base: Option<&'r dyn BaseSource>,
    pub(super) record: &'r TensorRecord,
    /// Of the decoded tensor.
    pub(super) bytes: Range<u64>,
    pub(super) fragments: usize,
    /// Most bytes of memory that decoding may take.
    memory: Option<u64>,
}

impl<'r, S: ReadAt> TensorPart<'r, S> {
    pub(super) fn whole(
        source: &'r S,
        base: Option<&'r dyn BaseSource>,
        record: &'r TensorRecord,
        memory: Option<u64>,
    ) -> Self {
        TensorPart {
            source,
            base,
            record,
            bytes: 0..record.decoded_bytes(),
            fragments: usize::MAX,
            memory,
        }
    }

    /// Only these rows, a row being one index of the tensor's outermost dimension; a scalar has
    /// one.
    ///
    /// # Errors
    /// When `rows` do not lie within the tensor, or are not whole bytes in a packed dtype.
    pub fn rows(mut self, rows: Range<u64>) -> Result<Self> {
        let outer = self.record.shape.first().copied().unwrap_or(1);
        let refuse = |why| Err(Error::request("rows", why).in_tensor(&self.record.name));
        if rows.start > rows.end || rows.end > outer {
            return refuse(format!("{rows:?} are not within the {outer} there are"));
        }
        let row = self.record.decoded_bytes() / outer.max(1);
        if row * outer != self.record.decoded_bytes() {
            return refuse("are not whole bytes in this dtype".into());
        }
        self.bytes = rows.start * row..rows.end * row;
        Ok(self)
    }

    /// The same of other bytes of the tensor, which lie within it.
    pub(super) fn of_bytes(&self, bytes: Range<u64>) -> Self {
        TensorPart { bytes, ..*self }
    }

    /// From the first `fragments` fragments only (at least one): an approximation from fewer bytes.
    pub fn fragments(mut self, fragments: usize) -> Self {
        self.fragments = fragments.max(1);
        self
    }

    /// Which bytes of the decoded tensor the part is.
    pub fn byte_range(&self) -> Range<u64> {
        self.bytes.clone()
    }

    /// Bytes of the part in the tensor's dtype: the length that [`TensorPart::decode_into`] fills.
    pub fn byte_len(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// Elements of the part: the length that [`TensorPart::decode_f32`] fills.
    pub fn elements(&self) -> u64 {
        let bits = self.record.dtype.bits() as u64;
        (u128::from(self.byte_len()) * 8 / u128::from(bits)) as u64
    }

    /// Decodes to little-endian bytes of the tensor's dtype.
    ///
    /// # Errors
    /// When anything in it is damaged, or does not fit in memory or its limit.
    pub fn decode(&self) -> Result<Vec<u8>> {
        let decode = || {
            self.check_memory(self.byte_len())?;
            // Before there is room for what only a base can vouch for.
            if let (Some(base), None) = (self.record.base(), self.base) {
                let name = base.name.clone();
                return Err(Error::NeedsBase { name });
            }
            filled(self.byte_len(), |out| self.fill(Out::Bytes(out)))
        };
        decode().map_err(|e: Error| e.in_tensor(&self.record.name))
    }

    /// Decodes to little-endian bytes of the tensor's dtype in `out`, whose contents are undefined
    /// after an error.
    ///
    /// # Errors
    /// When `out` is not [`TensorPart::byte_len`] long, or anything in the part is damaged.
    pub fn decode_into(&self, out: &mut [u8]) -> Result<()> {
        self.check_len(out.len(), self.byte_len(), "bytes")
            .and_then(|()| self.check_memory(self.byte_len()))
            .and_then(|()| self.fill(Out::Bytes(Room::Ready(out))))
            .map_err(|e| e.in_tensor(&self.record.name))
    }

    /// Decodes an F16, BF16 or F32 tensor to f32 in `out`: exactly the values whose bytes
    /// [`TensorPart::decode`] gives, so rounded to the tensor's dtype. The contents of `out` are
    /// undefined after an error.
    ///
    /// # Errors
    /// When the dtype is another, `out` is not [`TensorPart::elements`] long, or anything in the
    /// part is damaged.
    pub fn decode_f32(&self, out: &mut [f32]) -> Result<()> {
        let dtype = self.record.dtype;
        let mut fill = || {
            if !dtype.is_codable() {
                let why = format!("{dtype} elements are not F16, BF16 or F32; decode the bytes");
                return Err(Error::request("f32 values", why));
            }
            self.check_len(out.len(), self.elements(), "values")?;
            self.check_memory(self.elements().saturating_mul(4))?;
            self.fill(Out::F32(out))
        };
        fill().map_err(|e| e.in_tensor(&self.record.name))
    }

    /// Whether decoding to an output of so many bytes stays within the limit.
    fn check_memory(&self, output: u64) -> Result<()> {
        let Some(limit) = self.memory else {
            // The file as a whole was checked.
            return Ok(());
        };
        let scratch = scratch(self.record, self.elements(), self.fragments);
        let asked = output.saturating_add(scratch);
        match asked > limit {
            false => Ok(()),
            true => Err(Error::Limit(LimitExceeded {
                what: Limited::Memory,
                asked,
                limit,
                file_bytes: self.source.size(),
                name: Some(self.record.name.clone()),
            })),
        }
    }

    fn check_len(&self, len: usize, needed: u64, unit: &str) -> Result<()> {
        if len as u64 == needed {
            return Ok(());
        }
        let why = format!("it is for {len} {unit}, the part has {needed}");
        Err(Error::request("buffer", why))
    }

    /// Decodes the part into an output of its length.
    fn fill(&self, out: Out<'_>) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        if self.source.is_remote() {
            expect(self.source, self.chunks().into_iter())?;
        }
        match &self.record.recipe {
            Recipe::Lossless(recipe) => self.fill_lossless(recipe, out),
            Recipe::Unchanged(base) => self.fill_from_base(base, out),
            Recipe::Delta(base, recipe) => self.fill_from_delta(base, recipe, out),
            Recipe::Fragments {
                cols,
                base,
                fragments,
                ..
            } => {
                let used = &fragments[..self.fragments.min(fragments.len())];
                let width = (self.record.dtype.bits() / 8) as u64;
                let elements = self.bytes.start / width..self.bytes.end / width;
                if let [Fragment::Plane(plane)] = used
                    && !plane.recipe.whole
                {
                    let dtype = self.record.dtype;
                    return self.fill_from_tiles(plane, base.as_ref(), elements, out, dtype);
                }
                let (first, end) = (elements.start as usize, elements.end as usize);
                let rows = first / cols..end.div_ceil(*cols);
                let sum = self.sum(base.as_ref(), used, &rows, *cols)?;
                let skipped = rows.start * cols;
                out.put(&sum[first - skipped..end - skipped], self.record.dtype);
                Ok(())
            }
        }
    }

    /// The chunks that [`TensorPart::fill`] reads.
    fn chunks(&self) -> Vec<&'r Chunk> {
        let record: &'r TensorRecord = self.record;
        let tiles = |tiles: &'r [Chunk], size: u64| {
            let (first, end) = (self.bytes.start / size, self.bytes.end.div_ceil(size));
            tiles
                .iter()
                .skip(first as usize)
                .take((end - first) as usize)
        };
        match &record.recipe {
            Recipe::Unchanged(_) => Vec::new(),
            Recipe::Lossless(recipe) => tiles(&recipe.tiles, recipe.tile_bytes).collect(),
            Recipe::Delta(_, recipe) => std::iter::once(&recipe.common)
                .chain(tiles(&recipe.tiles, recipe.tile_bytes))
                .collect(),
            Recipe::Fragments {
                cols, fragments, ..
            } => {
                let used = &fragments[..self.fragments.min(fragments.len())];
                let width = (record.dtype.bits() / 8) as u64;
                let (first, end) = (self.bytes.start / width, self.bytes.end / width);
                // A single plane is decoded by elements, a sum by rows.
                let rows = first as usize / cols..(end as usize).div_ceil(*cols);
                let elements = match used {
                    [Fragment::Plane(_)] => first as usize..end as usize,
                    _ => rows.start * cols..rows.end * cols,
                };
                let mut chunks = Vec::new();
                for fragment in used {
                    match fragment {
                        Fragment::Plane(plane) => plane_chunks(plane, &elements, &mut chunks),
                        Fragment::Product(left, right) => {
                            let rank = left.recipe.cols;
                            let of_rows = rows.start * rank..rows.end * rank;
                            plane_chunks(left, &of_rows, &mut chunks);
                            plane_chunks(right, &(0..right.recipe.len()), &mut chunks);
                        }
                    }
                }
                chunks
            }
        }
    }

    /// The sum of `base` and `fragments` in some rows of the matrix that the tensor is folded to.
    fn sum(
        &self,
        base: Option<&BaseTensor>,
        fragments: &[Fragment],
        rows: &Range<usize>,
        cols: usize,
    ) -> Result<Vec<f32>> {
        let zeros = || zeroed::<f32>((rows.len() * cols) as u64);
        let (mut sum, rest) = match (base, fragments) {
            (Some(base), _) => {
                let mut sum = zeros()?;
                self.base_values(base, (rows.start * cols) as u64, &mut sum)?;
                (sum, fragments)
            }
            // Not added to zeros, which would lose the sign of its own.
            (None, [Fragment::Plane(plane), rest @ ..]) => (self.plane_rows(plane, rows)?, rest),
            (None, _) => (zeros()?, fragments),
        };
        for fragment in rest {
            match fragment {
                Fragment::Plane(plane) => {
                    let values = self.plane_rows(plane, rows)?;
                    sum.iter_mut().zip(&values).for_each(|(s, v)| *s += v);
                }
                Fragment::Product(left, right) => {
                    let l = self.plane_rows(left, rows)?;
                    let r = self.plane_rows(right, &(0..right.recipe.rows))?;
                    // Terms in order: the same sums on every machine and for any rows.
                    add_product(&mut sum, &l, &r, left.recipe.cols, cols);
                }
            }
        }
        Ok(sum)
    }

    /// Some rows of a plane, not rounded.
    fn plane_rows(&self, plane: &PlaneRecord, rows: &Range<usize>) -> Result<Vec<f32>> {
        let recipe = &plane.recipe;
        let range = rows.start * recipe.cols..rows.end * recipe.cols;
        if !recipe.whole {
            let mut out = zeroed(range.len() as u64)?;
            let elements = range.start as u64..range.end as u64;
            self.fill_from_tiles(plane, None, elements, Out::F32(&mut out), Dtype::F32)?;
            return Ok(out);
        }
        let common = plane.common.fetch(self.source, || "plane header".into())?;
        let decoder = PlaneDecoder::new(recipe, &common)?;
        let mut all = zeroed(recipe.len() as u64)?;
        decoder.all(&mut all, |i| {
            plane.tiles[i].fetch(self.source, || format!("tile {i}"))
        })?;
        all.truncate(range.end);
        all.drain(..range.start);
        Ok(all)
    }

    fn fill_lossless(&self, recipe: &LosslessRecipe, out: Out<'_>) -> Result<()> {
        let (dtype, total, size) = (
            self.record.dtype,
            self.record.decoded_bytes(),
            recipe.tile_bytes,
        );
        // Tiles are of whole elements.
        let pieces = out.split(self.bytes.clone(), size, dtype);
        parallel::for_each(pieces, |(i, within, piece)| {
            let payload = recipe.tiles[i].fetch(self.source, || format!("tile {i}"))?;
            let tile_len = size.min(total - i as u64 * size);
            match piece {
                Out::Bytes(piece) if piece.len() as u64 == tile_len => {
                    recipe.decode_tile(&payload, dtype, piece)
                }
                piece => {
                    let mut tile = vec![0; tile_len as usize];
                    recipe.decode_tile(&payload, dtype, Room::Ready(&mut tile))?;
                    piece.copy(&tile[within..], dtype);
                    Ok(())
                }
            }
        })
    }

    /// Some elements of a plane of independent tiles, each tile rounded to `dtype` as it decodes.
    fn fill_from_tiles(
        &self,
        plane: &PlaneRecord,
        base: Option<&BaseTensor>,
        elements: Range<u64>,
        out: Out<'_>,
        dtype: Dtype,
    ) -> Result<()> {
        let recipe = &plane.recipe;
        let common = plane.common.fetch(self.source, || "plane header".into())?;
        let decoder = PlaneDecoder::new(recipe, &common)?;
        let mut pieces = Vec::new();
        let mut rest = out;
        for i in 0..recipe.tiles() {
            let tile = recipe.tile(i);
            let (first, end) = (tile.first as u64, (tile.first + tile.len()) as u64);
            let (from, to) = (first.max(elements.start), end.min(elements.end));
            if from < to {
                let (piece, after) = rest.split_at((to - from) as usize, dtype);
                pieces.push((i, (from - first) as usize, (to - from) as usize, piece));
                rest = after;
            }
        }
        parallel::for_each(pieces, |(i, within, len, piece)| {
            let payload = plane.tiles[i].fetch(self.source, || format!("tile {i}"))?;
            let add_base = |values: &mut [f32]| match base {
                Some(base) => {
                    let first = (recipe.tile(i).first + within) as u64;
                    self.add_base(base, first, values)
                }
                None => Ok(()),
            };
            match piece {
                Out::F32(values) if len == recipe.tile(i).len() => {
                    decoder.tile(i, &payload, values)?;
                    add_base(values)?;
                    floats::round_to(values, dtype);
                }
                piece => with_values(recipe.tile(i).len(), |values| {
                    decoder.tile(i, &payload, values)?;
                    let values = &mut values[within..within + len];
                    add_base(values)?;
                    piece.put(values, dtype);
                    Ok(())
                })?,
            }
            Ok(())
        })
    }

    /// Bytes of the base from `offset` on.
    fn base_bytes(&self, base: &BaseTensor, offset: u64, out: &mut [u8]) -> Result<()> {
        let source = self.base.ok_or_else(|| Error::NeedsBase {
            name: base.name.clone(),
        })?;
        let (dtype, shape) = (self.record.dtype, &self.record.shape);
        source
            .read(base, dtype, shape, offset, out)
            .map_err(|source| Error::Io {
                context: "reading the base",
                source,
            })
    }

    /// Values of the base from element `first` on.
    fn base_values(&self, base: &BaseTensor, first: u64, out: &mut [f32]) -> Result<()> {
        let width = self.record.dtype.bits() as u64 / 8;
        let mut bytes = zeroed(out.len() as u64 * width)?;
        self.base_bytes(base, first * width, &mut bytes)?;
        floats::to_f32(&bytes, self.record.dtype, out);
        Ok(())
    }

    /// Adds `values` to those of the base from element `first` on.
    fn add_base(&self, base: &BaseTensor, first: u64, values: &mut [f32]) -> Result<()> {
        let mut of_base = vec![0.0; values.len()];
        self.base_values(base, first, &mut of_base)?;
        values.iter_mut().zip(&of_base).for_each(|(v, b)| *v += b);
        Ok(())
    }

    fn fill_from_base(&self, base: &BaseTensor, out: Out<'_>) -> Result<()> {
        match out {
            Out::Bytes(mut out) => self.base_bytes(base, self.bytes.start, out.all()),
            Out::F32(out) => {
                let width = self.record.dtype.bits() as u64 / 8;
                self.base_values(base, self.bytes.start / width, out)
            }
        }
    }

    fn fill_from_delta(&self, base: &BaseTensor, recipe: &DeltaRecipe, out: Out<'_>) -> Result<()> {
        let (dtype, total, size) = (
            self.record.dtype,
            self.record.decoded_bytes(),
            recipe.tile_bytes,
        );
        let common = recipe
            .common
            .fetch(self.source, || "header of the difference".into())?;
        let decoder = DeltaDecoder::new(&common, dtype)?;
        let pieces = out.split(self.bytes.clone(), size, dtype);
        parallel::for_each(pieces, |(i, within, piece)| {
            let payload = recipe.tiles[i].fetch(self.source, || format!("tile {i}"))?;
            let first = i as u64 * size;
            let mut of_base = zeroed(size.min(total - first))?;
            self.base_bytes(base, first, &mut of_base)?;
            match piece {
                Out::Bytes(mut piece) if piece.len() == of_base.len() => {
                    decoder.tile(&payload, &of_base, piece.all())
                }
                piece => {
                    let mut tile = vec![0; of_base.len()];
                    decoder.tile(&payload, &of_base, &mut tile)?;
                    piece.copy(&tile[within..], dtype);
                    Ok(())
                }
            }
        })
    }
}

/// The chunks of a plane that hold these elements.
fn plane_chunks<'r>(plane: &'r PlaneRecord, elements: &Range<usize>, out: &mut Vec<&'r Chunk>) {
    let recipe = &plane.recipe;
    out.push(&plane.common);
    let tiles = plane.tiles.iter().enumerate();
    out.extend(tiles.filter_map(|(i, chunk)| {
        let tile = recipe.tile(i);
        let within = tile.first < elements.end && elements.start < tile.first + tile.len();
        (recipe.whole || within).then_some(chunk)
    }));
}
