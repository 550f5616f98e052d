//! An adapter merged into its base.

use rayon::prelude::*;

use crate::gaussian::seeded_gaussian;

/// Components of the adapter.
const RANK: usize = 16;
/// Frobenius norm of what it adds to a layer, over that of the layer.
const SCALE: f64 = 0.02;

/// Adds a product of two Gaussian factors.
pub fn merge(number: u64, values: &mut [f32], cols: usize) {
    let rows = values.len() / cols;
    // Seeds far apart: the generator's streams of neighbouring seeds overlap.
    let seed = number << 40;
    let up = seeded_gaussian(rows * RANK, seed);
    let down = seeded_gaussian(RANK * cols, seed + (1 << 39));
    let mut added = vec![0f32; values.len()];
    added
        .par_chunks_mut(cols)
        .zip(up.par_chunks(RANK))
        .for_each(|(row, up)| {
            for (component, &u) in up.iter().enumerate() {
                let down = &down[component * cols..(component + 1) * cols];
                row.iter_mut().zip(down).for_each(|(r, &d)| *r += u * d);
            }
        });
    let norm = |values: &[f32]| {
        let squares = values.iter().map(|&v| f64::from(v) * f64::from(v));
        squares.sum::<f64>().sqrt()
    };
    let factor = SCALE * norm(values) / norm(&added);
    for (value, added) in values.iter_mut().zip(added) {
        *value += (factor * f64::from(added)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_moves_by_the_scale() {
        let before = seeded_gaussian(32 * 64, 5);
        let mut after = before.clone();
        merge(1, &mut after, 64);
        let squares = |v: &[f32]| v.iter().map(|&x| f64::from(x * x)).sum::<f64>();
        let moved: Vec<f32> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        let relative = (squares(&moved) / squares(&before)).sqrt();
        assert!((relative - SCALE).abs() < 1e-6, "{relative}");
        let mut other = before.clone();
        merge(2, &mut other, 64);
        assert_ne!(after, other);
    }
}
