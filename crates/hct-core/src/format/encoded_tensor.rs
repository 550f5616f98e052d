//! Coded tensors, ready to be written.

use super::base::BaseTensor;
use super::record::MAX_FRAGMENTS;
use crate::delta::EncodedDelta;
use crate::matrix::{MatrixView, fold};
use crate::plane::{EncodedPlane, Preparation};
use crate::quant::sparse::{SparseFormat, encode_sparse};
use crate::shape::element_count;
use crate::transform::Transform;
use crate::{BlockType, Dtype, Error, Result, blocks, delta, lossless, parallel};

/// Bytes of a lossless tile: as long in time to decode as a lossy one, about.
const LOSSLESS_TILE: usize = 1 << 21;

/// Bytes of a tile of blocks, at most: some two million weights.
const BLOCKS_TILE: usize = 1 << 20;

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
        element_count(&self.shape)
    }

    /// Bytes of the elements, if a file may hold so many.
    pub(super) fn decoded_bytes(&self) -> Option<u64> {
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

pub(super) enum Coding {
    Lossless {
        blocks: Option<BlockType>,
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
    Unchanged {
        dtype: Dtype,
        bytes: u64,
    },
    Delta {
        dtype: Dtype,
        bytes: u64,
        delta: EncodedDelta,
    },
}

/// A coded tensor, ready to be written.
pub struct EncodedTensor {
    pub(super) coding: Coding,
    /// What it is coded against.
    pub(super) base: Option<BaseTensor>,
}

impl EncodedTensor {
    /// Codes the tensor's bytes losslessly. Integers, floats of any kind, NaN payloads: every bit
    /// comes back.
    ///
    /// # Errors
    /// When `bytes` are not the elements of `meta`.
    pub fn lossless(meta: &TensorMeta, bytes: &[u8]) -> Result<Self> {
        check_len(meta, bytes)?;
        let tiles: Vec<&[u8]> = bytes.chunks(LOSSLESS_TILE).collect();
        let tiles =
            parallel::payloads(tiles.len(), |i| lossless::encode_tile(tiles[i], meta.dtype));
        Ok(EncodedTensor {
            coding: Coding::Lossless {
                blocks: None,
                dtype: meta.dtype,
                bytes: bytes.len() as u64,
                tile_bytes: LOSSLESS_TILE as u64,
                tiles,
            },
            base: None,
        })
    }

    /// Codes the bytes of block-quantized weights losslessly: a U8 tensor of whole blocks, whose
    /// scales and quants are coded apart.
    ///
    /// # Errors
    /// When `bytes` are not the elements of `meta`, or no whole blocks of U8.
    pub fn blocks(meta: &TensorMeta, bytes: &[u8], kind: BlockType) -> Result<Self> {
        check_len(meta, bytes)?;
        if meta.dtype != Dtype::U8 || !bytes.len().is_multiple_of(kind.bytes()) {
            return Err(Error::argument(
                "blocks",
                format!(
                    "{} bytes of {} are not {kind} blocks in U8",
                    bytes.len(),
                    meta.dtype
                ),
            ));
        }
        let tile_bytes = BLOCKS_TILE / kind.bytes() * kind.bytes();
        let tiles: Vec<&[u8]> = bytes.chunks(tile_bytes).collect();
        let tiles = parallel::payloads(tiles.len(), |i| blocks::encode_tile(tiles[i], kind));
        Ok(EncodedTensor {
            coding: Coding::Lossless {
                blocks: Some(kind),
                dtype: meta.dtype,
                bytes: bytes.len() as u64,
                tile_bytes: tile_bytes as u64,
                tiles,
            },
            base: None,
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
            base: None,
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
                    base: None,
                })
            }
            _ => Err(Error::argument(
                "fragments",
                "must be 1 to 64 matrices of one shape",
            )),
        }
    }

    /// Codes the tensor's bytes losslessly as their difference from the bytes of `base`, a tensor
    /// of the same dtype and shape: nothing at all where they are the same. None for a dtype that
    /// has no differences, where something differs.
    ///
    /// # Errors
    /// When `bytes` or `base_bytes` are not the elements of `meta`.
    pub fn delta(
        meta: &TensorMeta,
        bytes: &[u8],
        base: BaseTensor,
        base_bytes: &[u8],
    ) -> Result<Option<Self>> {
        check_len(meta, bytes)?;
        check_len(meta, base_bytes)?;
        let (dtype, len) = (meta.dtype, bytes.len() as u64);
        let coding = match fold(&meta.shape) {
            _ if bytes == base_bytes => Some(Coding::Unchanged { dtype, bytes: len }),
            None => None,
            Some((_, cols)) => {
                delta::encode(bytes, base_bytes, dtype, cols).map(|delta| Coding::Delta {
                    dtype,
                    bytes: len,
                    delta,
                })
            }
        };
        let base = Some(base);
        Ok(coding.map(|coding| EncodedTensor { coding, base }))
    }

    /// The same fragments, added to the values of `base` instead of to zeros.
    ///
    /// # Errors
    /// When this tensor has no fragments, or a base already.
    pub fn on_base(self, base: BaseTensor) -> Result<Self> {
        match (&self.coding, &self.base) {
            (Coding::Fragments { .. }, None) => Ok(EncodedTensor {
                base: Some(base),
                ..self
            }),
            _ => Err(Error::argument(
                "base",
                "is for tensors of fragments without one",
            )),
        }
    }

    /// Share of the elements, kept coefficients of all planes counted, that are coded as other
    /// than zero: above 1 where fragments overlap, and 1 for a lossless tensor.
    pub fn retention(&self) -> f64 {
        match &self.coding {
            Coding::Lossless { .. } | Coding::Delta { .. } => 1.0,
            Coding::Unchanged { .. } => 0.0,
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
    pub(super) fn check_fits(&self, meta: &TensorMeta) -> Result<()> {
        let fits = match &self.coding {
            Coding::Lossless { dtype, bytes, .. }
            | Coding::Unchanged { dtype, bytes }
            | Coding::Delta { dtype, bytes, .. } => {
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
            Coding::Unchanged { .. } => 0,
            Coding::Delta { delta, .. } => delta.payload_bytes(),
        }
    }
}

fn check_len(meta: &TensorMeta, bytes: &[u8]) -> Result<()> {
    if meta.decoded_bytes() == Some(bytes.len() as u64) {
        return Ok(());
    }
    Err(Error::WrongLength {
        bytes: bytes.len(),
        dtype: meta.dtype,
        shape: meta.shape.clone(),
    })
}
