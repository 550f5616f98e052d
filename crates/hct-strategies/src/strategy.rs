//! What every strategy offers.

use hct_core::{BaseTensor, EncodedTensor, Error, MatrixView, Result, TensorMeta, fold};

/// A tensor to be coded: its description and its little-endian bytes.
#[derive(Clone, Copy)]
pub struct TensorView<'a> {
    /// Name, dtype and shape.
    pub meta: &'a TensorMeta,
    /// The elements.
    pub bytes: &'a [u8],
    /// The tensor of another checkpoint that this one may be coded against, if there is one.
    pub base: Option<BaseView<'a>>,
}

/// A tensor of the same dtype and shape that is there already when the coded one is decoded.
#[derive(Clone, Copy)]
pub struct BaseView<'a> {
    /// Its name and hash, by which a file refers to it.
    pub tensor: &'a BaseTensor,
    /// The elements, as many as those of the tensor to be coded.
    pub bytes: &'a [u8],
}

impl<'a> BaseView<'a> {
    /// The base of the tensor `meta` as a matrix.
    ///
    /// # Errors
    /// As for [`TensorView::matrix`].
    pub(crate) fn matrix(self, meta: &TensorMeta) -> Result<MatrixView<'a>> {
        let (rows, cols) = fold(&meta.shape).ok_or(Error::Empty)?;
        MatrixView::from_bytes(self.bytes, meta.dtype, rows, cols)
    }

    /// Bytes that the record of the tensor `meta` takes to refer to it.
    pub(crate) fn record_bytes(self, meta: &TensorMeta) -> usize {
        let name = match self.tensor.name == meta.name {
            true => 0,
            false => self.tensor.name.len(),
        };
        // The length of the name, up to 16,383 bytes of it, and the hash.
        2 + name + self.tensor.sha256.len()
    }
}

impl<'a> TensorView<'a> {
    /// The tensor as a matrix.
    ///
    /// # Errors
    /// When it is empty, its dtype has no lossy coding, or the bytes are not its elements.
    pub fn matrix(self) -> Result<MatrixView<'a>> {
        let (rows, cols) = fold(&self.meta.shape).ok_or(Error::Empty)?;
        MatrixView::from_bytes(self.bytes, self.meta.dtype, rows, cols)
    }
}

/// A coded tensor and what to say of it.
pub struct Coded {
    /// The coded tensor.
    pub tensor: EncodedTensor,
    /// Label for the file's index: the strategy, and why it fell back if it did.
    pub label: String,
    /// What its errors are predicted to do to the output, in nats of KL divergence for a language
    /// model, where a calibration tells.
    pub damage: Option<f64>,
}

impl Coded {
    /// One of which nothing is predicted.
    pub fn new(tensor: EncodedTensor, label: impl Into<String>) -> Coded {
        Coded {
            tensor,
            label: label.into(),
            damage: None,
        }
    }
}

/// A way to choose recipes.
pub trait Strategy: Sync {
    /// The name users call it by.
    fn name(&self) -> &'static str;

    /// Codes a tensor that lossy coding suits (see [`crate::lossless_reason`]).
    ///
    /// # Errors
    /// When the tensor cannot be coded as asked.
    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded>;
}
