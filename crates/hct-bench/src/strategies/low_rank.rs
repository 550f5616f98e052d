//! Table 2: factors on a matrix that is exactly of low rank, but for a little noise.

use anyhow::Result;
use hct_core::{Dtype, TensorMeta, add_product};
use hct_strategies::{StrategyName, StrategySpec};
use serde::{Deserialize, Serialize};

use crate::comparison::code;
use crate::contestant::Ours;
use crate::gaussian::standard_gaussian;
use crate::matrix::Matrix;
use crate::text::cells::thousands;
use crate::text::cells::{self, bits};
use crate::text::table::table;

const SIZE: usize = 4096;
const RANK: usize = 64;
/// Energy of the noise: 1 % of the amplitude.
const NOISE: f64 = 1e-4;
/// Most components to look for: more than there are, so that the choice means something.
const MOST: usize = 128;
/// Relative mean squared errors: above the noise, and below it.
const TARGETS: [f64; 2] = [2e-4, 5e-5];

/// Factors and `rdo` on the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowRank {
    /// Elements of the matrix.
    pub weights: u64,
    /// One pair of codings per target.
    pub rows: Vec<LowRankRow>,
}

/// Both at one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowRankRow {
    /// Relative mean squared error asked for.
    pub target: f64,
    /// Bytes of viable `svd`.
    pub svd_bytes: u64,
    /// Its relative mean squared error.
    pub svd_rel_mse: f64,
    /// The rank it chose.
    pub rank: Option<usize>,
    /// Bytes of `rdo`.
    pub rdo_bytes: u64,
    /// Its relative mean squared error.
    pub rdo_rel_mse: f64,
}

impl LowRankRow {
    /// How many times smaller the factors are.
    pub fn factor(&self) -> f64 {
        self.rdo_bytes as f64 / self.svd_bytes as f64
    }

    /// Whether the noise fits into the distortion.
    pub fn above_noise(&self) -> bool {
        self.target > NOISE
    }
}

/// Makes the matrix and codes it.
pub fn measure() -> Result<LowRank> {
    let matrix = matrix()?;
    let rows = TARGETS.into_iter().map(|target| {
        let of = |strategy| StrategySpec::builder(strategy).rel_mse(target);
        let svd = of(StrategyName::Svd).rank(MOST);
        let svd = code(&matrix, &Ours::specified(String::new(), svd))?;
        let rdo = of(StrategyName::Rdo);
        let rdo = code(&matrix, &Ours::specified(String::new(), rdo))?;
        Ok(LowRankRow {
            target,
            svd_bytes: svd.bytes,
            svd_rel_mse: svd.sums.rel_mse(),
            rank: svd.rank,
            rdo_bytes: rdo.bytes,
            rdo_rel_mse: rdo.sums.rel_mse(),
        })
    });
    Ok(LowRank {
        weights: matrix.weights() as u64,
        rows: rows.collect::<Result<_>>()?,
    })
}

/// A product of Gaussian factors, of unit variance, and Gaussian noise.
fn matrix() -> Result<Matrix> {
    let (factors, noise) = (2 * SIZE * RANK, SIZE * SIZE);
    let gaussian = standard_gaussian(factors + noise);
    let (factors, noise) = gaussian.split_at(factors);
    let (left, right) = factors.split_at(SIZE * RANK);
    let scale = 1.0 / (RANK as f32).sqrt();
    let left: Vec<f32> = left.iter().map(|v| v * scale).collect();
    let mut values: Vec<f32> = noise.iter().map(|v| v * NOISE.sqrt() as f32).collect();
    add_product(&mut values, &left, right, RANK, SIZE);
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let meta = TensorMeta {
        name: "low_rank".into(),
        dtype: Dtype::F32,
        shape: vec![SIZE as u64, SIZE as u64],
    };
    Matrix::new(meta, bytes)
}

/// Renders the table.
pub fn render(measured: &LowRank) -> String {
    let rows: Vec<Vec<String>> = measured
        .rows
        .iter()
        .map(|row| {
            vec![
                format!("{}", row.target),
                bits(row.svd_bytes, measured.weights),
                format!("{:.7}", row.svd_rel_mse),
                row.rank.map_or("none".into(), |rank| rank.to_string()),
                bits(row.rdo_bytes, measured.weights),
                format!("{:.7}", row.rdo_rel_mse),
                format!("{:.2}", row.factor()),
            ]
        })
        .collect();
    let head = [
        "target, rel. MSE",
        "`svd`, bits per weight",
        "rel. MSE",
        "rank it chose",
        "`rdo`, bits per weight",
        "rel. MSE",
        "times smaller",
    ];
    format!(
        "### An exactly low-rank matrix\n\nA product of Gaussian factors of rank {RANK} and \
         Gaussian noise of {} of its energy, {SIZE} × {SIZE}, {} weights, in F32; viable `svd` \
         with at most {MOST} components, and `rdo` without factors at the same relative mean \
         squared error. Distortions below the noise's energy need the noise coded.\n\n{}",
        cells::percent_fine(NOISE),
        thousands(measured.weights),
        table("rrrrrrr", &head, &rows)
    )
}
