//! Coding one matrix: by a fixed recipe at a distortion, uniformly at a retention, by `rdo`.

use anyhow::{Context, Result, bail};
use hct_core::{
    EncodedTensor, Fragment, PlaneRecipe, Preparation, Recipe, Section, Transform, TrellisAnalysis,
    TrellisSettings,
};
use hct_strategies::{Effort, SpecBuilder, StrategyName, StrategySpec};

use crate::comparison::compared;
use crate::contestant::{CodedMatrix, Contestant, Ours};
use crate::matrix::Matrix;

/// Values that estimates look at.
const ESTIMATE: usize = 1 << 16;
/// Distortion this close to the target, as a factor, is corrected along Shannon's slope.
const CLOSE: f64 = 0.01;

/// Bytes and distortion of one coded matrix.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Bytes stored: payload and index record.
    pub bytes: u64,
    /// Relative mean squared error.
    pub rel_mse: f64,
}

impl Point {
    /// Bits of a matrix of `weights` values, had the distortion been exactly `rel_mse`.
    pub fn bits_at(self, rel_mse: f64, weights: usize) -> f64 {
        8.0 * self.bytes as f64 + weights as f64 * 0.5 * libm::log2(self.rel_mse / rel_mse)
    }
}

/// A trellis recipe without choices.
#[derive(Clone, Copy)]
pub struct Fixed {
    /// Name for tables.
    pub name: &'static str,
    /// How values are prepared.
    pub preparation: Preparation,
    /// How they are quantized.
    pub settings: TrellisSettings,
    /// Whether it is measured at every point, or at that of the ablation only.
    pub everywhere: bool,
}

impl Fixed {
    fn new(name: &'static str, transform: Transform, states: usize) -> Self {
        Fixed {
            name,
            preparation: Preparation::tiled(transform),
            settings: TrellisSettings::new(states),
            everywhere: true,
        }
    }

    fn flat(mut self) -> Self {
        self.settings.max_classes = 1;
        self.everywhere = false;
        self
    }

    fn lambda(mut self, lambda: f32) -> Self {
        self.settings.lambda = Some(lambda);
        self.everywhere = false;
        self
    }

    fn means(mut self) -> Self {
        self.preparation.remove_means = true;
        self
    }

    fn whole(mut self) -> Self {
        self.preparation.whole = true;
        self
    }

    /// Whether the quantizer is that of default effort, so that only the preparation differs from
    /// `rdo`.
    pub fn is_default_quantizer(&self) -> bool {
        self.settings == TrellisSettings::new(64)
    }

    /// Codes `tensor` at each of the relative mean squared errors `targets`.
    pub fn points(&self, tensor: &Matrix, targets: &[f64]) -> Result<Vec<Point>> {
        let analysis = TrellisAnalysis::new(tensor.matrix()?, self.preparation, self.settings)?;
        let points = targets.iter().map(|d| point(&analysis, tensor, *d));
        points.collect()
    }
}

/// Every fixed recipe.
pub fn fixed() -> Vec<Fixed> {
    use Transform::{Dct2, DctCols, DctRows, None};
    vec![
        Fixed::new(SCALAR_FLAT_PLAIN, None, 1).flat().lambda(0.0),
        Fixed::new(SCALAR_FLAT, None, 1).flat(),
        Fixed::new(SCALAR, None, 1),
        Fixed::new("trellis 4", None, 4),
        Fixed::new("trellis 8", None, 8),
        Fixed::new("trellis 16", None, 16),
        Fixed::new("trellis 32", None, 32),
        Fixed::new(TRELLIS_FLAT, None, 64).flat(),
        Fixed::new(TRELLIS, None, 64),
        Fixed::new("trellis 128", None, 128),
        Fixed::new("trellis 256", None, 256),
        Fixed::new("trellis 512", None, 512),
        Fixed::new(TRELLIS_PLAIN, None, 64).lambda(0.0),
        Fixed::new("trellis 64, means removed", None, 64).means(),
        Fixed::new("trellis 64, dct-rows", DctRows, 64),
        Fixed::new("trellis 64, dct-cols", DctCols, 64),
        Fixed::new("trellis 64, dct2 of tiles", Dct2, 64),
        Fixed::new("trellis 64, dct2 of the matrix", Dct2, 64).whole(),
    ]
}

/// Names that other modules look for.
pub const SCALAR: &str = "scalar";
/// Scalar, one context.
pub const SCALAR_FLAT: &str = "scalar, flat";
/// Scalar, one context, plain rounding.
pub const SCALAR_FLAT_PLAIN: &str = "scalar, flat, λ = 0";
/// The default quantizer.
pub const TRELLIS: &str = "trellis 64";
/// The default quantizer with one class of scales.
pub const TRELLIS_FLAT: &str = "trellis 64, flat";
/// The default quantizer minimizing distortion alone.
pub const TRELLIS_PLAIN: &str = "trellis 64, λ = 0";

