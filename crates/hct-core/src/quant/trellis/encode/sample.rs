//! A sample of a plane's values.

use crate::parallel;
use crate::recipe::{PlaneRecipe, TileShape};

/// Values that estimates and context training look at.
const SAMPLE: usize = 1 << 18;

/// Whole tile rows spread evenly over a few tiles spread evenly.
pub(super) struct Sample {
    pub values: Vec<f32>,
    /// Largest magnitude of the tiles looked at.
    pub max: f32,
    /// Mean square of the sampled values.
    pub energy: f64,
}

impl Sample {
    /// Samples the plane whose tiles `load` gives.
    pub fn draw(recipe: &PlaneRecipe, load: impl Fn(&TileShape) -> Vec<f32> + Sync + Send) -> Self {
        let count = recipe.tiles();
        let looked_at = count.min(4);
        let loaded = parallel::map(looked_at, |k| {
            let tile = recipe.tile((2 * k + 1) * count / (2 * looked_at));
            (tile, load(&tile))
        });
        let cols = recipe.tile_cols;
        let total_rows: usize = loaded
            .iter()
            .filter(|(t, _)| t.cols == cols)
            .map(|(t, _)| t.rows)
            .sum();
        let stride = (total_rows * cols)
            .div_ceil(SAMPLE)
            .clamp(1, total_rows.max(1));
        let mut max = 0f32;
        let mut sample = Vec::new();
        let mut row_number = 0;
        for (tile, values) in loaded.iter().filter(|(t, _)| t.cols == cols) {
            for row in values.chunks_exact(tile.cols) {
                max = row.iter().fold(max, |m, v| v.abs().max(m));
                if row_number % stride == 0 {
                    sample.extend_from_slice(row);
                }
                row_number += 1;
            }
        }
        if sample.is_empty() {
            let (_, values) = &loaded[0];
            sample.extend_from_slice(values);
        }
        let energy =
            sample.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / sample.len() as f64;
        Sample {
            values: sample,
            max,
            energy,
        }
    }
}
