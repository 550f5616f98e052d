//! Which safetensors tensors statistics are stored in.

use hct_core::Dtype;
use hct_strategies::SymmetricMatrix;

use super::fault::CalibrationFault;
use super::group::GroupShape;
use crate::tensor_info::TensorInfo;

/// The version that is written, and the newest that is read.
pub(super) const VERSION: u32 = 1;

/// Keys of the metadata.
pub(super) const VERSION_KEY: &str = "hct.calibration";
pub(super) const INFO_KEY: &str = "info";
pub(super) const GROUPS_KEY: &str = "groups";

/// A stored list of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Moments of the input of a group.
    Inputs,
    /// How far to trust the moments of the input, then those of each tensor.
    Reliability,
    /// Weighted moments of a tensor of the group.
    Weighted(usize),
    /// Weights of the rows of a tensor of the group.
    Rows(usize),
}

impl GroupShape {
    /// What there is of it, in the order of the file, with the number of values.
    ///
    /// # Errors
    /// When there are no tensors, or too many values to count.
    pub(super) fn fields(&self) -> Result<Vec<(Field, usize)>, CalibrationFault> {
        let moments = |full: bool| match full {
            true => SymmetricMatrix::packed_len(self.columns),
            false => Some(self.columns),
        };
        let too_large = || CalibrationFault::TooLarge {
            tensor: self.name_of(0).to_owned(),
            columns: self.columns,
        };
        let mut fields = vec![
            (Field::Inputs, moments(self.full).ok_or_else(too_large)?),
            (Field::Reliability, 1 + self.tensors.len()),
        ];
        for (number, tensor) in self.tensors.iter().enumerate() {
            if let Some(full) = tensor.weighted {
                let len = moments(full).ok_or_else(too_large)?;
                fields.push((Field::Weighted(number), len));
            }
            if let Some(rows) = tensor.rows {
                fields.push((Field::Rows(number), rows));
            }
        }
        Ok(fields)
    }

    /// The name that a field is stored under.
    pub(super) fn field_name(&self, field: Field) -> String {
        match field {
            Field::Inputs => format!("{}/inputs", self.name_of(0)),
            Field::Reliability => format!("{}/reliability", self.name_of(0)),
            Field::Weighted(number) => format!("{}/weighted", self.name_of(number)),
            Field::Rows(number) => format!("{}/rows", self.name_of(number)),
        }
    }

    /// What the header says of a field.
    pub(super) fn field_info(&self, field: Field, len: usize) -> TensorInfo {
        TensorInfo {
            name: self.field_name(field),
            dtype: Dtype::F32,
            shape: vec![len as u64],
        }
    }

    fn name_of(&self, number: usize) -> &str {
        self.tensors.get(number).map_or("", |tensor| &tensor.name)
    }
}
