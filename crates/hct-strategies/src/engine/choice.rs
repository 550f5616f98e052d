//! Choosing between a tensor's fragments alone, on its base, and lossless coding.

use hct_core::{EncodedFragment, EncodedTensor, Result, TensorMeta};

use super::goal::Goal;
use super::quality::Target;
use crate::lossless::{BitForBit, bit_for_bit, unchanged};
use crate::strategy::BaseView;
use crate::{Coded, TensorView};

/// Codes `tensor` to `target` by the fragments that `find` finds for a goal, or losslessly where
/// that takes fewer bytes or nothing else gets there.
///
/// With a base, fragments are looked for twice: of its difference from the base, and of the tensor
/// unless `hopeless` tells of that goal that it takes more than so many bytes. Both reach the
/// target and give the difference at least the cosine `delta_cosine`; the smaller is taken.
pub(crate) fn code(
    tensor: TensorView<'_>,
    target: &Target,
    delta_cosine: f64,
    name: &str,
    find: impl Fn(&Goal<'_>) -> Result<Option<Vec<EncodedFragment>>>,
    hopeless: impl Fn(&Goal<'_>, usize) -> Result<bool>,
) -> Result<Coded> {
    if let Some(coded) = unchanged(tensor, name)? {
        return Ok(coded);
    }
    let goal = Goal::alone(tensor, target)?;
    let Some(base) = tensor.base else {
        return Ok(or_lossless(tensor, find(&goal)?, None, name)?.coded);
    };
    let matrix = base.matrix(tensor.meta)?;
    // From what is not finite there is no difference but that of bits.
    if !matrix.is_finite() {
        return Ok(or_lossless(tensor, find(&goal)?, None, name)?.coded);
    }
    let goal = goal.guarded(matrix, delta_cosine)?;
    // Nothing to add to the base is a difference in the signs of zeros: lossless coding has it.
    let fragments = match goal.on_base() {
        Some(goal) => find(&goal)?.filter(|found| !found.is_empty()),
        None => None,
    };
    let on_base = match fragments {
        Some(found) => Some(or_lossless(tensor, Some(found), Some(base), name)?),
        None => None,
    };
    match on_base {
        Some(on_base) if hopeless(&goal, on_base.bytes)? => Ok(on_base.coded),
        on_base => {
            let alone = or_lossless(tensor, find(&goal)?, None, name)?;
            Ok(match on_base {
                Some(on_base) if on_base.bytes < alone.bytes => on_base.coded,
                _ => alone.coded,
            })
        }
    }
}

/// A coded tensor and the bytes it takes: payload, and what its record has of a base.
pub(crate) struct Candidate {
    pub coded: Coded,
    pub bytes: usize,
}

/// The tensor of `fragments`, added to `base` if there is one, or a lossless one where that is
/// smaller or there are none.
pub(crate) fn or_lossless(
    tensor: TensorView<'_>,
    fragments: Option<Vec<EncodedFragment>>,
    base: Option<BaseView<'_>>,
    name: &str,
) -> Result<Candidate> {
    let candidate = |lossless: BitForBit, why: &str| Candidate {
        coded: Coded::new(lossless.tensor, format!("{name} ({}{why})", lossless.how)),
        bytes: lossless.bytes,
    };
    let Some(fragments) = fragments else {
        return Ok(candidate(bit_for_bit(tensor)?, ": target out of reach"));
    };
    let mut coded = EncodedTensor::fragments(fragments)?;
    let mut bytes = coded.payload_bytes();
    let mut label = name.to_owned();
    if let Some(base) = base {
        coded = coded.on_base(base.tensor.clone())?;
        bytes += base.record_bytes(tensor.meta);
        label.push_str(" on base");
    }
    if lossless_may_win(tensor, bytes)? {
        let lossless = bit_for_bit(tensor)?;
        if lossless.bytes <= bytes {
            return Ok(candidate(lossless, " is smaller"));
        }
    }
    let tensor = coded;
    Ok(Candidate {
        coded: Coded::new(tensor, label),
        bytes,
    })
}

/// Whether lossless coding might take fewer than `bytes`: when the target is near lossless, or
/// the tensor is constant or of few values, or hardly differs from its base. A run in its middle
/// tells well enough.
fn lossless_may_win(tensor: TensorView<'_>, bytes: usize) -> Result<bool> {
    const SAMPLE: usize = 1 << 16;
    let width = tensor.meta.dtype.bits() / 8;
    let len = tensor.bytes.len().min(SAMPLE);
    let start = (tensor.bytes.len() - len) / 2 / width * width;
    let run = start..start + len;
    let meta = TensorMeta {
        shape: vec![(len / width) as u64],
        ..tensor.meta.clone()
    };
    let sample = bit_for_bit(TensorView {
        meta: &meta,
        bytes: &tensor.bytes[run.clone()],
        base: tensor.base.map(|base| BaseView {
            bytes: &base.bytes[run],
            ..base
        }),
    })?;
    let share = len as f64 / tensor.bytes.len() as f64;
    Ok((sample.bytes as f64) < 1.25 * share * bytes as f64 + 64.0)
}
