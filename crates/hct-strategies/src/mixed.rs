//! Mixed precision: INT4 for most coefficients, FP16 where it matters.

use hct_core::{
    EncodedFragment, MatrixView, Preparation, Result, Selection, SparseFormat, Transform,
    encode_sparse,
};

use crate::engine::subtract;
use crate::lossless::unchanged;
use crate::preset::{Options, with_options};
use crate::{Coded, Preset, Strategy, StrategyName, TensorView, sparse};

/// Coefficients that are refined together: as many as share an INT4 scale, and so the size of
/// their errors. One by one, positions would take a tenth of the bytes.
const GROUP: usize = 32;

/// Keeps a share ρ of the coefficients, and a share of those in FP16.
///
/// The viable preset codes all coefficients as INT4 first, dropped ones as the integer 0, so that
/// no positions are stored; then it refines the blocks that INT4 left furthest off by what is
/// missing, in FP16, their positions entropy-coded. The INT4 base is usable alone. The classic preset has
/// the order as first described: the largest coefficients in FP16, then the next ones in INT4,
/// both with masks.
#[derive(Clone, Copy, Debug)]
pub struct MixedPrecisionEncoder {
    retention: f64,
    fp16_ratio: f64,
    options: Options,
}

impl MixedPrecisionEncoder {
    /// Keeps the fraction `retention` in (0, 1] of the coefficients, and `fp16_ratio` of those in
    /// FP16, from 0 to 1.
    pub fn new(retention: f64, fp16_ratio: f64) -> Self {
        MixedPrecisionEncoder {
            retention,
            fp16_ratio: fp16_ratio.clamp(0.0, 1.0),
            options: Options::default(),
        }
    }

    fn classic(&self, matrix: MatrixView<'_>) -> Result<Vec<EncodedFragment>> {
        let (how, count) = (sparse::dct2(Preset::Classic), self.options.fragments());
        let fine = self.fp16_ratio * self.retention;
        let mut fragments = Vec::new();
        if fine > 0.0 {
            fragments = sparse::fragments(matrix, how, SparseFormat::Half, (0.0, fine), 1)?;
        }
        if fine < self.retention {
            let band = (fine, self.retention);
            let count = (count - fragments.len()).max(1);
            fragments.extend(sparse::fragments(
                matrix,
                how,
                SparseFormat::Int4,
                band,
                count,
            )?);
        }
        Ok(fragments)
    }

    fn viable(&self, matrix: MatrixView<'_>) -> Result<Vec<EncodedFragment>> {
        let selection = Selection {
            zeros: true,
            ..self.retention.into()
        };
        let how = preparation(matrix, selection)?;
        let fine = self.fp16_ratio * self.retention;
        let bands = self.options.fragments().saturating_sub(1).max(1);
        let base = match bands {
            1 => selection,
            // A band drops so much that a mask is cheaper than zeros.
            _ => (self.retention / bands as f64).into(),
        };
        let plane = encode_sparse(matrix, how, SparseFormat::Int4, base)?;
        let mut sum = plane.decode()?;
        let mut fragments = vec![EncodedFragment::Plane(plane)];
        // Later fragments correct what the earlier ones leave, the largest coefficients first.
        let how = Preparation {
            remove_means: false,
            ..how
        };
        let mut refine = |format, selection: Selection| -> Result<()> {
            let rest = subtract(matrix, &sum);
            let rest = MatrixView::from_values(&rest, matrix.rows(), matrix.cols())?;
            let plane = encode_sparse(rest, how, format, selection)?;
            sum.iter_mut()
                .zip(plane.decode()?)
                .for_each(|(s, v)| *s += v);
            fragments.push(EncodedFragment::Plane(plane));
            Ok(())
        };
        for _ in 1..bands {
            refine(SparseFormat::Int4, base)?;
        }
        if fine > 0.0 {
            let groups = Selection {
                group: GROUP,
                ..fine.into()
            };
            refine(SparseFormat::Half, groups)?;
        }
        Ok(fragments)
    }
}

/// The preparation after which INT4 does best: of those with about the same size the one of least
/// error, counting 6 dB a bit.
fn preparation(matrix: MatrixView<'_>, selection: Selection) -> Result<Preparation> {
    let means = Preparation {
        remove_means: true,
        ..Preparation::tiled(Transform::None)
    };
    let mut best = (f64::INFINITY, Preparation::tiled(Transform::Dct2));
    for how in [
        Preparation::tiled(Transform::None),
        means,
        Preparation::tiled(Transform::Dct2),
    ] {
        let plane = encode_sparse(matrix, how, SparseFormat::Int4, selection)?;
        let n = matrix.len() as f64;
        let bits = 8.0 * plane.payload_bytes() as f64 / n;
        let cost = bits + 0.5 * libm::log2((plane.squared_error() / n).max(f64::MIN_POSITIVE));
        if cost < best.0 {
            best = (cost, how);
        }
    }
    Ok(best.1)
}

with_options!(MixedPrecisionEncoder);

impl Strategy for MixedPrecisionEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Mixed.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        sparse::check_retention(self.retention)?;
        if let Some(coded) = unchanged(tensor, self.name())? {
            return Ok(coded);
        }
        let matrix = tensor.matrix()?;
        let fragments = match self.options.preset {
            Preset::Classic => self.classic(matrix),
            Preset::Viable => self.viable(matrix),
        };
        sparse::coded(tensor, fragments, self.name())
    }
}
