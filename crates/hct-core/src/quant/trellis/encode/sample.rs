//! A sample of a plane's values.

use super::tiles::GainTiles;
use crate::magnitudes::largest;
use crate::parallel;
use crate::recipe::{PlaneRecipe, TileShape};
use crate::scratch::with_values;
use crate::simd::multiversion;

/// Values that estimates and context training look at.
const SAMPLE: usize = 1 << 18;
/// Tiles that they are taken from.
const TILES: usize = 4;

/// Whole tile rows spread evenly over a few tiles spread evenly.
pub(super) struct Sample {
    pub values: Vec<f32>,
    /// Largest magnitude of the tiles looked at, infinite where one is not finite.
    pub max: f32,
    /// Mean square of the sampled values.
    pub energy: f64,
}

impl Sample {
    /// Samples the plane of `tiles`, which `recipe` describes.
    pub fn draw(recipe: &PlaneRecipe, tiles: &GainTiles<'_>) -> Self {
        let count = recipe.tiles();
        let looked_at = count.min(TILES);
        let shapes = (0..looked_at).map(|k| recipe.tile((2 * k + 1) * count / (2 * looked_at)));
        let mut shapes: Vec<TileShape> = shapes.collect();
        // Pieces of rows at their ends may be narrower: their columns are not the others'.
        if shapes.iter().any(|tile| tile.cols == recipe.tile_cols) {
            shapes.retain(|tile| tile.cols == recipe.tile_cols);
        } else {
            shapes.truncate(1);
        }
        // Numbers of the first rows of tiles, and of all rows.
        let mut rows = 0;
        let numbered: Vec<(usize, TileShape)> = shapes
            .into_iter()
            .map(|tile| {
                rows += tile.rows;
                (rows - tile.rows, tile)
            })
            .collect();
        let stride = (rows * recipe.tile_cols).div_ceil(SAMPLE).max(1);
        let parts = parallel::map(numbered.len(), |k| {
            let (first, tile) = &numbered[k];
            let sampled = (0..tile.rows).filter(|row| (first + row) % stride == 0);
            part(tiles, tile, sampled)
        });
        // No step is right for what encoding will refuse.
        let max = parts
            .iter()
            .fold(0f32, |max, (largest, _)| match largest.is_finite() {
                true => max.max(*largest),
                false => f32::INFINITY,
            });
        let values = parts.iter().map(|(_, part)| &part[..]);
        let values = values.collect::<Vec<_>>().concat();
        let energy = energy(&values) / values.len() as f64;
        Sample {
            values,
            max,
            energy,
        }
    }
}

/// The largest magnitude of a tile and its `sampled` rows.
fn part(
    tiles: &GainTiles<'_>,
    tile: &TileShape,
    sampled: impl Iterator<Item = usize>,
) -> (f32, Vec<f32>) {
    let mut rows = Vec::new();
    if let Some(matrix) = tiles.unprepared() {
        for row in sampled {
            let at = rows.len();
            rows.resize(at + tile.cols, 0.0);
            matrix.read(tile.first + row * tile.cols, &mut rows[at..]);
        }
        return (matrix.largest(tile.first, tile.len()), rows);
    }
    with_values(tile.len(), |values| {
        tiles.load_into(tile, values);
        for row in sampled {
            rows.extend_from_slice(&values[row * tile.cols..][..tile.cols]);
        }
        (largest(values), rows)
    })
}

multiversion! {
    /// Sum of squares.
    fn energy(values: &[f32]) -> f64 = energy_body;
}

#[inline(always)]
fn energy_body(values: &[f32]) -> f64 {
    // Partial sums, in an order that the source fixes.
    let mut sums = [0f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, &v) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(v) * f64::from(v);
        }
    }
    let of_rest: f64 = rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    sums.iter().sum::<f64>() + of_rest
}
