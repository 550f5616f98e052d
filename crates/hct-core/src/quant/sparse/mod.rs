//! Encoding sparse planes: the coefficients of largest magnitude, as block integers or FP16.

mod energy;
mod retain;

pub use energy::energy_retention;

use crate::matrix::MatrixView;
use crate::plane::{EncodedPlane, Preparation, Tiles};
use crate::quant::{block, half, kept};
use crate::recipe::{BlockBits, Quantizer};
use crate::{Error, Result, parallel};

/// The number format of the kept coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
            SparseFormat::Int4 => Quantizer::Block(BlockBits::Int4),
            SparseFormat::Int8 => Quantizer::Block(BlockBits::Int8),
            SparseFormat::Half => Quantizer::Half,
        }
    }
}

/// Which coefficients a sparse plane holds, by rank of magnitude, and how it says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// Share of the coefficients that are kept, the largest first, in (0, 1].
    pub keep: f64,
    /// Share of the coefficients, the very largest, left to another fragment; less than `keep`.
    pub skip: f64,
    /// Whether dropped coefficients are coded as zeros, which takes no mask of positions but a
    /// symbol each.
    pub zeros: bool,
    /// Consecutive coefficients that are kept or dropped together, by their energy: the larger,
    /// the fewer bits positions take.
    pub group: usize,
}

impl From<f64> for Selection {
    /// The largest, positions as a mask.
    fn from(retention: f64) -> Self {
        Selection {
            keep: retention,
            skip: 0.0,
            zeros: false,
            group: 1,
        }
    }
}

impl Selection {
    fn check(&self) -> Result<()> {
        let Selection { keep, skip, .. } = *self;
        if !(keep > 0.0 && keep <= 1.0) {
            return Err(Error::argument(
                "retention",
                format!("{keep} is not in (0, 1]"),
            ));
        }
        if !(skip >= 0.0 && skip < keep) {
            return Err(Error::argument(
                "share to skip",
                format!("{skip} is not in [0, {keep})"),
            ));
        }
        if self.group == 0 {
            return Err(Error::argument("group", "needs a coefficient"));
        }
        Ok(())
    }

    fn mask(&self, values: &[f32]) -> Vec<bool> {
        if self.group > 1 {
            let square = |v: &f32| f64::from(*v) * f64::from(*v);
            let norm = |group: &[f32]| group.iter().map(square).sum::<f64>().sqrt() as f32;
            let norms: Vec<f32> = values.chunks(self.group).map(norm).collect();
            let of_groups = Selection { group: 1, ..*self }.mask(&norms);
            return (0..values.len())
                .map(|i| of_groups[i / self.group])
                .collect();
        }
        let mut mask = retain::keep_largest(values, self.keep);
        if self.skip > 0.0 {
            let skipped = retain::keep_largest(values, self.skip);
            mask.iter_mut().zip(skipped).for_each(|(m, s)| *m &= !s);
        }
        mask
    }
}

/// Encodes the selected coefficients, by default the ⌈ρ·n⌉ of largest magnitude for a retention
/// ρ, per tile or, when the transform spans the plane, of the plane.
///
/// # Errors
/// When shares or tiles are out of range, or a value is not finite or, before a transform, within a few
/// thousandfold of the end of the f32 range.
pub fn encode_sparse(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    format: SparseFormat,
    selection: impl Into<Selection>,
) -> Result<EncodedPlane> {
    let selection = selection.into();
    selection.check()?;
    let tiles = Tiles::new(matrix, preparation)?;
    let recipe = tiles.recipe(format.quantizer());
    let whole_mask = tiles.whole().map(|values| selection.mask(values));
    let coded = parallel::map(recipe.tiles(), |i| {
        let tile = recipe.tile(i);
        let values = tiles.load(&tile);
        tiles.largest(&values)?;
        let mask = match &whole_mask {
            Some(mask) => mask[tile.first..tile.first + tile.len()].to_vec(),
            None => selection.mask(&values),
        };
        let kept = kept::count(&mask);
        let (mut payload, back) = if selection.zeros {
            let mut zeroed = values.clone();
            let dropped = zeroed.iter_mut().zip(&mask).filter(|&(_, &keep)| !keep);
            dropped.for_each(|(v, _)| *v = 0.0);
            code(
                &zeroed,
                &vec![true; mask.len()],
                tile.cols,
                recipe.quantizer,
            )?
        } else {
            code(&values, &mask, tile.cols, recipe.quantizer)?
        };
        // Held until the tensor is written.
        payload.shrink_to_fit();
        let error: f64 = values
            .iter()
            .zip(&back)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum();
        Ok((payload, error, kept as u64))
    });
    let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
    let mut common = Vec::new();
    tiles.write_means(&mut common);
    Ok(EncodedPlane {
        recipe,
        common,
        squared_error: coded.iter().map(|(_, e, _)| e).sum(),
        kept: coded.iter().map(|(_, _, kept)| kept).sum(),
        tiles: coded.into_iter().map(|(p, ..)| p).collect(),
    })
}

