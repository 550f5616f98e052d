//! What a tensor would take, from a sample of it.

use hct_core::{BaseTensor, EncodedTensor, Result, TensorMeta};

use super::sample::Sample;
use crate::tensor_info::TensorInfo;

/// Bytes of the tensor coded losslessly by itself, about.
pub(super) fn alone(info: &TensorInfo, sample: &Sample) -> Result<f64> {
    let code = |sample: &Sample| {
        let coded = EncodedTensor::lossless(&meta(info, sample), &sample.bytes)?;
        Ok(Some(coded.payload_bytes() as f64))
    };
    Ok(estimate(sample, code)?.unwrap_or_default())
}

/// Bytes of the tensor as its difference from a base, about; none for types that have none.
pub(super) fn difference(info: &TensorInfo, sample: &Sample, base: &Sample) -> Result<Option<f64>> {
    let half = base.half();
    estimate(sample, |part| {
        let other = if part.bytes.len() == base.bytes.len() {
            base
        } else {
            &half
        };
        // Names and hashes are in the record, not in what is measured here.
        let named = BaseTensor {
            name: info.name.clone(),
            sha256: [0; 32],
        };
        let coded = EncodedTensor::delta(&meta(info, part), &part.bytes, named, &other.bytes)?;
        Ok(coded.map(|coded| coded.payload_bytes() as f64))
    })
}

/// Continues the line through the sizes of half of a sample and of all of it to the whole tensor:
/// what tables take does not grow with it.
fn estimate(sample: &Sample, code: impl Fn(&Sample) -> Result<Option<f64>>) -> Result<Option<f64>> {
    if sample.bytes.is_empty() {
        return Ok(Some(0.0));
    }
    let Some(all) = code(sample)? else {
        return Ok(None);
    };
    if sample.is_whole() {
        return Ok(Some(all));
    }
    let half = code(&sample.half())?.unwrap_or(all);
    let rest = sample.times - 1.0;
    Ok(Some(all + (2.0 * (all - half)).clamp(0.0, all) * rest))
}

fn meta(info: &TensorInfo, sample: &Sample) -> TensorMeta {
    TensorMeta {
        name: info.name.clone(),
        dtype: info.dtype,
        shape: sample.shape.clone(),
    }
}
