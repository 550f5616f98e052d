//! Whether a calibration is one of the model at hand.

use hct_strategies::Calibration;

use crate::error::Error;
use crate::tensor_source::TensorSource;

/// Errs where `calibration` knows nothing of the largest matrix of `source`, as one of another model
/// does.
///
/// # Errors
/// Then, and when the calibration cannot be read.
pub fn check_known(source: &dyn TensorSource, calibration: &dyn Calibration) -> Result<(), Error> {
    let matrices = source.tensors().iter().filter(|t| t.shape.len() == 2);
    let Some(largest) = matrices.max_by_key(|t| t.byte_len()) else {
        return Ok(());
    };
    match calibration.statistics(&largest.name) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Error::ForeignCalibration {
            tensor: largest.name.clone(),
        }),
        Err(error) => Err(Error::Output {
            error: Box::new(error),
        }),
    }
}