/// A tile's payload and what decodes from it.
fn code(
    values: &[f32],
    mask: &[bool],
    row: usize,
    quantizer: Quantizer,
) -> Result<(Vec<u8>, Vec<f32>)> {
    let mut back = vec![0.0; values.len()];
    let payload = match quantizer {
        Quantizer::Block(bits) => block::encode::encode(values, mask, row, bits, &mut back),
        _ => {
            let payload = half::encode::encode(values, mask, row);
            half::decode(&payload, row, &mut back)?;
            payload
        }
    };
    Ok((payload, back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::{Section, Sections};
    use crate::transform::Transform;

    fn values() -> Vec<f32> {
        let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        (0..2048u32).map(|i| noise(i + 1)).collect()
    }

    fn plane(values: &[f32], selection: Selection) -> EncodedPlane {
        let matrix = MatrixView::from_values(values, 32, 64).unwrap();
        let how = Preparation::tiled(Transform::Dct2);
        encode_sparse(matrix, how, SparseFormat::Half, selection).unwrap()
    }

    #[test]
    fn bands_of_magnitude_add_up_to_all_that_is_kept() {
        let values = values();
        let band = |skip, keep: f64| Selection {
            skip,
            ..keep.into()
        };
        let (low, high) = (plane(&values, band(0.25, 0.8)), plane(&values, 0.25.into()));
        let both = plane(&values, 0.8.into());
        assert_eq!(low.kept() + high.kept(), both.kept());
        assert_eq!(high.kept(), 512);
        let (low, high) = (low.decode().unwrap(), high.decode().unwrap());
        for ((l, h), b) in low.iter().zip(&high).zip(both.decode().unwrap()) {
            assert!((l + h - b).abs() < 2e-3);
        }
    }

    #[test]
    fn zeros_stand_for_positions() {
        let values = values();
        let zeros = Selection {
            zeros: true,
            ..0.5.into()
        };
        let (masked, zeroed) = (plane(&values, 0.5.into()), plane(&values, zeros));
        assert_eq!(masked.kept(), zeroed.kept());
        assert_eq!(masked.decode().unwrap(), zeroed.decode().unwrap());
    }

    #[test]
    fn groups_stay_together_and_their_positions_cost_little() {
        let values = values();
        let grouped = Selection {
            group: 32,
            ..0.25.into()
        };
        let matrix = MatrixView::from_values(&values, 32, 64).unwrap();
        let how = Preparation::tiled(Transform::None);
        let code = |s: Selection| encode_sparse(matrix, how, SparseFormat::Half, s).unwrap();
        let (groups, single) = (code(grouped), code(0.25.into()));
        assert_eq!((groups.kept(), single.kept()), (512, 512));
        let back = groups.decode().unwrap();
        for group in back.chunks(32) {
            let zeros = group.iter().filter(|&&v| v == 0.0).count();
            assert!(zeros == 0 || zeros == 32, "{zeros}");
        }
        let positions = |p: &EncodedPlane| {
            let mut sections = Sections::default();
            half::sections(&p.tiles[0], &mut sections).unwrap();
            sections.bytes[Section::Positions as usize]
        };
        assert!(positions(&groups) < positions(&single) / 3);
    }

    #[test]
    fn shares_out_of_range_are_refused() {
        let values = values();
        let matrix = MatrixView::from_values(&values, 32, 64).unwrap();
        for (skip, keep) in [
            (0.0, 0.0),
            (0.0, 1.1),
            (0.5, 0.5),
            (-0.1, 0.5),
            (f64::NAN, 1.0),
        ] {
            let selection = Selection {
                skip,
                ..f64::into(keep)
            };
            let how = Preparation::tiled(Transform::None);
            assert!(encode_sparse(matrix, how, SparseFormat::Int4, selection).is_err());
        }
    }
}
