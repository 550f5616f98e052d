//! A part of a tensor in an HCT file.

use hct_core::{ReadAt, TensorPart};
use std::ops::Range;

use crate::buffers::Buffers;
use crate::error::Error;
use crate::needed_base::NeededBase;

/// What to decode of a tensor, made by [`crate::HctModel::tensor`]: all of it at first. It is a
/// [`TensorPart`] whose errors name the file, too.
pub struct ModelPart<'m, R> {
    base: NeededBase<'m>,
    number: usize,
    part: TensorPart<'m, R>,
}

impl<'m, R: ReadAt> ModelPart<'m, R> {
    pub(crate) fn new(base: NeededBase<'m>, number: usize, part: TensorPart<'m, R>) -> Self {
        ModelPart { base, number, part }
    }

    /// Only these rows, a row being one index of the tensor's outermost dimension; a scalar has
    /// one.
    ///
    /// # Errors
    /// When `rows` do not lie within the tensor, or are not whole bytes in a packed dtype.
    pub fn rows(self, rows: Range<u64>) -> Result<Self, Error> {
        let part = self.part.rows(rows).map_err(Error::hct(self.base.name))?;
        Ok(ModelPart { part, ..self })
    }

    /// Consecutive parts of about so many bytes each that together are this one, each decoded in a
    /// fraction of its memory: see [`TensorPart::bands`].
    pub(crate) fn bands(&self, bytes: u64) -> Vec<Self> {
        let bands = self.part.bands(bytes).into_iter();
        bands.map(|part| ModelPart { part, ..*self }).collect()
    }

    /// Which bytes of the tensor the part is.
    pub(crate) fn byte_range(&self) -> Range<u64> {
        self.part.byte_range()
    }

    /// Bytes of the part in the tensor's dtype.
    pub fn byte_len(&self) -> u64 {
        self.part.byte_len()
    }

    /// Elements of the part.
    pub fn elements(&self) -> u64 {
        self.part.elements()
    }

    /// Decodes to little-endian bytes of the tensor's dtype.
    ///
    /// # Errors
    /// When anything in the part is damaged, its base is missing or another, or it does not fit in
    /// memory.
    pub fn decode(&self) -> Result<Vec<u8>, Error> {
        self.base.prepare(self.number)?;
        self.part.decode().map_err(Error::hct(self.base.name))
    }

    /// The same in memory of `buffers`, to be given back to them.
    pub(crate) fn decode_with(&self, buffers: &Buffers) -> Result<Vec<u8>, Error> {
        match usize::try_from(self.byte_len()) {
            // Smaller ones need no zeros first, and no memory is taken on a file's word alone.
            Ok(len) if buffers.are_for(len) => {
                let mut bytes = buffers.take(len);
                self.decode_into(&mut bytes)?;
                Ok(bytes)
            }
            _ => self.decode(),
        }
    }

    /// Decodes to little-endian bytes of the tensor's dtype in `out`, whose contents are undefined
    /// after an error.
    ///
    /// # Errors
    /// When `out` is not [`ModelPart::byte_len`] long, or anything in the part is damaged.
    pub fn decode_into(&self, out: &mut [u8]) -> Result<(), Error> {
        self.base.prepare(self.number)?;
        self.part
            .decode_into(out)
            .map_err(Error::hct(self.base.name))
    }

    /// Decodes an F16, BF16 or F32 tensor to f32 in `out`: exactly the values whose bytes
    /// [`ModelPart::decode`] gives. The contents of `out` are undefined after an error.
    ///
    /// # Errors
    /// When the dtype is another, `out` is not [`ModelPart::elements`] long, or anything in the
    /// part is damaged.
    pub fn decode_f32(&self, out: &mut [f32]) -> Result<(), Error> {
        self.base.prepare(self.number)?;
        self.part
            .decode_f32(out)
            .map_err(Error::hct(self.base.name))
    }
}
