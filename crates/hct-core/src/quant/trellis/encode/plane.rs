//! Encoding a whole plane at a step.

use super::analysis::{MAX_INDEX, MAX_STEP, TrellisAnalysis};
use super::distortion::Points;
use super::search::Quantized;
use super::statistics::Statistics;
use super::syntax::write_scales;
use super::tile::{TileCoder, TileValues};
use super::training::Training;
use crate::entropy::binary::{Encoder, UintModel};
use crate::kernels::viterbi::Rates;
use crate::plane::EncodedPlane;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::{classes, columns};
use crate::recipe::TileShape;
use crate::scratch::with_values;
use crate::wire::put_blob;
use crate::{Error, Result, parallel};

/// Tiles whose statistics make the final contexts; a plane of more uses tiles spread evenly.
const TRAINING_TILES: usize = 16;

impl TrellisAnalysis<'_> {
    /// Encodes the plane at `step`, starting from contexts trained at a step near it.
    ///
    /// # Errors
    /// When a value is not finite or too large, or the step is so small that an index would leave
    /// the exact range ([`Error::is_out_of_range`]); code the tensor losslessly then.
    pub fn encode(&self, step: f32, training: &Training) -> Result<EncodedPlane> {
        let recipe = self.recipe;
        if !(step > 0.0 && step < MAX_STEP) {
            return Err(Error::StepOutOfRange {
                step,
                least: self.min_step(),
                most: MAX_STEP,
            });
        }
        let coder = self.coder(step);
        let contexts_count = self.scales.map.classes * self.trellis.quantizers();
        let count = recipe.tiles();
        let training_tiles = count.min(TRAINING_TILES);
        let trained_on = |k: usize| (2 * k + 1) * count / (2 * training_tiles);
        let rates = training.contexts.rates(self.lambda(step));
        let trained = parallel::map(training_tiles, |k| {
            self.with_tile(trained_on(k), |tile| {
                let quantized = self.quantized_tile(tile, coder, &rates)?;
                let stats = coder.statistics(tile.values, &quantized, contexts_count);
                // Values come again at next to no cost, and take as much memory as indices.
                Ok((quantized, stats))
            })
        });
        let trained = trained.into_iter().collect::<Result<Vec<_>>>()?;
        let mut stats = Statistics::new(contexts_count);
        trained.iter().for_each(|(_, s)| stats.merge(s));
        let contexts = Contexts::from_statistics(&stats, self.trellis.quantizers());
        let rates = contexts.rates(self.lambda(step));
        let coded = parallel::map(count, |i| {
            let known = (0..training_tiles).find(|&k| trained_on(k) == i);
            self.with_tile(i, |tile| match known {
                Some(k) => Ok(self.code_tile(tile, &trained[k].0, coder, &contexts)),
                None => {
                    let quantized = self.quantized_tile(tile, coder, &rates)?;
                    Ok(self.code_tile(tile, &quantized, coder, &contexts))
                }
            })
        });
        let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
        let squared_error = coded.iter().map(|(_, e, _)| e).sum();
        let kept = coded.iter().map(|(.., kept)| kept).sum();
        let mut common = Vec::new();
        self.tiles.write_means(&mut common);
        common.extend_from_slice(&step.to_le_bytes());
        let mut enc = Encoder::new();
        self.scales.map.write(&mut enc, &mut UintModel::new());
        write_scales(&mut enc, &self.scales.cols);
        self.tiles.write_column_gains(&mut enc);
        put_blob(&mut common, &enc.finish());
        let mut enc = Encoder::new();
        contexts.write(&mut enc, self.trellis.quantizers(), stats.precision());
        put_blob(&mut common, &enc.finish());
        let tiles = coded.into_iter().map(|(p, ..)| p).collect();
        Ok(EncodedPlane {
            recipe,
            common,
            tiles,
            squared_error,
            kept,
        })
    }

    /// Calls `f` with a tile.
    fn with_tile<R>(&self, i: usize, f: impl FnOnce(&LoadedTile<'_>) -> Result<R>) -> Result<R> {
        let shape = self.recipe.tile(i);
        with_values(shape.len(), |values| {
            self.tiles.load_into(&shape, values);
            let largest = self.tiles.largest(values)?;
            let rows = self.scales.row_scales(values, shape.cols, shape.first_col);
            match self.recipe.column_order {
                true => with_values(shape.len(), |turned| {
                    columns::transpose(values, shape.cols, turned);
                    f(&LoadedTile {
                        shape,
                        values: turned,
                        rows,
                        largest,
                    })
                }),
                false => f(&LoadedTile {
                    shape,
                    values,
                    rows,
                    largest,
                }),
            }
        })
    }

    fn quantized_tile(
        &self,
        tile: &LoadedTile<'_>,
        coder: TileCoder,
        rates: &Rates,
    ) -> Result<Quantized> {
        if tile.largest / coder.step > MAX_INDEX {
            return Err(Error::StepOutOfRange {
                step: coder.step,
                least: tile.largest / MAX_INDEX,
                most: MAX_STEP,
            });
        }
        let shape = &tile.shape;
        let cols = &self.scales.cols[shape.first_col..shape.first_col + shape.cols];
        let (mut classes, map) = (Vec::new(), &self.scales.map);
        match self.recipe.column_order {
            true => classes::classes(map, cols, &tile.rows, &mut classes),
            false => classes::classes(map, &tile.rows, cols, &mut classes),
        }
        Ok(coder.quantize(
            rates,
            &TileValues {
                values: tile.values,
                classes: &classes,
            },
        ))
    }

    /// A tile's payload, squared error and number of indices other than zero.
    fn code_tile(
        &self,
        tile: &LoadedTile<'_>,
        quantized: &Quantized,
        coder: TileCoder,
        contexts: &Contexts,
    ) -> (Vec<u8>, f64, u64) {
        let shape = &tile.shape;
        let (of_rows, of_columns) = self.tiles.error_weights(shape);
        let (of_lines, across, line) = match self.recipe.column_order {
            true => (of_columns, of_rows, shape.rows),
            false => (of_rows, of_columns, shape.cols),
        };
        let points = Points::new(&coder, contexts);
        let errors = points.squared_errors(tile.values, quantized, line, &across);
        let error = match &of_lines[..] {
            [] => errors.iter().sum(),
            weights => errors.iter().zip(weights).map(|(e, w)| e * w).sum(),
        };
        let coded = coder.code(contexts, quantized);
        let mut enc = Encoder::new();
        write_scales(&mut enc, &tile.rows);
        self.tiles.write_row_gains(&mut enc, shape);
        let payload = coded.payload(&enc.finish());
        let kept = quantized.indices.iter().filter(|&&k| k != 0).count();
        (payload, error, kept as u64)
    }
}

/// A tile as it is quantized.
struct LoadedTile<'v> {
    shape: TileShape,
    /// In the order of the symbols.
    values: &'v [f32],
    /// Scales of the rows.
    rows: Vec<i32>,
    /// The largest magnitude.
    largest: f32,
}
