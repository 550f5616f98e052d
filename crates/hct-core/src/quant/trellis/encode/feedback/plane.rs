//! Encoding a whole plane with feedback.

use super::analysis::{FeedbackAnalysis, FeedbackTraining, check_step, classes_of, row_scales};
use super::band::QuantizedBand;
use super::rows::Rows;
use crate::entropy::binary::{Encoder, UintModel};
use crate::plane::EncodedPlane;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::encode::statistics::Statistics;
use crate::quant::trellis::encode::syntax::write_scales;
use crate::recipe::{MAX_TILE, PlaneRecipe, Quantizer, TileShape};
use crate::transform::Transform;
use crate::wire::put_blob;
use crate::{Result, parallel};

/// Weights of a tile, unless columns would be short in it.
const TILE: usize = 1 << 20;
/// Rows of a tile that make columns long enough for the trellis.
const TILE_ROWS: usize = 1024;
/// Tiles whose statistics make the final tables; a plane of more uses tiles spread evenly.
const TRAINING_TILES: usize = 8;

/// A plane coded with feedback.
#[derive(Clone, Debug)]
pub struct FeedbackPlane {
    /// The plane.
    pub plane: EncodedPlane,
    /// Sum of squares of the errors of targets, in units of the steps of row and column.
    pub damage: f64,
}

impl FeedbackAnalysis<'_> {
    /// Encodes the plane at `step` with the scales and points of `training`, at a step near it.
    ///
    /// # Errors
    /// As [`FeedbackAnalysis::train`].
    pub fn encode(&self, step: f32, training: &FeedbackTraining) -> Result<FeedbackPlane> {
        check_step(step)?;
        let recipe = self.recipe();
        let coder = self.coder(step);
        let count = recipe.tiles();
        let contexts_count = training.contexts.tables.len();
        let training_tiles = count.min(TRAINING_TILES);
        let trained_on = |k: usize| (2 * k + 1) * count / (2 * training_tiles);
        let trained = parallel::map(training_tiles, |k| {
            let tile = self.tile(&recipe.tile(trained_on(k)), step, training)?;
            let (targets, quantized) = (&tile.band.targets, &tile.band.quantized);
            let stats = coder.statistics(targets, quantized, contexts_count);
            Ok((tile, stats))
        });
        let trained = trained.into_iter().collect::<Result<Vec<_>>>()?;
        let mut stats = Statistics::new(contexts_count);
        trained.iter().for_each(|(_, s)| stats.merge(s));
        let contexts = training.contexts.refitted(&stats);
        let coded = parallel::map(count, |i| {
            let known = (0..training_tiles).find(|&k| trained_on(k) == i);
            match known {
                Some(k) => Ok(self.code(&trained[k].0, step, &contexts)),
                None => {
                    let tile = self.tile(&recipe.tile(i), step, training)?;
                    Ok(self.code(&tile, step, &contexts))
                }
            }
        });
        let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
        let common = self.common(step, training, &contexts, stats.precision());
        Ok(FeedbackPlane {
            damage: coded.iter().map(|tile| tile.damage).sum(),
            plane: EncodedPlane {
                recipe,
                common,
                squared_error: coded.iter().map(|tile| tile.squared_error).sum(),
                kept: coded.iter().map(|tile| tile.kept).sum(),
                tiles: coded.into_iter().map(|tile| tile.payload).collect(),
            },
        })
    }

    /// What all tiles have in common, their tables those of `contexts`.
    pub(super) fn common(
        &self,
        step: f32,
        training: &FeedbackTraining,
        contexts: &Contexts,
        precision: i64,
    ) -> Vec<u8> {
        let mut common = step.to_le_bytes().to_vec();
        let mut enc = Encoder::new();
        training.scales.map.write(&mut enc, &mut UintModel::new());
        write_scales(&mut enc, &training.scales.cols);
        write_scales(&mut enc, self.feedback.column_gains);
        put_blob(&mut common, &enc.finish());
        let mut enc = Encoder::new();
        contexts.write(&mut enc, self.trellis.quantizers, precision);
        put_blob(&mut common, &enc.finish());
        common
    }

    fn recipe(&self) -> PlaneRecipe {
        let (rows, cols) = (self.matrix.rows(), self.matrix.cols());
        let wanted = TILE.max(TILE_ROWS * cols).min(MAX_TILE);
        let bands = rows.div_ceil((wanted / cols).max(1));
        PlaneRecipe {
            rows,
            cols,
            tile_rows: rows.div_ceil(bands),
            tile_cols: cols,
            transform: Transform::None,
            whole: false,
            means: false,
            gains: !self.feedback.row_gains.is_empty(),
            column_gains: true,
            fine_gains: true,
            column_order: true,
            quantizer: Quantizer::Trellis {
                states: self.settings.states,
                lanes: self.coder(1.0).lanes,
            },
        }
    }

    fn tile(&self, shape: &TileShape, step: f32, training: &FeedbackTraining) -> Result<Tile> {
        let numbers: Vec<_> = (shape.first_row..shape.first_row + shape.rows).collect();
        let rows = Rows::load(&self.matrix, &numbers, &self.feedback);
        let values = rows.in_steps(self.feedback.column_gains);
        let scales = row_scales(&training.scales, &values, rows.len());
        let classes = classes_of(&training.scales, &scales);
        let band = self.quantize_tile(step, &training.contexts, &rows, &classes)?;
        let gains = rows.gains;
        Ok(Tile {
            gains,
            scales,
            band,
        })
    }

    fn code(&self, tile: &Tile, step: f32, contexts: &Contexts) -> CodedTile {
        let coded = self.coder(step).code(contexts, &tile.band.quantized);
        let payload = coded.payload(&side_information(&tile.scales, &tile.gains));
        CodedTile {
            payload,
            damage: tile.band.damage,
            squared_error: tile.band.squared_error,
            kept: tile.band.quantized.kept(),
        }
    }
}

/// What a tile says of its rows: their log-scales, and their gains if they have any.
pub(super) fn side_information(scales: &[i32], gains: &[i32]) -> Vec<u8> {
    let mut enc = Encoder::new();
    write_scales(&mut enc, scales);
    if !gains.is_empty() {
        write_scales(&mut enc, gains);
    }
    enc.finish()
}

/// A tile between quantization and entropy coding.
struct Tile {
    /// Of the rows; empty where they have none.
    gains: Vec<i32>,
    /// Log-scales of the rows.
    scales: Vec<i32>,
    band: QuantizedBand,
}

struct CodedTile {
    payload: Vec<u8>,
    damage: f64,
    squared_error: f64,
    kept: u64,
}
