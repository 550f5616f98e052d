//! What coding one tensor is to arrive at, and from where.

use hct_core::{
    EncodedPlane, MatrixView, Moments, Result, RowComparison, Training, TrellisAnalysis,
    compare_values,
};

use super::quality::{Quality, Target};
use crate::TensorView;

/// A tensor, what it must reach, and what its fragments are added to.
pub(crate) struct Goal<'a> {
    pub tensor: TensorView<'a>,
    pub target: &'a Target,
    pub original: MatrixView<'a>,
    /// Of `original`.
    pub moments: Moments,
    /// Column means of `original`, to judge rows by what makes them different; for targets with
    /// floors.
    pub center: Option<Vec<f32>>,
    guard: Option<Guard<'a>>,
    start: Option<Start>,
}

/// What keeps the difference from a base intact.
#[derive(Clone, Copy)]
struct Guard<'a> {
    base: MatrixView<'a>,
    /// Σ (W − B)².
    moved: f64,
    quality: Quality,
}

/// The base as the first term of the sum.
struct Start {
    base: Vec<f32>,
    /// The original less the base: what fragments stand for.
    difference: Vec<f32>,
}

impl<'a> Goal<'a> {
    /// To reach `target` by fragments alone.
    pub fn alone(tensor: TensorView<'a>, target: &'a Target) -> Result<Self> {
        let original = tensor.matrix()?;
        let moments = original.moments();
        Ok(Goal {
            tensor,
            target,
            original,
            center: target.center(&moments),
            moments,
            guard: None,
            start: None,
        })
    }

    /// The same so that the difference from `base`, a matrix of the same shape, has at least the
    /// cosine `cosine` with what it was.
    pub fn guarded(self, base: MatrixView<'a>, cosine: f64) -> Result<Self> {
        let mut values = vec![0.0; base.len()];
        base.read(0, &mut values);
        let dtype = self.tensor.meta.dtype;
        let moved = compare_values(self.original, &values, dtype, None)?.total();
        Ok(Goal {
            guard: Some(Guard {
                base,
                moved: moved.error,
                quality: Quality::Cosine(cosine),
            }),
            ..self
        })
    }

    /// The same by fragments that are added to the base that guards it. None without one, or where
    /// the difference leaves the range of f32.
    pub fn on_base(&self) -> Option<Self> {
        let guard = self.guard.as_ref()?;
        let mut base = vec![0.0; guard.base.len()];
        guard.base.read(0, &mut base);
        let difference = subtract(self.original, &base);
        let finite = difference.iter().all(|v| v.is_finite());
        finite.then(|| Goal {
            start: Some(Start { base, difference }),
            guard: Some(*guard),
            moments: self.moments.clone(),
            center: self.center.clone(),
            ..*self
        })
    }

    /// What the fragments are added to, if not zeros.
    pub fn start(&self) -> Option<&[f32]> {
        self.start.as_ref().map(|start| &start.base[..])
    }

    /// What the fragments together stand for.
    pub fn values(&self) -> Result<MatrixView<'_>> {
        match &self.start {
            Some(start) => {
                let (rows, cols) = (self.original.rows(), self.original.cols());
                MatrixView::from_values(&start.difference, rows, cols)
            }
            None => Ok(self.original),
        }
    }

    /// The mean squared error to aim for first.
    pub fn distortion(&self) -> f64 {
        let whole = self.target.quality.rel_mse() * self.moments.energy;
        self.guard.as_ref().map_or(whole, |guard| {
            let moved = guard.moved / self.original.len() as f64;
            whole.min(guard.quality.rel_mse() * moved)
        })
    }

    /// How far `values` are above what is allowed once rounded, at most 1 where they reach it.
    pub fn excess(&self, values: &[f32]) -> Result<f64> {
        let (dtype, center) = (self.tensor.meta.dtype, self.center.as_deref());
        let comparison = compare_values(self.original, values, dtype, center)?;
        let excess = self.target.excess(&comparison);
        self.guard.as_ref().map_or(Ok(excess), |guard| {
            let decoded = compare_values(guard.base, values, dtype, None)?.total();
            Ok(excess.max(guard.excess(&comparison.total(), &decoded)))
        })
    }

    /// The same of `plane` added to `sum`, the terms before it.
    fn excess_of(&self, plane: &EncodedPlane, sum: Option<&[f32]>) -> Result<f64> {
        let (dtype, center) = (self.tensor.meta.dtype, self.center.as_deref());
        let comparison = plane.compare(self.original, dtype, center, sum)?;
        let excess = self.target.excess(&comparison);
        self.guard.as_ref().map_or(Ok(excess), |guard| {
            let decoded = plane.compare(guard.base, dtype, None, sum)?.total();
            Ok(excess.max(guard.excess(&comparison.total(), &decoded)))
        })
    }

    /// Encodes what `analysis` is of at `step`; and how far the plane, added to `sum`, is above what is allowed.
    pub fn encode(
        &self,
        analysis: &TrellisAnalysis<'_>,
        step: f32,
        training: &Training,
        sum: Option<&[f32]>,
    ) -> Result<(EncodedPlane, f64)> {
        if sum.is_some() || self.guard.is_some() {
            let plane = analysis.encode(step, training)?;
            let excess = self.excess_of(&plane, sum)?;
            return Ok((plane, excess));
        }
        // What is coded is the original itself.
        let (dtype, center) = (self.tensor.meta.dtype, self.center.as_deref());
        let (plane, comparison) = analysis.encode_comparing(step, training, dtype, center)?;
        Ok((plane, self.target.excess(&comparison)))
    }
}

impl Guard<'_> {
    /// The excess of the decoded difference, from how far the decoded tensor is from the original
    /// and from the base. All three sides of the triangle are sums of squares of differences, so
    /// nothing cancels where the differences are small beside the weights.
    fn excess(&self, from_original: &RowComparison, on_base: &RowComparison) -> f64 {
        let (original, decoded) = (self.moved, on_base.error);
        self.quality.excess(&RowComparison {
            original,
            decoded,
            product: 0.5 * (original + decoded - from_original.error),
            error: from_original.error,
        })
    }
}

/// `original` less the values `sum`.
pub(crate) fn subtract(original: MatrixView<'_>, base: &[f32]) -> Vec<f32> {
    let mut values = vec![0.0; base.len()];
    original.read(0, &mut values);
    values.iter_mut().zip(base).for_each(|(v, b)| *v -= b);
    values
}