fn point(analysis: &TrellisAnalysis<'_>, tensor: &Matrix, target: f64) -> Result<Point> {
    let distortion = target * tensor.energy;
    let mut step = libm::sqrt(3.7 * distortion) as f32;
    let mut training = analysis.train(step, ESTIMATE);
    let adjusted = |step: f32, d: f64| {
        let ratio = libm::sqrt(distortion / d.max(1e-6 * distortion)) as f32;
        (step * ratio.clamp(0.25, 4.0)).max(analysis.min_step())
    };
    for _ in 0..3 {
        let estimate = training.estimate().distortion;
        if (estimate / distortion - 1.0).abs() < CLOSE {
            break;
        }
        step = adjusted(step, estimate);
        training = analysis.train(step, ESTIMATE);
    }
    let mut attempts = 0;
    loop {
        let plane = analysis.encode(step, &training)?;
        let error = plane.squared_error() / tensor.weights() as f64;
        attempts += 1;
        if (error / distortion - 1.0).abs() < CLOSE || attempts == 4 {
            return Ok(Point {
                bytes: CodedMatrix::new(tensor, EncodedTensor::plane(plane), "")?.bytes(),
                rel_mse: error / tensor.energy,
            });
        }
        step = adjusted(step, error);
    }
}

/// Codes a matrix with a strategy, decodes it and compares.
fn by_strategy(matrix: &Matrix, strategy: SpecBuilder) -> Result<(Point, CodedMatrix)> {
    let contestant = Ours::specified(String::new(), strategy);
    let coded = contestant.encode(matrix)?;
    let decoded = contestant.decode(&coded, matrix)?;
    let sums = compared(
        matrix.bytes(),
        &decoded,
        matrix.meta.dtype,
        matrix.rows,
        matrix.cols,
    )?;
    let point = Point {
        bytes: coded.bytes(),
        rel_mse: sums.rel_mse(),
    };
    Ok((point, coded))
}

/// Codes a matrix with `rdo`.
pub fn rdo(tensor: &Matrix, rel_mse: f64, effort: Effort) -> Result<Point> {
    let spec = StrategySpec::builder(StrategyName::Rdo).rel_mse(rel_mse);
    let (point, _) = by_strategy(tensor, spec.effort(effort))
        .with_context(|| format!("rdo at relative MSE {rel_mse} on {}", tensor.meta.name))?;
    Ok(point)
}

/// The first point of `rdo` whose rate is within 0.005 bit of `rate`, or the last of six tries.
pub fn rdo_at_rate(tensor: &Matrix, rate: f64, effort: Effort) -> Result<Point> {
    let mut rel_mse = libm::exp2(-2.0 * (rate - 0.1));
    let mut tries = 0;
    loop {
        let point = rdo(tensor, rel_mse, effort)?;
        let miss = 8.0 * point.bytes as f64 / tensor.weights() as f64 - rate;
        tries += 1;
        if miss.abs() < 0.005 || tries == 6 {
            return Ok(point);
        }
        rel_mse *= libm::exp2(2.0 * miss);
    }
}

/// Bits that parts of uniform V3 take of one matrix.
#[derive(Clone, Copy, Debug, Default)]
pub struct UniformBits {
    /// A bitmap, 4 bits per kept value, 16 per 32 of them.
    pub raw: f64,
    /// With the coded mask in place of the bitmap.
    pub mask: f64,
    /// And coded symbols, their tables counted.
    pub symbols: f64,
    /// And coded scales, and headers: what is stored.
    pub stored: f64,
}

/// Codes a matrix with `uniform`.
pub fn uniform(tensor: &Matrix, retention: f64) -> Result<(Point, UniformBits)> {
    let spec = StrategySpec::builder(StrategyName::Uniform).retention(retention);
    let (point, coded) = by_strategy(tensor, spec)?;
    let Recipe::Fragments { fragments, .. } = &coded.record().recipe else {
        bail!("uniform stored {} losslessly", tensor.meta.name);
    };
    let [Fragment::Plane(plane)] = &fragments[..] else {
        bail!("uniform made more than a plane of {}", tensor.meta.name);
    };
    let (values, scales) = kept(plane.recipe(), retention);
    let sections = coded.reader().sections(0)?;
    let bits = |s: Section| 8.0 * sections.bytes[s as usize] as f64;
    let mask = bits(Section::Positions);
    let symbols = mask + bits(Section::Values) + bits(Section::Tables);
    let parts = UniformBits {
        raw: tensor.weights() as f64 + values + scales,
        mask: mask + values + scales,
        symbols: symbols + scales,
        stored: 8.0 * point.bytes as f64,
    };
    Ok((point, parts))
}

/// Uncoded bits of the values and of the scales that uniform V3 keeps: ⌈ρ·n⌉ values of each tile,
/// a scale per 32.
fn kept(recipe: &PlaneRecipe, retention: f64) -> (f64, f64) {
    let (mut values, mut scales) = (0.0, 0.0);
    for row in (0..recipe.rows).step_by(recipe.tile_rows) {
        for col in (0..recipe.cols).step_by(recipe.tile_cols) {
            let rows = recipe.tile_rows.min(recipe.rows - row);
            let len = rows * recipe.tile_cols.min(recipe.cols - col);
            let kept = (retention * len as f64).ceil();
            values += 4.0 * kept;
            scales += 16.0 * (kept / 32.0).ceil();
        }
    }
    (values, scales)
}
