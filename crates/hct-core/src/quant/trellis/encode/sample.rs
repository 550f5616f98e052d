//! A sample of a plane's values.

use crate::parallel;
use crate::recipe::{PlaneRecipe, TileShape};
use crate::simd::multiversion;

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
                max = max.max(largest(row));
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
        let energy = energy(&sample) / sample.len() as f64;
        Sample {
            values: sample,
            max,
            energy,
        }
    }
}

multiversion! {
    /// The largest magnitude; NaN is none.
    fn largest(values: &[f32]) -> f32 = largest_body;
}

#[inline(always)]
fn largest_body(values: &[f32]) -> f32 {
    // Sixteen at a time, so that none waits for the one before: the largest is the same in any order.
    let mut most = [0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (most, v) in most.iter_mut().zip(chunk) {
            *most = v.abs().max(*most);
        }
    }
    let of_rest = rest.iter().fold(0f32, |m, v| v.abs().max(m));
    most.iter().fold(of_rest, |m, &v| m.max(v))
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
