//! Encoding sparse planes: the coefficients of largest magnitude, as block integers or FP16.

use super::tiles::Tiles;
use super::{EncodedPlane, Preparation};
use crate::matrix::MatrixView;
use crate::quant::{block, half};
use crate::recipe::Quantizer;
use crate::{Error, Result, parallel, position};

/// The number format of the kept coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparseFormat {
    /// 4-bit integers, FP16 scale per 32.
    Int4,
    /// 8-bit integers, FP16 scale per 32.
    Int8,
    /// FP16.
    Half,
}

impl SparseFormat {
    fn quantizer(self) -> Quantizer {
        match self {
            SparseFormat::Int4 => Quantizer::Block(block::BlockBits::Int4),
            SparseFormat::Int8 => Quantizer::Block(block::BlockBits::Int8),
            SparseFormat::Half => Quantizer::Half,
        }
    }
}

/// Encodes the ⌈`retention`·n⌉ coefficients of largest magnitude, per tile or, when the
/// transform spans the plane, of the plane.
///
/// # Errors
/// When `retention` is not in (0, 1] or a value is not finite or, before a transform,
/// within a few thousandfold of the end of the f32 range.
pub fn encode_sparse(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    format: SparseFormat,
    retention: f64,
) -> Result<EncodedPlane> {
    if !(retention > 0.0 && retention <= 1.0) {
        return Err(Error::Encode(format!(
            "retention {retention} is not in (0, 1]"
        )));
    }
    let tiles = Tiles::new(matrix, preparation);
    let recipe = tiles.recipe(format.quantizer());
    let whole_mask = tiles
        .whole()
        .map(|values| position::keep_largest(values, retention));
    let coded = parallel::map(recipe.tiles(), |i| {
        let tile = recipe.tile(i);
        let values = tiles.load(&tile);
        tiles.largest(&values)?;
        let mask = match &whole_mask {
            Some(mask) => mask[tile.first..tile.first + tile.len()].to_vec(),
            None => position::keep_largest(&values, retention),
        };
        let mut back = vec![0.0; values.len()];
        let payload = match recipe.quantizer {
            Quantizer::Block(bits) => {
                let payload = block::encode(&values, &mask, tile.cols, bits);
                block::decode(&payload, tile.cols, bits, &mut back).map(|()| payload)
            }
            _ => {
                let payload = half::encode(&values, &mask, tile.cols);
                half::decode(&payload, tile.cols, &mut back).map(|()| payload)
            }
        };
        let error: f64 = values
            .iter()
            .zip(&back)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum();
        payload.map(|p| (p, error))
    });
    let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
    let squared_error = coded.iter().map(|(_, e)| e).sum();
    let mut common = Vec::new();
    tiles.write_means(&mut common);
    let tiles = coded.into_iter().map(|(p, _)| p).collect();
    Ok(EncodedPlane {
        recipe,
        common,
        tiles,
        squared_error,
    })
}
