//! A matrix as contestants code it.

use anyhow::Result;
use hct_core::{EncodedTensor, HctReader, HctWriter, TensorRecord};

use super::Subject;
use crate::matrix::Matrix;

/// A file in memory that holds one matrix.
pub struct CodedMatrix(HctReader<Vec<u8>>);

impl Subject for Matrix {
    type Coded<'s> = CodedMatrix;
    type Decoded<'c> = Vec<u8>;
}

impl CodedMatrix {
    /// The file of `matrix` encoded as `tensor`.
    pub fn new(matrix: &Matrix, tensor: EncodedTensor, label: &str) -> Result<Self> {
        let mut writer = HctWriter::new(Vec::new())?;
        writer.add_tensor(matrix.meta.clone(), tensor, None, label)?;
        Ok(Self(HctReader::open(writer.finish()?)?))
    }

    /// The file.
    pub fn reader(&self) -> &HctReader<Vec<u8>> {
        &self.0
    }

    /// The matrix's record.
    pub fn record(&self) -> &TensorRecord {
        &self.0.index().tensors[0]
    }

    /// Bytes of payload and record.
    pub fn bytes(&self) -> u64 {
        self.record().stored_bytes()
    }

    /// The bytes of the values.
    pub fn decoded(&self) -> Result<Vec<u8>> {
        Ok(self.0.decode(0)?)
    }
}
