//! Analysing a plane once: its scale model and a sample, from which the rate and distortion of any
//! step can be estimated.

use super::sample::Sample;
use super::scales::{self, FitOptions, ScaleModel};
use super::settings::{Gains, TrellisSettings};
use super::tile::TileCoder;
use super::tiles::GainTiles;
use crate::kernels::trellis::Machine;
use crate::matrix::MatrixView;
use crate::plane::Preparation;
use crate::quant::trellis::classes;
use crate::quant::trellis::gains::GainUnit;
use crate::recipe::{PlaneRecipe, Quantizer};
use crate::transform::Transform;
use crate::{Error, Result};

/// Index magnitudes stay below this, where f32 multiples of the step are exact.
const MAX_INDEX: f32 = (1 << 23) as f32;
/// Steps stay below this, so that no reproduction point overflows.
pub(in crate::quant::trellis::encode) const MAX_STEP: f32 = f32::MAX / (1 << 26) as f32;

/// Errs unless all indices of values of magnitude `largest` and less stay in the exact range.
pub(in crate::quant::trellis::encode) fn check_range(largest: f32, step: f32) -> Result<()> {
    match largest / step > MAX_INDEX {
        true => Err(Error::StepOutOfRange {
            step,
            least: largest / MAX_INDEX,
            most: MAX_STEP,
        }),
        false => Ok(()),
    }
}

/// A plane analysed for trellis coding.
pub struct TrellisAnalysis<'a> {
    pub(super) tiles: GainTiles<'a>,
    pub(super) recipe: PlaneRecipe,
    pub(super) trellis: Machine,
    pub(super) settings: TrellisSettings,
    pub(super) scales: ScaleModel,
    pub(super) sample: Sample,
    /// Classes of the sampled values.
    pub(super) classes: Vec<u8>,
    lanes: usize,
}

impl<'a> TrellisAnalysis<'a> {
    /// Prepares `matrix` and fits its scale model.
    ///
    /// # Errors
    /// When the trellis does not exist or tiles are too small or large.
    pub fn new(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
    ) -> Result<Self> {
        Self::prepared(matrix, preparation, settings, Gains::default())
    }

    /// The same with gains.
    ///
    /// # Errors
    /// As [`TrellisAnalysis::new`]; or when there is not one gain per row or column, one is out of
    /// range, or a transform mixes what has gains of its own; or when rows have gains and do not
    /// fit in tiles.
    pub fn with_gains(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
        gains: Gains,
    ) -> Result<Self> {
        let transform = preparation.transform;
        let max = GainUnit::new(gains.fine).max();
        let check = |what, gains: &Option<Vec<i32>>, n: usize, apart: bool| match gains {
            Some(gains) if gains.len() != n || gains.iter().any(|g| g.abs() > max) => {
                let why = format!("must be {n}, within ± {max}");
                Err(Error::argument(what, why))
            }
            Some(_) if !apart || preparation.whole => {
                Err(Error::argument(what, "need values that stay apart"))
            }
            _ => Ok(()),
        };
        let rows_apart = matches!(transform, Transform::None | Transform::DctRows)
            && matrix.cols() <= preparation.tile;
        let cols_apart = matches!(transform, Transform::None | Transform::DctCols);
        check("row gains", &gains.rows, matrix.rows(), rows_apart)?;
        check("column gains", &gains.columns, matrix.cols(), cols_apart)?;
        Self::prepared(matrix, preparation, settings, gains)
    }

    /// The same, planes being coded in column order from now on: the trellis runs down the columns of
    /// a tile, whose lengths are its rows.
    ///
    /// # Errors
    /// When it was prepared with a transform, or rows do not fit in tiles.
    pub fn column_order(mut self) -> Result<Self> {
        let how = self.preparation();
        let whole_rows = self.recipe.tile_cols == self.recipe.cols;
        if how.transform != Transform::None || how.whole || !whole_rows {
            let why = "goes with tiles of whole rows and without a transform only";
            return Err(Error::argument("column order", why));
        }
        self.recipe.column_order = true;
        Ok(self)
    }

    fn prepared(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
        gains: Gains,
    ) -> Result<Self> {
        let trellis = Machine::of(settings.states).ok_or_else(|| {
            Error::argument("states", format!("no trellis has {}", settings.states))
        })?;
        // Small planes cannot afford the final states of many lanes.
        let lanes = if matrix.len() >= 1 << 19 { 32 } else { 8 };
        let tiles = GainTiles::new(matrix, preparation, gains)?;
        let recipe = tiles.recipe(Quantizer::Trellis {
            states: settings.states,
            lanes,
        });
        let sample = Sample::draw(&recipe, &tiles);
        let (scales, classes) = fitted(&recipe, &sample, settings);
        Ok(TrellisAnalysis {
            tiles,
            recipe,
            trellis,
            settings,
            scales,
            sample,
            classes,
            lanes,
        })
    }

    /// The preparation analysed.
    pub fn preparation(&self) -> Preparation {
        self.tiles.preparation()
    }

    /// Number of values of the plane.
    #[allow(clippy::len_without_is_empty, reason = "a plane is never empty")]
    pub fn len(&self) -> usize {
        self.recipe.len()
    }

    /// Mean square of the prepared values, from the sample.
    pub fn energy(&self) -> f64 {
        self.sample.energy
    }

    /// Smallest step at which every sampled index stays in range; infinite where a value is not finite.
    pub fn min_step(&self) -> f32 {
        (self.sample.max / MAX_INDEX).max(1e-36)
    }

    pub(super) fn coder(&self, step: f32) -> TileCoder {
        TileCoder {
            trellis: self.trellis,
            lanes: self.lanes,
            step,
        }
    }

    /// λ for a step: the measured best falls with the rate (docs/DESIGN.md).
    pub(super) fn lambda(&self, step: f32) -> f32 {
        self.settings.lambda.unwrap_or_else(|| {
            let ratio = f64::from(step) / self.sample.energy.sqrt().max(1e-36);
            // 0.4 up to a step of 0.8 standard deviations (1.3 bits), 0.3 from 1.05 on.
            (0.4 - 0.4 * (ratio - 0.8)).clamp(0.3, 0.4) as f32
        })
    }
}

/// The scale model of a plane and the classes of its sample.
fn fitted(
    recipe: &PlaneRecipe,
    sample: &Sample,
    settings: TrellisSettings,
) -> (ScaleModel, Vec<u8>) {
    // Columns can be told apart only where tiles span them all.
    if recipe.tile_cols != recipe.cols {
        return (ScaleModel::flat(recipe.cols), vec![0; sample.values.len()]);
    }
    let n = recipe.len();
    let options = FitOptions {
        max_classes: settings.max_classes.min(1 + n / 4096),
        width: 2,
        grain: if n > 1 << 22 { 1 } else { 2 },
    };
    let model = scales::fit(&sample.values, recipe.cols, recipe.rows, options);
    let rows = model.row_scales(&sample.values, recipe.cols, 0);
    let mut of = Vec::new();
    classes::classes(&model.map, &rows, &model.cols, &mut of);
    (model, of)
}
