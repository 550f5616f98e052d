//! The rate–distortion engine that strategies share: for a tensor the recipe of least rate that
//! reaches a target.

mod effort;
mod preparation;
mod quality;
mod search;
mod step;

use hct_core::{
    EncodedFragment, EncodedPlane, EncodedTensor, MatrixView, Moments, Result, TensorMeta,
    compare_values,
};

use crate::{Coded, TensorView};
pub use effort::Effort;
pub use quality::Quality;
pub(crate) use quality::{RowFloor, Target};
use search::Search;
pub(crate) use search::in_range;
pub(crate) use step::step_for;

/// The engine's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    pub effort: Effort,
    /// Parts that a tensor is divided into, each refining those before it.
    pub fragments: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Engine {
            effort: Effort::Default,
            fragments: 1,
        }
    }
}

impl Engine {
    /// Codes `tensor` to `target`, or losslessly where that takes fewer bytes or nothing else
    /// gets there. `name` is the strategy's.
    pub fn code(&self, tensor: TensorView<'_>, target: &Target, name: &str) -> Result<Coded> {
        let planes = self.planes(tensor, target, None)?;
        let fragments =
            planes.map(|planes| planes.into_iter().map(EncodedFragment::Plane).collect());
        or_lossless(tensor, fragments, name)
    }

    /// How far the values `base` are above what `target` allows, at most 1 where they reach it.
    pub fn excess(&self, tensor: TensorView<'_>, target: &Target, base: &[f32]) -> Result<f64> {
        let original = tensor.matrix()?;
        let center = if target.floors.is_empty() {
            None
        } else {
            target.center(&original.moments())
        };
        let dtype = tensor.meta.dtype;
        let comparison = compare_values(original, base, dtype, center.as_deref())?;
        Ok(target.excess(&comparison))
    }

    /// Planes that together with `base`, the values coded already, reach `target`: none where
    /// `base` reaches it alone, `None` where nothing does.
    pub fn planes(
        &self,
        tensor: TensorView<'_>,
        target: &Target,
        mut base: Option<Vec<f32>>,
    ) -> Result<Option<Vec<EncodedPlane>>> {
        let original = tensor.matrix()?;
        let moments = original.moments();
        let center = target.center(&moments);
        let mut planes = Vec::new();
        for left in (1..=self.fragments.max(1)).rev() {
            let residual = base.as_ref().map(|base| subtract(original, base));
            let values = match &residual {
                Some(values) => MatrixView::from_values(values, original.rows(), original.cols())?,
                None => original,
            };
            let residual_moments = residual.as_ref().map(|_| values.moments());
            let search = Search {
                original,
                dtype: tensor.meta.dtype,
                target,
                effort: self.effort,
                base: base.as_deref(),
                values,
                moments: residual_moments.as_ref().unwrap_or(&moments),
                energy: moments.energy,
                center: center.as_deref(),
            };
            if let Some(base) = &base
                && self.excess(tensor, target, base)? <= 1.0
            {
                break;
            }
            if left == 1 {
                let Some(plane) = search.run()? else {
                    return Ok(None);
                };
                planes.push(plane);
                break;
            }
            // Equal rates: equal ratios of distortion.
            let variance = variance(search.moments);
            let goal = target.quality.rel_mse() * moments.energy;
            let distortion = variance * libm::pow(goal / variance, 1.0 / left as f64);
            let Some(plane) = search.near(distortion)? else {
                return Ok(None);
            };
            let mut sum = plane.decode()?;
            if let Some(base) = &base {
                sum.iter_mut().zip(base).for_each(|(s, b)| *s += b);
            }
            base = Some(sum);
            planes.push(plane);
        }
        Ok(Some(planes))
    }
}

/// Mean square about the column means.
fn variance(moments: &Moments) -> f64 {
    let means = &moments.means;
    let in_means = means.iter().map(|m| m * m).sum::<f64>() / means.len() as f64;
    moments.energy - in_means
}

pub(crate) fn subtract(original: MatrixView<'_>, base: &[f32]) -> Vec<f32> {
    let mut values = vec![0.0; base.len()];
    original.read(0, &mut values);
    values.iter_mut().zip(base).for_each(|(v, b)| *v -= b);
    values
}

/// The tensor of `fragments`, or a lossless one where that is smaller or there are none.
pub(crate) fn or_lossless(
    tensor: TensorView<'_>,
    fragments: Option<Vec<EncodedFragment>>,
    name: &str,
) -> Result<Coded> {
    let lossless = || EncodedTensor::lossless(tensor.meta, tensor.bytes);
    let Some(fragments) = fragments else {
        return Ok(Coded {
            tensor: lossless()?,
            label: format!("{name} (lossless: target out of reach)"),
        });
    };
    let coded = EncodedTensor::fragments(fragments)?;
    if lossless_may_win(tensor, coded.payload_bytes())? {
        let lossless = lossless()?;
        if lossless.payload_bytes() <= coded.payload_bytes() {
            return Ok(Coded {
                tensor: lossless,
                label: format!("{name} (lossless is smaller)"),
            });
        }
    }
    Ok(Coded {
        tensor: coded,
        label: name.into(),
    })
}

/// Whether lossless coding might take fewer than `bytes`: when the target is near lossless, or
/// the tensor is constant or of few values. A run in its middle tells well enough.
fn lossless_may_win(tensor: TensorView<'_>, bytes: usize) -> Result<bool> {
    const SAMPLE: usize = 1 << 16;
    let width = tensor.meta.dtype.bits() / 8;
    let len = tensor.bytes.len().min(SAMPLE);
    let start = (tensor.bytes.len() - len) / 2 / width * width;
    let meta = TensorMeta {
        shape: vec![(len / width) as u64],
        ..tensor.meta.clone()
    };
    let sample = EncodedTensor::lossless(&meta, &tensor.bytes[start..start + len])?;
    let share = len as f64 / tensor.bytes.len() as f64;
    Ok((sample.payload_bytes() as f64) < 1.25 * share * bytes as f64 + 64.0)
}
