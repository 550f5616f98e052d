//! Encoding a whole plane at a step.

use std::ops::Range;

use super::analysis::{MAX_STEP, TrellisAnalysis, check_range};
use super::distortion::Points;
use super::search::{self, Quantized};
use super::statistics::Statistics;
use super::syntax::write_scales;
use super::tally::Tally;
use super::tile::{TileCoder, TileValues};
use super::training::Training;
use crate::comparison::tiles::{PlaneComparison, TileComparison, View, band_of};
use crate::entropy::binary::{Encoder, UintModel};
use crate::kernels::viterbi::Rates;
use crate::plane::EncodedPlane;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::{classes, columns};
use crate::recipe::TileShape;
use crate::scratch::with_values;
use crate::wire::put_blob;
use crate::{Dtype, Error, Result, parallel};

/// Tiles whose statistics make the final contexts; a plane of more uses tiles spread evenly.
const TRAINING_TILES: usize = 16;

impl TrellisAnalysis<'_> {
    /// Encodes the plane at `step`, starting from contexts trained at a step near it.
    ///
    /// # Errors
    /// When a value is not finite or too large, or the step is so small that an index would leave
    /// the exact range ([`Error::is_out_of_range`]); code the tensor losslessly then.
    pub fn encode(&self, step: f32, training: &Training) -> Result<EncodedPlane> {
        let (plane, _) = self.encode_seeing(step, training, None)?;
        Ok(plane)
    }

    /// The same, and what [`EncodedPlane::compare`] says of the plane and its matrix. Where values are coded as
    /// they are, row by row, nothing is decoded for it: the encoder knows what a decoder will make of its symbols.
    ///
    /// # Errors
    /// As [`TrellisAnalysis::encode`].
    pub fn encode_comparing(
        &self,
        step: f32,
        training: &Training,
        dtype: Dtype,
        center: Option<&[f32]>,
    ) -> Result<(EncodedPlane, PlaneComparison)> {
        let view = self.as_they_are().then_some(View { dtype, center });
        let (mut plane, comparison) = self.encode_seeing(step, training, view)?;
        let comparison = match comparison {
            Some(comparison) => comparison,
            None => plane.compare(*self.tiles.matrix(), dtype, center, None)?,
        };
        plane.squared_error = comparison.total().error;
        Ok((plane, comparison))
    }

    /// Whether the values of the matrix are coded as they are, row by row.
    fn as_they_are(&self) -> bool {
        self.tiles.unprepared().is_some() && !self.recipe.column_order
    }

    /// Encodes the plane; where there is a view, compares it as well.
    fn encode_seeing(
        &self,
        step: f32,
        training: &Training,
        view: Option<View<'_>>,
    ) -> Result<(EncodedPlane, Option<PlaneComparison>)> {
        let recipe = self.recipe;
        if !self.sample.max.is_finite() {
            return Err(Error::NotFinite);
        }
        if !(step > 0.0 && step < MAX_STEP) {
            return Err(Error::StepOutOfRange {
                step,
                least: self.min_step(),
                most: MAX_STEP,
            });
        }
        let coder = self.coder(step);
        let contexts_count = self.scales.map.classes * self.trellis.quantizers;
        let count = recipe.tiles();
        let training_tiles = count.min(TRAINING_TILES);
        let trained_on = |k: usize| (2 * k + 1) * count / (2 * training_tiles);
        let rates = training.contexts.rates(self.lambda(step));
        let trained = parallel::map(training_tiles, |k| {
            let mut tally = Tally::new(contexts_count, self.trellis.quantizers);
            let tile = self.quantized_tile(trained_on(k), coder, &rates, Some(&mut tally))?;
            Ok((tile, tally.finish()))
        });
        let trained = trained.into_iter().collect::<Result<Vec<_>>>()?;
        let mut stats = Statistics::new(contexts_count);
        trained.iter().for_each(|(_, s)| stats.merge(s));
        let contexts = Contexts::from_statistics(&stats, self.trellis.quantizers);
        let rates = contexts.rates(self.lambda(step));
        let coded = parallel::map(count, |i| {
            let known = (0..training_tiles).find(|&k| trained_on(k) == i);
            match known {
                Some(k) => self.code_tile(i, &trained[k].0, coder, &contexts, view),
                None => {
                    let tile = self.quantized_tile(i, coder, &rates, None)?;
                    self.code_tile(i, &tile, coder, &contexts, view)
                }
            }
        });
        let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
        let comparison = view.map(|view| {
            let tiles = coded.iter().enumerate();
            let tiles = tiles.map(|(i, tile)| (recipe.tile(i).first_row, &tile.compared));
            PlaneComparison::of_tiles(recipe.rows, view.center.is_some(), tiles)
        });
        let mut common = Vec::new();
        self.tiles.write_means(&mut common);
        common.extend_from_slice(&step.to_le_bytes());
        let mut enc = Encoder::new();
        self.scales.map.write(&mut enc, &mut UintModel::new());
        write_scales(&mut enc, &self.scales.cols);
        self.tiles.write_column_gains(&mut enc);
        put_blob(&mut common, &enc.finish());
        let mut enc = Encoder::new();
        contexts.write(&mut enc, self.trellis.quantizers, stats.precision());
        put_blob(&mut common, &enc.finish());
        let plane = EncodedPlane {
            recipe,
            common,
            squared_error: coded.iter().map(|tile| tile.squared_error).sum(),
            kept: coded.iter().map(|tile| tile.kept).sum(),
            tiles: coded.into_iter().map(|tile| tile.payload).collect(),
        };
        Ok((plane, comparison))
    }

    /// Quantizes tile `i`, and counts it if there is a `tally`.
    ///
    /// # Errors
    /// When a value is not finite or too large, or an index would leave the exact range.
    fn quantized_tile(
        &self,
        i: usize,
        coder: TileCoder,
        rates: &Rates,
        mut tally: Option<&mut Tally>,
    ) -> Result<QuantizedTile> {
        let shape = self.recipe.tile(i);
        let inverse = 1.0 / coder.step;
        let mut count = |values: &[f32], indices: &[i32], contexts: &[u8]| {
            if let Some(tally) = &mut tally {
                tally.add((values, inverse), (indices, contexts));
            }
        };
        if self.trellis.states == 1 && self.as_they_are() {
            // Values that do not know of each other are quantized and counted while they are in a cache.
            let mut found = Measured::default();
            self.tiles
                .each_band(&shape, |_, values| self.measure(&shape, values, &mut found))?;
            let rows = found.in_range(coder.step)?;
            let contexts = self.classes(&shape, &rows);
            let mut indices = vec![0; shape.len()];
            self.tiles.each_band(&shape, |at, values| {
                search::scalar(inverse, values, &mut indices[at.clone()]);
                count(values, &indices[at.clone()], &contexts[at]);
                Ok(())
            })?;
            let quantized = Quantized { indices, contexts };
            return Ok(QuantizedTile { rows, quantized });
        }
        with_values(shape.len(), |values| {
            self.tiles.load_into(&shape, values);
            let mut found = Measured::default();
            self.measure(&shape, values, &mut found)?;
            let rows = found.in_range(coder.step)?;
            let classes = self.classes(&shape, &rows);
            let quantized = self.in_order(&shape, values, |values| {
                let classes = &classes;
                let quantized = coder.quantize(rates, &TileValues { values, classes });
                count(values, &quantized.indices, &quantized.contexts);
                quantized
            });
            Ok(QuantizedTile { rows, quantized })
        })
    }

    /// Calls `f` with the values of a tile in the order of its symbols.
    fn in_order<R>(&self, shape: &TileShape, values: &[f32], f: impl FnOnce(&[f32]) -> R) -> R {
        match self.recipe.column_order {
            true => with_values(shape.len(), |turned| {
                columns::transpose(values, shape.cols, turned);
                f(turned)
            }),
            false => f(values),
        }
    }

    /// Adds what there is to know of rows of a tile.
    fn measure(&self, shape: &TileShape, rows: &[f32], found: &mut Measured) -> Result<()> {
        found.largest = found.largest.max(self.tiles.largest(rows)?);
        let scales = self.scales.row_scales(rows, shape.cols, shape.first_col);
        found.rows.extend(scales);
        Ok(())
    }

    /// Classes of the values of a tile, in the order of its symbols.
    fn classes(&self, shape: &TileShape, rows: &[i32]) -> Vec<u8> {
        let cols = &self.scales.cols[shape.first_col..shape.first_col + shape.cols];
        let (mut classes, map) = (Vec::new(), &self.scales.map);
        match self.recipe.column_order {
            true => classes::classes(map, cols, rows, &mut classes),
            false => classes::classes(map, rows, cols, &mut classes),
        }
        classes
    }

    /// Codes a tile, and compares it where there is a view.
    fn code_tile(
        &self,
        i: usize,
        tile: &QuantizedTile,
        coder: TileCoder,
        contexts: &Contexts,
        view: Option<View<'_>>,
    ) -> Result<CodedTile> {
        let shape = self.recipe.tile(i);
        let points = Points::new(&coder, contexts);
        let (squared_error, compared) = match view {
            Some(view) => (0.0, self.compare(&shape, &tile.quantized, &points, view)?),
            None => {
                let error = self.squared_error(&shape, &tile.quantized, &points)?;
                (error, TileComparison::default())
            }
        };
        let coded = coder.code(contexts, &tile.quantized);
        let mut enc = Encoder::new();
        write_scales(&mut enc, &tile.rows);
        self.tiles.write_row_gains(&mut enc, &shape);
        Ok(CodedTile {
            payload: coded.payload(&enc.finish()),
            squared_error,
            kept: tile.quantized.kept(),
            compared,
        })
    }

    /// Compares a tile of values that are coded as they are.
    fn compare(
        &self,
        shape: &TileShape,
        quantized: &Quantized,
        points: &Points,
        view: View<'_>,
    ) -> Result<TileComparison> {
        let mut compared = TileComparison::default();
        with_values(band_of(shape), |decoded| {
            self.tiles.each_band(shape, |at, values| {
                let decoded = &mut decoded[..values.len()];
                points.decode(quantized.part(at), decoded);
                compared.add(shape, (values, decoded), view);
                Ok(())
            })
        })?;
        Ok(compared)
    }

    /// The squared error of a tile.
    fn squared_error(
        &self,
        shape: &TileShape,
        quantized: &Quantized,
        points: &Points,
    ) -> Result<f64> {
        let (of_rows, of_columns) = self.tiles.error_weights(shape);
        let (of_lines, across, line) = match self.recipe.column_order {
            true => (of_columns, of_rows, shape.rows),
            false => (of_rows, of_columns, shape.cols),
        };
        let mut errors = Vec::new();
        let mut add = |at: Range<usize>, values: &[f32]| {
            points.squared_errors(values, quantized.part(at), (line, &across), &mut errors);
        };
        // In column order bands are no part of the order: they are compared all at once.
        match self.recipe.column_order {
            true => with_values(shape.len(), |values| {
                self.tiles.load_into(shape, values);
                self.in_order(shape, values, |values| add(0..shape.len(), values));
            }),
            false => self.tiles.each_band(shape, |at, values| {
                add(at, values);
                Ok(())
            })?,
        }
        Ok(match &of_lines[..] {
            [] => errors.iter().sum(),
            weights => errors.iter().zip(weights).map(|(e, w)| e * w).sum(),
        })
    }
}

/// What is found of a tile before it is quantized.
#[derive(Default)]
struct Measured {
    /// The largest magnitude.
    largest: f32,
    /// Scales of the rows.
    rows: Vec<i32>,
}

impl Measured {
    /// The scales, if every index at `step` is in the exact range.
    fn in_range(self, step: f32) -> Result<Vec<i32>> {
        check_range(self.largest, step)?;
        Ok(self.rows)
    }
}

/// A tile between quantization and entropy coding.
struct QuantizedTile {
    /// Scales of the rows.
    rows: Vec<i32>,
    quantized: Quantized,
}

/// A tile once coded.
struct CodedTile {
    payload: Vec<u8>,
    /// 0 where it was compared: that of the comparison counts.
    squared_error: f64,
    /// Indices other than zero.
    kept: u64,
    /// Empty where nothing was compared.
    compared: TileComparison,
}
