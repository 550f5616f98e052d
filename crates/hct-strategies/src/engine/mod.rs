//! The rate–distortion engine that strategies share: for a tensor the recipe of least rate that
//! reaches a target.

mod choice;
mod effort;
mod goal;
mod preparation;
mod quality;
mod search;
mod step;

use hct_core::{EncodedFragment, EncodedPlane, MatrixView, Moments, Result};

use crate::{Coded, TensorView};
pub(crate) use choice::or_lossless;
pub use effort::Effort;
pub(crate) use goal::{Goal, subtract};
use preparation::candidates;
pub use quality::Quality;
pub(crate) use quality::{RowFloor, Target};
use search::Search;
pub(crate) use search::in_range;
pub(crate) use step::step_for;

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
    /// Codes `tensor` to `target` by the fragments that `find` finds for a goal, or losslessly where
    /// that takes fewer bytes or nothing else gets there; on its base where that takes fewest.
    /// `name` is the strategy's. The tensor is not looked at without its base where `hopeless`
    /// tells of that goal that it takes more than so many bytes.
    pub fn choose(
        &self,
        tensor: TensorView<'_>,
        target: &Target,
        name: &str,
        find: impl Fn(&Goal<'_>) -> Result<Option<Vec<EncodedFragment>>>,
        hopeless: impl Fn(&Goal<'_>, usize) -> Result<bool>,
    ) -> Result<Coded> {
        choice::code(tensor, target, self.delta_cosine, name, find, hopeless)
    }

    /// Bytes that planes which reach `goal` take, about; none where that is not to be told.
    pub fn estimate(&self, goal: &Goal<'_>) -> Result<f64> {
        let (values, distortion) = (goal.values()?, goal.distortion());
        if !(distortion > 0.0 && distortion.is_finite()) {
            return Ok(0.0);
        }
        let found = candidates(values, &goal.moments, distortion, self.effort)?;
        let Some(best) = found.into_iter().next() else {
            return Ok(0.0);
        };
        let rate = match best.rate().is_finite() {
            true => best.rate(),
            false => best.with_step(distortion).1.rate,
        };
        Ok(rate * values.len() as f64 / 8.0)
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
