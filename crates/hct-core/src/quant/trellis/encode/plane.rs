//! Encoding a whole plane at a step.

use super::analysis::{MAX_INDEX, MAX_STEP, TrellisAnalysis};
use super::search::Quantized;
use super::statistics::Statistics;
use super::syntax::write_scales;
use super::tile::{TileCoder, TileValues};
use super::training::Training;
use crate::entropy::binary::{Encoder, UintModel};
use crate::plane::EncodedPlane;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::{classes, columns};
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
        let costs = training.contexts.costs(self.lambda(step));
        let trained = parallel::map(training_tiles, |k| {
            let tile = self.quantized_tile(trained_on(k), coder, &costs)?;
            let stats = coder.statistics(&tile.values, &tile.quantized, contexts_count);
            Ok((tile, stats))
        });
        let trained = trained.into_iter().collect::<Result<Vec<_>>>()?;
        let mut stats = Statistics::new(contexts_count);
        trained.iter().for_each(|(_, s)| stats.merge(s));
        let contexts = Contexts::from_statistics(&stats, self.trellis.quantizers());
        let costs = contexts.costs(self.lambda(step));
        let coded = parallel::map(count, |i| {
            let known = (0..training_tiles).find(|&k| trained_on(k) == i);
            match known {
                Some(k) => Ok(self.code_tile(i, &trained[k].0, coder, &contexts)),
                None => {
                    let tile = self.quantized_tile(i, coder, &costs)?;
                    Ok(self.code_tile(i, &tile, coder, &contexts))
                }
            }
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

    fn quantized_tile(&self, i: usize, coder: TileCoder, costs: &[f32]) -> Result<QuantizedTile> {
        let tile = self.recipe.tile(i);
        let values = self.tiles.load(&tile);
        let max = self.tiles.largest(&values)?;
        if max / coder.step > MAX_INDEX {
            return Err(Error::StepOutOfRange {
                step: coder.step,
                least: max / MAX_INDEX,
                most: MAX_STEP,
            });
        }
        let rows = self.scales.row_scales(&values, tile.cols, tile.first_col);
        let cols = &self.scales.cols[tile.first_col..tile.first_col + tile.cols];
        let (mut classes, map) = (Vec::new(), &self.scales.map);
        let values = if self.recipe.column_order {
            let mut turned = vec![0.0; values.len()];
            columns::transpose(&values, tile.cols, &mut turned);
            classes::classes(map, cols, &rows, &mut classes);
            turned
        } else {
            classes::classes(map, &rows, cols, &mut classes);
            values
        };
        let quantized = coder.quantize(
            costs,
            &TileValues {
                values: &values,
                classes: &classes,
            },
        );
        Ok(QuantizedTile {
            values,
            rows,
            quantized,
        })
    }

    /// A tile's payload, squared error and number of indices other than zero.
    fn code_tile(
        &self,
        i: usize,
        tile: &QuantizedTile,
        coder: TileCoder,
        contexts: &Contexts,
    ) -> (Vec<u8>, f64, u64) {
        let shape = self.recipe.tile(i);
        let (of_rows, of_columns) = self.tiles.error_weights(&shape);
        let (of_lines, across, line) = match self.recipe.column_order {
            true => (of_columns, of_rows, shape.rows),
            false => (of_rows, of_columns, shape.cols),
        };
        let errors = coder.squared_errors(contexts, &tile.values, &tile.quantized, line, &across);
        let error = match &of_lines[..] {
            [] => errors.iter().sum(),
            weights => errors.iter().zip(weights).map(|(e, w)| e * w).sum(),
        };
        let coded = coder.code(contexts, &tile.quantized);
        let mut enc = Encoder::new();
        write_scales(&mut enc, &tile.rows);
        self.tiles.write_row_gains(&mut enc, &shape);
        let mut payload = Vec::with_capacity(coded.stream.len() + coded.patches.len() + 64);
        put_blob(&mut payload, &enc.finish());
        put_blob(&mut payload, &coded.patches);
        payload.extend(coded.stream);
        let kept = tile.quantized.indices.iter().filter(|&&k| k != 0).count();
        (payload, error, kept as u64)
    }
}

/// A tile between quantization and entropy coding.
struct QuantizedTile {
    /// In the order of the symbols.
    values: Vec<f32>,
    rows: Vec<i32>,
    quantized: Quantized,
}
