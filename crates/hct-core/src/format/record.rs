//! A tensor's record in the index: its name, type, shape and recipe, with the place and checksum
//! of every piece of its payload.

use std::fmt;
use std::sync::Arc;

use super::base::{BaseTensor, DeltaRecipe};
use super::chunk::{Chunk, read_chunks};
use super::content_hash::ContentHash;
use super::lossless_recipe::{LosslessRecipe, read_tile_bytes};
use super::trailer::HEADER_LEN;
use crate::quant;
use crate::recipe::{MAX_TILE, PlaneRecipe};
use crate::shape::element_count;
use crate::transform::Transform;
use crate::wire::{Reader, put_blob, put_varint};
use crate::{Dtype, Error, Result, delta};

/// Most dimensions of a tensor.
pub(crate) const MAX_DIMS: u64 = 64;
/// Most fragments of a tensor.
pub(crate) const MAX_FRAGMENTS: usize = 64;

const LOSSLESS: u8 = 0;
const FRAGMENTS: u8 = 1;
const UNCHANGED: u8 = 2;
const DELTA: u8 = 3;
const BASE_AND_FRAGMENTS: u8 = 4;
const BLOCKS: u8 = 5;
const PLANE: u8 = 0;
const PRODUCT: u8 = 1;

const WHOLE: u8 = 1;
const MEANS: u8 = 2;
const GAINS: u8 = 4;
const COLUMN_ORDER: u8 = 8;
const COLUMN_GAINS: u8 = 16;
const FINE_GAINS: u8 = 32;

/// A plane and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneRecord {
    pub(crate) recipe: PlaneRecipe,
    pub(crate) common: Chunk,
    pub(crate) tiles: Vec<Chunk>,
}

impl PlaneRecord {
    /// The recipe of the plane.
    pub fn recipe(&self) -> &PlaneRecipe {
        &self.recipe
    }

    fn payload_bytes(&self) -> u64 {
        self.common.len + self.tiles.iter().map(|t| t.len).sum::<u64>()
    }
}

/// A term of a tensor's sum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fragment {
    /// A matrix of the tensor's folded shape.
    Plane(PlaneRecord),
    /// The product of a rows × rank and a rank × cols matrix.
    Product(PlaneRecord, PlaneRecord),
}

impl Fragment {
    pub(crate) fn planes(&self) -> impl Iterator<Item = &PlaneRecord> {
        let (a, b) = match self {
            Fragment::Plane(p) => (p, None),
            Fragment::Product(l, r) => (l, Some(r)),
        };
        std::iter::once(a).chain(b)
    }
}

