//! How much of the energy is in how few coefficients.

use crate::matrix::MatrixView;
use crate::plane::{Preparation, Tiles};
use crate::recipe::Quantizer;
use crate::{Error, Result};

/// The smallest share of the prepared coefficients of `matrix` that holds the share `energy` of
/// their squared sum. What one large mean does to it, adaptive retention has to know.
///
/// # Errors
/// When `energy` is not in (0, 1], tiles are too small or large, or a value is not finite.
pub fn energy_retention(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    energy: f64,
) -> Result<f64> {
    if !(energy > 0.0 && energy <= 1.0) {
        return Err(Error::argument(
            "energy share",
            format!("{energy} is not in (0, 1]"),
        ));
    }
    let tiles = Tiles::new(matrix, preparation)?;
    let recipe = tiles.recipe(Quantizer::Half);
    let mut magnitudes = Vec::with_capacity(matrix.len());
    for i in 0..recipe.tiles() {
        let values = tiles.load(&recipe.tile(i));
        tiles.largest(&values)?;
        magnitudes.extend(values.iter().map(|v| v.abs()));
    }
    magnitudes.sort_unstable_by(|a, b| b.total_cmp(a));
    let square = |v: &f32| f64::from(*v) * f64::from(*v);
    let wanted = energy * magnitudes.iter().map(square).sum::<f64>();
    let mut held = 0.0;
    let count = magnitudes
        .iter()
        .take_while(|v| {
            let more = held < wanted;
            held += square(v);
            more
        })
        .count();
    Ok(count.max(1) as f64 / magnitudes.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::Transform;

    #[test]
    fn the_largest_coefficients_are_counted() {
        let values = [3.0, 0.0, -4.0, 0.0, 0.0, 5.0, 0.0, 0.0];
        let matrix = MatrixView::from_values(&values, 2, 4).unwrap();
        let share =
            |energy| energy_retention(matrix, Preparation::tiled(Transform::None), energy).unwrap();
        assert_eq!(share(0.5), 1.0 / 8.0);
        assert_eq!(share(0.51), 2.0 / 8.0);
        assert_eq!(share(1.0), 3.0 / 8.0);
        // A constant is one coefficient.
        let flat = [7.0; 64];
        let matrix = MatrixView::from_values(&flat, 8, 8).unwrap();
        let how = Preparation::tiled(Transform::Dct2);
        assert_eq!(energy_retention(matrix, how, 0.99).unwrap(), 1.0 / 64.0);
        assert!(energy_retention(matrix, how, 1.5).is_err());
    }
}
