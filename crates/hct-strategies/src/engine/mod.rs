//! The rate–distortion engine that strategies share: for a tensor the recipe of least rate that
//! reaches a target.

mod choice;
mod goal;
mod preparation;
mod quality;
mod search;

use hct_core::{EncodedFragment, EncodedPlane, MatrixView, Moments, Result, TrellisSettings};

use crate::named::named;
use crate::{Coded, TensorView, svd};
pub(crate) use goal::Goal;
pub use quality::Quality;
pub(crate) use quality::{RowFloor, Target};
use search::Search;
pub(crate) use search::{in_range, step_for};

/// How hard to look for the least rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Scalar quantization.
    Fast,
    /// 8-state trellis.
    Default,
    /// 32-state trellis, more passes, every transform measured.
    Max,
}

named!(Effort, "effort", {
    Fast: "fast", "Scalar quantization";
    Default: "default", "8-state trellis";
    Max: "max", "32-state trellis, every transform tried";
});

impl Effort {
    pub(crate) fn settings(self) -> TrellisSettings {
        let (states, passes) = match self {
            Effort::Fast => (1, 1),
            Effort::Default => (8, 1),
            Effort::Max => (32, 3),
        };
        TrellisSettings {
            passes,
            ..TrellisSettings::new(states)
        }
    }
}

/// The engine's options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Engine {
    pub effort: Effort,
    /// Parts that a tensor is divided into, each refining those before it.
    pub fragments: usize,
    /// Cosine that the difference from a base has at least.
    pub delta_cosine: f64,
}

/// Cosine of a difference from a base unless given. Signs and a scale, one bit a weight, keep
/// 0.80 of a Gaussian difference.
pub(crate) const DELTA_COSINE: f64 = 0.9;
/// Most components of factors of a difference: adapters that were merged have 8 to 64.
const ADAPTER_RANK: usize = 128;
/// Leading components that are looked at to see whether there are such factors.
const ADAPTER_PROBE: usize = 8;

impl Default for Engine {
    fn default() -> Self {
        Engine {
            effort: Effort::Default,
            fragments: 1,
            delta_cosine: DELTA_COSINE,
        }
    }
}

impl Engine {
    /// Codes `tensor` to `target`, or losslessly where that takes fewer bytes or nothing else
    /// gets there. `name` is the strategy's.
    pub fn code(&self, tensor: TensorView<'_>, target: &Target, name: &str) -> Result<Coded> {
        self.choose(tensor, target, name, |goal| {
            // What training adds to a base is often of low rank, or was made so.
            if goal.start().is_some() && self.effort != Effort::Fast {
                return svd::cheaper(self, goal, ADAPTER_RANK, ADAPTER_PROBE);
            }
            self.fragments(goal)
        })
    }

    /// The same by the fragments that `find` finds for a goal.
    pub fn choose(
        &self,
        tensor: TensorView<'_>,
        target: &Target,
        name: &str,
        find: impl Fn(&Goal<'_>) -> Result<Option<Vec<EncodedFragment>>>,
    ) -> Result<Coded> {
        choice::code(tensor, target, self.delta_cosine, name, find)
    }

    /// Planes that reach `goal`, `None` where nothing does.
    pub fn fragments(&self, goal: &Goal<'_>) -> Result<Option<Vec<EncodedFragment>>> {
        let planes = self.planes(goal, goal.start().map(<[f32]>::to_vec))?;
        Ok(planes.map(|planes| planes.into_iter().map(EncodedFragment::Plane).collect()))
    }

    /// Planes that together with `sum`, the values coded already, reach `goal`: none where `sum`
    /// reaches it alone, `None` where nothing does.
    pub fn planes(
        &self,
        goal: &Goal<'_>,
        mut sum: Option<Vec<f32>>,
    ) -> Result<Option<Vec<EncodedPlane>>> {
        let original = goal.original;
        let mut planes = Vec::new();
        for left in (1..=self.fragments.max(1)).rev() {
            let residual = sum.as_ref().map(|sum| subtract(original, sum));
            let values = match &residual {
                Some(values) => MatrixView::from_values(values, original.rows(), original.cols())?,
                None => original,
            };
            let residual_moments = residual.as_ref().map(|_| values.moments());
            let search = Search {
                goal,
                effort: self.effort,
                sum: sum.as_deref(),
                values,
                moments: residual_moments.as_ref().unwrap_or(&goal.moments),
            };
            if let Some(sum) = &sum
                && goal.excess(sum)? <= 1.0
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
            let ratio = goal.distortion() / variance;
            let distortion = variance * libm::pow(ratio, 1.0 / left as f64);
            let Some(plane) = search.near(distortion)? else {
                return Ok(None);
            };
            let mut next = plane.decode()?;
            if let Some(sum) = &sum {
                next.iter_mut().zip(sum).for_each(|(s, b)| *s += b);
            }
            sum = Some(next);
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