/// How a tensor is rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipe {
    /// Bit for bit.
    Lossless(LosslessRecipe),
    /// As the sum of fragments over the tensor folded to `rows` × `cols`, rounded to its dtype. Any
    /// prefix of the fragments is an approximation.
    Fragments {
        /// Rows of the folded tensor.
        rows: usize,
        /// Columns of the folded tensor.
        cols: usize,
        /// What the sum begins with, if not with zeros.
        base: Option<BaseTensor>,
        /// The terms, most important first.
        fragments: Vec<Fragment>,
    },
    /// The base's tensor as it is.
    Unchanged(BaseTensor),
    /// Bit for bit, as the difference from the base's tensor.
    Delta(BaseTensor, DeltaRecipe),
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipe::Lossless(recipe) => match recipe.blocks {
                Some(kind) => write!(f, "{kind} blocks, lossless"),
                None => f.write_str("lossless"),
            },
            Recipe::Unchanged(_) => f.write_str("base"),
            Recipe::Delta(..) => f.write_str("base + lossless"),
            Recipe::Fragments {
                base, fragments, ..
            } => {
                if base.is_some() {
                    f.write_str("base + ")?;
                }
                for (i, fragment) in fragments.iter().enumerate() {
                    if i > 0 {
                        f.write_str("; ")?;
                    }
                    match fragment {
                        Fragment::Plane(p) => write!(f, "{}", p.recipe)?,
                        Fragment::Product(l, r) => {
                            write!(f, "rank {} ({} × {})", l.recipe.cols, l.recipe, r.recipe)?;
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorRecord {
    /// Name in the checkpoint.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions, outermost first.
    pub shape: Vec<u64>,
    /// The shard it belongs to, as an index into [`super::Index::files`].
    pub file: Option<usize>,
    /// What the encoder says of its choice: the strategy, and why it fell back if it did. The
    /// decoder ignores it. Tensors share it, so that a long one cannot multiply in memory.
    pub label: Arc<str>,
    /// How to rebuild it.
    pub recipe: Recipe,
    /// The hash of its bytes as they were, where the file has hashes.
    pub hash: Option<ContentHash>,
}

impl TensorRecord {
    /// The tensor of another checkpoint that this one needs, if it needs one.
    pub fn base(&self) -> Option<&BaseTensor> {
        match &self.recipe {
            Recipe::Unchanged(base) | Recipe::Delta(base, _) => Some(base),
            Recipe::Fragments { base, .. } => base.as_ref(),
            Recipe::Lossless(_) => None,
        }
    }

    /// Number of elements. Checked when the record was read.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Number of weights: elements of a float type, or what block-quantized bytes stand for. 0 for
    /// other integers.
    pub fn weights(&self) -> u64 {
        match &self.recipe {
            Recipe::Lossless(LosslessRecipe {
                blocks: Some(kind), ..
            }) => self.elements() / kind.bytes() as u64 * kind.weights() as u64,
            _ if self.dtype.is_float() => self.elements(),
            _ => 0,
        }
    }

    /// Bytes of the decoded tensor.
    pub fn decoded_bytes(&self) -> u64 {
        self.dtype.byte_len(self.elements()).unwrap_or(0)
    }

    /// Bytes of payload that the tensor takes in the file.
    pub fn payload_bytes(&self) -> u64 {
        self.chunks().map(|c| c.len).sum()
    }

    /// Where the bytes of each fragment end in the file; decoding the first k of them reads nothing
    /// from the k-th end on. Empty for a lossless tensor.
    pub fn fragment_ends(&self) -> impl Iterator<Item = u64> {
        let fragments = match &self.recipe {
            Recipe::Fragments { fragments, .. } => fragments,
            Recipe::Lossless(_) | Recipe::Unchanged(_) | Recipe::Delta(..) => &[][..],
        };
        fragments.iter().map(|fragment| {
            let chunks = fragment
                .planes()
                .flat_map(|p| p.tiles.iter().chain([&p.common]));
            chunks.map(|c| c.offset + c.len).max().unwrap_or(0)
        })
    }

    /// Bytes that the tensor takes in the file: payload and its record in the index.
    pub fn stored_bytes(&self) -> u64 {
        let mut record = Vec::new();
        self.write(&mut record, 0);
        let hash = self.hash.map_or(0, |_| ContentHash::STORED);
        self.payload_bytes() + record.len() as u64 + hash
    }

    /// Bytes that an approximation from the first `fragments` fragments (at least one) reads: their
    /// payload and the record in the index.
    pub fn prefix_bytes(&self, fragments: usize) -> u64 {
        let unread: u64 = match &self.recipe {
            Recipe::Lossless(_) | Recipe::Unchanged(_) | Recipe::Delta(..) => 0,
            Recipe::Fragments { fragments: all, .. } => all
                .iter()
                .skip(fragments.max(1))
                .flat_map(Fragment::planes)
                .map(PlaneRecord::payload_bytes)
                .sum(),
        };
        self.stored_bytes() - unread
    }

    pub(crate) fn chunks(&self) -> Box<dyn Iterator<Item = &Chunk> + '_> {
        match &self.recipe {
            Recipe::Lossless(l) => Box::new(l.tiles.iter()),
            Recipe::Unchanged(_) => Box::new(std::iter::empty()),
            Recipe::Delta(_, delta) => Box::new(std::iter::once(&delta.common).chain(&delta.tiles)),
            Recipe::Fragments { fragments, .. } => Box::new(
                fragments
                    .iter()
                    .flat_map(Fragment::planes)
                    .flat_map(|p| std::iter::once(&p.common).chain(&p.tiles)),
            ),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, label: usize) {
        put_blob(out, self.name.as_bytes());
        out.push(self.dtype.code());
        put_varint(out, self.shape.len() as u64);
        self.shape.iter().for_each(|&d| put_varint(out, d));
        put_varint(out, self.file.map_or(0, |f| f as u64 + 1));
        put_varint(out, label as u64);
        put_varint(out, self.chunks().next().map_or(0, |c| c.offset));
        match &self.recipe {
            Recipe::Lossless(lossless) => {
                match lossless.blocks {
                    Some(kind) => out.extend([BLOCKS, kind.code()]),
                    None => out.push(LOSSLESS),
                }
                put_varint(out, lossless.tile_bytes);
                lossless.tiles.iter().for_each(|t| t.write(out));
            }
            Recipe::Unchanged(base) => {
                out.push(UNCHANGED);
                base.write(out, &self.name);
            }
            Recipe::Delta(base, delta) => {
                out.push(DELTA);
                base.write(out, &self.name);
                put_varint(out, delta.tile_bytes);
                delta.common.write(out);
                delta.tiles.iter().for_each(|t| t.write(out));
            }
            Recipe::Fragments {
                rows,
                cols,
                base,
                fragments,
            } => {
                match base {
                    None => out.push(FRAGMENTS),
                    Some(base) => {
                        out.push(BASE_AND_FRAGMENTS);
                        base.write(out, &self.name);
                    }
                }
                put_varint(out, *rows as u64);
                put_varint(out, *cols as u64);
                put_varint(out, fragments.len() as u64);
                for fragment in fragments {
                    match fragment {
                        Fragment::Plane(p) => {
                            out.push(PLANE);
                            write_plane(out, p);
                        }
                        Fragment::Product(l, r) => {
                            out.push(PRODUCT);
                            put_varint(out, l.recipe.cols as u64);
                            write_plane(out, l);
                            write_plane(out, r);
                        }
                    }
                }
            }
        }
    }

    /// Inverse of [`TensorRecord::write`]; chunks must lie below `payload_end`.
    pub(crate) fn read(
        r: &mut Reader<'_>,
        labels: &[Arc<str>],
        files: usize,
        payload_end: u64,
    ) -> Result<Self> {
        let name = r.string("tensor name")?;
        Self::read_named(r, name.clone(), labels, files, payload_end)
            .map_err(|e| e.in_tensor(&name))
    }

    fn read_named(
        r: &mut Reader<'_>,
        name: String,
        labels: &[Arc<str>],
        files: usize,
        payload_end: u64,
    ) -> Result<Self> {
        let code = r.u8()?;
        let dtype = Dtype::from_code(code).ok_or(Error::Reserved {
            field: "dtype",
            value: code.into(),
        })?;
        let dims = r.varint_below(MAX_DIMS + 1, "number of dimensions")?;
        let shape = (0..dims)
            .map(|_| r.varint())
            .collect::<Result<Vec<u64>>>()?;
        let elements = element_count(&shape);
        let bytes = elements
            .and_then(|n| dtype.byte_len(n))
            .filter(|&b| b <= i64::MAX as u64);
        let (Some(elements), Some(bytes)) = (elements, bytes) else {
            return Err(Error::invalid(
                "shape",
                "its size overflows or is not whole bytes",
            ));
        };
        let file = r.varint_below(files as u64 + 1, "shard number")?;
        let label = r.varint_below(labels.len() as u64, "label number")?;
        let mut offset = r.varint()?;
        let first = offset;
        let recipe = match r.u8()? {
            LOSSLESS => Recipe::Lossless(LosslessRecipe::read(r, dtype, bytes, &mut offset)?),
            BLOCKS => Recipe::Lossless(LosslessRecipe::read_blocks(r, dtype, bytes, &mut offset)?),
            FRAGMENTS => read_fragments(r, dtype, elements, None, &mut offset)?,
            UNCHANGED => Recipe::Unchanged(BaseTensor::read(r, &name)?),
            DELTA => {
                let base = BaseTensor::read(r, &name)?;
                Recipe::Delta(base, read_delta(r, dtype, bytes, &mut offset)?)
            }
            BASE_AND_FRAGMENTS => {
                let base = BaseTensor::read(r, &name)?;
                read_fragments(r, dtype, elements, Some(base), &mut offset)?
            }
            value => {
                return Err(Error::Reserved {
                    field: "recipe",
                    value: value.into(),
                });
            }
        };
        if first < HEADER_LEN as u64 && offset > first {
            return Err(Error::invalid("payload", "overlaps the file header"));
        }
        let chunkless = match &recipe {
            Recipe::Unchanged(_) => true,
            Recipe::Lossless(lossless) => lossless.tiles.is_empty(),
            Recipe::Delta(..) | Recipe::Fragments { .. } => false,
        };
        if chunkless && first != 0 {
            return Err(Error::invalid(
                "offset",
                "is that of chunks that are not there",
            ));
        }
        if offset > payload_end {
            return Err(Error::Truncated {
                what: "payload",
                needed: offset,
                available: payload_end,
            });
        }
        let file = file.checked_sub(1).map(|f| f as usize);
        let label = labels[label as usize].clone();
        Ok(TensorRecord {
            name,
            dtype,
            shape,
            file,
            label,
            recipe,
            hash: None,
        })
    }
}

fn read_delta(
    r: &mut Reader<'_>,
    dtype: Dtype,
    bytes: u64,
    offset: &mut u64,
) -> Result<DeltaRecipe> {
    if delta::Layout::of(dtype).is_none() {
        return Err(Error::invalid(
            "recipe",
            format!("{dtype} tensors have no difference"),
        ));
    }
    let tile_bytes = read_tile_bytes(r, dtype)?;
    let common = Chunk::read(r, offset)?;
    let tiles = read_chunks(r, bytes.div_ceil(tile_bytes), offset)?;
    Ok(DeltaRecipe {
        tile_bytes,
        common,
        tiles,
    })
}

fn read_fragments(
    r: &mut Reader<'_>,
    dtype: Dtype,
    elements: u64,
    base: Option<BaseTensor>,
    offset: &mut u64,
) -> Result<Recipe> {
    if !dtype.is_codable() {
        return Err(Error::invalid(
            "recipe",
            format!("{dtype} tensors are stored losslessly"),
        ));
    }
    let (rows, cols) = (r.varint()?, r.varint()?);
    if rows == 0 || rows.checked_mul(cols) != Some(elements) {
        return Err(Error::invalid(
            "folded shape",
            "does not hold the tensor's elements",
        ));
    }
    let (Ok(rows), Ok(cols)) = (usize::try_from(rows), usize::try_from(cols)) else {
        return Err(Error::invalid(
            "folded shape",
            "is too large for this machine",
        ));
    };
    if cols == 0 {
        return Err(Error::invalid("folded shape", "is empty"));
    }
    let n = r.varint_below(MAX_FRAGMENTS as u64 + 1, "number of fragments")?;
    if n == 0 {
        return Err(Error::invalid("number of fragments", "is zero"));
    }
    let mut fragments = Vec::with_capacity(n as usize);
    for _ in 0..n {
        fragments.push(match r.u8()? {
            PLANE => Fragment::Plane(read_plane(r, rows, cols, offset)?),
            PRODUCT => {
                let rank = r.varint_below(rows.min(cols) as u64 + 1, "rank")? as usize;
                if rank == 0 {
                    return Err(Error::invalid("rank", "is zero"));
                }
                let left = read_plane(r, rows, rank, offset)?;
                Fragment::Product(left, read_plane(r, rank, cols, offset)?)
            }
            value => {
                return Err(Error::Reserved {
                    field: "fragment",
                    value: value.into(),
                });
            }
        });
    }
    Ok(Recipe::Fragments {
        rows,
        cols,
        base,
        fragments,
    })
}

fn write_plane(out: &mut Vec<u8>, plane: &PlaneRecord) {
    let recipe = &plane.recipe;
    put_varint(out, recipe.tile_rows as u64);
    put_varint(out, recipe.tile_cols as u64);
    out.push(recipe.transform as u8);
    let flags = [
        (recipe.whole, WHOLE),
        (recipe.means, MEANS),
        (recipe.gains, GAINS),
        (recipe.column_order, COLUMN_ORDER),
        (recipe.column_gains, COLUMN_GAINS),
        (recipe.fine_gains, FINE_GAINS),
    ];
    let set = flags.iter().filter(|(set, _)| *set);
    out.push(set.fold(0, |all, (_, flag)| all | flag));
    quant::write(recipe.quantizer, out);
    plane.common.write(out);
    plane.tiles.iter().for_each(|t| t.write(out));
}

fn read_plane(
    r: &mut Reader<'_>,
    rows: usize,
    cols: usize,
    offset: &mut u64,
) -> Result<PlaneRecord> {
    let (tile_rows, tile_cols) = read_tiling(r, rows, cols)?;
    let code = r.u8()?;
    let transform = Transform::from_code(code).ok_or(Error::Reserved {
        field: "transform",
        value: code.into(),
    })?;
    let flags = r.u8()?;
    let reserved = || Error::Reserved {
        field: "plane flags",
        value: flags.into(),
    };
    if flags & !(WHOLE | MEANS | GAINS | COLUMN_ORDER | COLUMN_GAINS | FINE_GAINS) != 0 {
        return Err(reserved());
    }
    let quantizer = quant::read(r)?;
    let has = |flag| flags & flag != 0;
    let trellis_only = has(GAINS | COLUMN_ORDER | COLUMN_GAINS | FINE_GAINS);
    if trellis_only && !quant::takes_gains_and_order(quantizer) {
        return Err(Error::invalid(
            "plane flags",
            "gains and column order go with the trellis quantizer only",
        ));
    }
    if has(FINE_GAINS) && !has(GAINS | COLUMN_GAINS) {
        return Err(reserved());
    }
    let plain = transform == Transform::None && !has(WHOLE) && tile_cols == cols;
    if has(COLUMN_ORDER) && !plain {
        return Err(Error::invalid(
            "plane flags",
            "column order goes with tiles of whole rows and without a transform only",
        ));
    }
    let recipe = PlaneRecipe {
        rows,
        cols,
        tile_rows,
        tile_cols,
        transform,
        whole: has(WHOLE),
        means: has(MEANS),
        gains: has(GAINS),
        column_gains: has(COLUMN_GAINS),
        fine_gains: has(FINE_GAINS),
        column_order: has(COLUMN_ORDER),
        quantizer,
    };
    let common = Chunk::read(r, offset)?;
    let tiles = read_chunks(r, recipe.tiles() as u64, offset)?;
    Ok(PlaneRecord {
        recipe,
        common,
        tiles,
    })
}

/// Rows and columns of the tiles of a plane of `rows` × `cols`.
fn read_tiling(r: &mut Reader<'_>, rows: usize, cols: usize) -> Result<(usize, usize)> {
    let tile_rows = r.varint_below(rows as u64 + 1, "tile rows")? as usize;
    let tile_cols = r.varint_below(cols as u64 + 1, "tile columns")? as usize;
    let contiguous = tile_cols == cols || tile_rows == 1;
    let size = tile_rows.saturating_mul(tile_cols);
    if size == 0 || size > MAX_TILE || !contiguous {
        return Err(Error::invalid(
            "tile",
            format!("{tile_rows} × {tile_cols} of {rows} × {cols} is not a tiling of HCT V3"),
        ));
    }
    Ok((tile_rows, tile_cols))
}
