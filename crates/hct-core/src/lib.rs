//! The HCT V3 codec: transforms, quantizers, entropy coding and the file format, with few
//! dependencies. Enough alone to write and read files; which recipe suits which tensor is the
//! business of `hct-strategies`, whole checkpoints of `hct-model`.
//!
#![cfg_attr(feature = "encode", doc = "```")]
#![cfg_attr(not(feature = "encode"), doc = "```ignore")]
//! use hct_core::{Dtype, EncodedTensor, HctReader, HctWriter, TensorMeta};
//!
//! let weights: Vec<u8> = (0..64 * 48).flat_map(|i| (i as f32 * 0.7).sin().to_le_bytes()).collect();
//! let meta = TensorMeta { name: "w".into(), dtype: Dtype::F32, shape: vec![64, 48] };
//! let coded = EncodedTensor::uniform(&meta, &weights, 0.98)?; // 2-D DCT, 98 % kept, INT4
//! let mut writer = HctWriter::new(Vec::new())?;
//! writer.add_tensor(meta, coded, None, "uniform")?;
//! let file = writer.finish()?;
//! let reader = HctReader::open(&file)?;
//! let decoded = reader.decode(reader.find("w")?)?;
//! assert_eq!(decoded.len(), weights.len());
//! # Ok::<(), hct_core::Error>(())
//! ```
//!
//! A file holds tensors; a tensor is coded losslessly or as a sum of fragments; a fragment is a
//! plane or a product of two; a plane is a matrix cut into tiles that share a recipe
//! ([`PlaneRecipe`]): transform, quantizer, entropy coder. `docs/FORMAT.md` specifies every bit,
//! `docs/DESIGN.md` says why.
//!
//! The same input and options give the same bytes on every CPU and for any number of threads
//! (feature `rayon`, on by default). Without the feature `encode`, on by default too, the crate
//! reads files and holds no encoder.

mod blocks;
#[cfg(feature = "encode")]
mod cholesky;
#[cfg(feature = "encode")]
mod comparison;
mod delta;
mod dtype;
mod entropy;
mod error;
mod floats;
mod format;
mod kernels;
mod lanes;
mod lossless;
#[cfg(feature = "encode")]
mod magnitudes;
mod matmul;
#[cfg(feature = "encode")]
mod matrix;
mod parallel;
mod plane;
mod plane_decoder;
mod quant;
mod recipe;
mod scratch;
mod sections;
mod shape;
mod simd;
mod transform;
mod wire;

pub use blocks::BlockType;
pub use dtype::Dtype;
pub use error::{Error, Result};
pub use format::{
    BAND_BYTES, BaseSource, BaseTensor, BlockFault, ContentHash, DeltaRecipe, FORMAT_VERSION,
    FileEntry, FileKind, Fragment, HctReader, Index, LimitExceeded, Limited, Limits,
    LosslessRecipe, MAX_BASE_HINT, MAX_PROVENANCE, MissingEntries, PlaneRecord, ReadAt, Recipe,
    RecoveredIndex, TensorPart, TensorRecord,
};
pub use matmul::{add_product, add_product_transposed};
pub use recipe::{BlockBits, MAX_TILE, PlaneRecipe, Quantizer};
pub use sections::{Section, Sections};
pub use shape::element_count;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use simd::same_at_every_level;
pub use simd::{SimdLevel, SimdLevelError, simd_level};
pub use transform::Transform;

#[cfg(feature = "encode")]
pub use {
    cholesky::cholesky,
    comparison::{PlaneComparison, RowComparison, compare_values},
    format::{EncodedFragment, EncodedTensor, HctWriter, TensorMeta},
    matrix::{MatrixView, Moments, fold},
    plane::{DEFAULT_TILE, EncodedPlane, Preparation},
    quant::sparse::{Selection, SparseFormat, encode_sparse, energy_retention},
    quant::trellis::encode::{
        ErrorFeedback, Estimate, FeedbackAnalysis, FeedbackPlane, FeedbackTraining, Gains,
        Training, TrellisAnalysis, TrellisSettings,
    },
    transform::{CodingGain, coding_gain},
};

/// The example of README.md, compiled and run.
#[doc = include_str!("../README.md")]
#[cfg(all(doctest, feature = "encode"))]
struct Readme;
