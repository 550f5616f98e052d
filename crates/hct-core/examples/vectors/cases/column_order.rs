//! Column order, and the gains of rows and columns, in coarse and in fine units.

use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, Gains, MatrixView, Result, Transform,
    TrellisAnalysis, TrellisSettings,
};

use super::trellis::code;
use super::{Cases, meta, preparation, weights};

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    gains_in_row_order(cases)?;
    let plane = Plane::new(132, 64, 8).coded(0.03)?;
    cases.plane("columns8", Dtype::F32, plane)?;
    // Tiles of 46 rows and fewer.
    let rows = |fine: bool| Some(row_gains(132, fine));
    let columns = |fine: bool| Some(column_gains(64, fine));
    for (name, dtype, rows, columns, fine) in [
        ("means", Dtype::F16, None, None, false),
        ("row_gains", Dtype::F16, rows(false), None, false),
        ("fine_row_gains", Dtype::F32, rows(true), None, true),
        ("column_gains", Dtype::BF16, None, columns(false), false),
        ("both_gains", Dtype::F32, rows(false), columns(false), false),
        ("fine_gains", Dtype::BF16, rows(true), columns(true), true),
    ] {
        let gains = Gains {
            rows,
            columns,
            fine,
        };
        let plane = Plane {
            gains,
            tile: 3000,
            means: name == "means",
            ..Plane::new(132, 64, 8)
        };
        cases.plane(format!("columns8_{name}_tiles"), dtype, plane.coded(0.05)?)?;
    }
    // Columns shorter than there are lanes, and many patches.
    let columns = Some(column_gains(405, true));
    let plane = Plane {
        gains: Gains {
            columns,
            fine: true,
            ..Gains::default()
        },
        tile: 2000,
        ..Plane::new(14, 405, 4)
    };
    cases.plane("columns4_patches_tiles", Dtype::F16, plane.coded(4e-4)?)?;
    let gains = Gains {
        rows: Some(row_gains(512, true)),
        columns: Some(column_gains(1025, true)),
        fine: true,
    };
    let large = Plane {
        gains,
        tile: 1 << 18,
        ..Plane::new(512, 1025, 16)
    };
    cases.plane(
        "columns16_fine_gains_32_lanes",
        Dtype::BF16,
        large.coded(0.6)?,
    )?;
    sums(cases)
}

/// Gains of columns and fine gains in row order.
fn gains_in_row_order(cases: &mut Cases) -> Result<()> {
    let plain = || Plane {
        column_order: false,
        ..Plane::new(132, 64, 4)
    };
    let gains = Gains::of_rows(row_gains(132, false));
    let columns = || Some(column_gains(64, true));
    let both = Gains {
        columns: columns(),
        fine: true,
        rows: Some(row_gains(132, true)),
    };
    let only_columns = Gains {
        columns: columns(),
        fine: true,
        rows: None,
    };
    for (name, dtype, transform, gains, tile) in [
        (
            "dct_rows_row_gains",
            Dtype::F32,
            Transform::DctRows,
            gains,
            1 << 20,
        ),
        ("fine_gains", Dtype::F16, Transform::None, both, 3000),
        (
            "dct_cols_fine_column_gains",
            Dtype::BF16,
            Transform::DctCols,
            only_columns,
            3000,
        ),
    ] {
        let plane = Plane {
            transform,
            gains,
            tile,
            ..plain()
        };
        cases.plane(format!("trellis4_{name}"), dtype, plane.coded(0.05)?)?;
    }
    Ok(())
}

/// Planes in column order as terms of sums and as factors of a product.
fn sums(cases: &mut Cases) -> Result<()> {
    const RANK: usize = 3;
    let how = preparation(Transform::None, false, false, 2000);
    let plane = code(&weights(66, 50), (66, 50), how, 8, None, 0.3)?;
    let fine = Gains {
        rows: Some(row_gains(66, true)),
        fine: true,
        ..Gains::default()
    };
    let second = Plane {
        gains: fine,
        tile: 2000,
        ..Plane::new(66, 50, 8)
    };
    let left = Plane::new(66, RANK, 4).coded(0.02)?;
    let right = Plane::new(RANK, 50, 4).coded(0.02)?;
    let fragments = vec![
        EncodedFragment::Plane(second.coded(0.2)?),
        EncodedFragment::Product(left, right),
        EncodedFragment::Plane(plane),
    ];
    cases.tensors(
        "columns_sum",
        vec![(
            meta("w", Dtype::F16, &[66, 50]),
            EncodedTensor::fragments(fragments)?,
        )],
    )
}

/// A plane to be coded.
pub(super) struct Plane {
    pub values: Vec<f32>,
    pub rows: usize,
    pub cols: usize,
    pub states: usize,
    pub transform: Transform,
    pub gains: Gains,
    pub means: bool,
    pub tile: usize,
    pub column_order: bool,
}

impl Plane {
    /// A plane in column order, of one tile, without gains.
    pub fn new(rows: usize, cols: usize, states: usize) -> Self {
        Plane {
            values: weights(rows, cols),
            rows,
            cols,
            states,
            transform: Transform::None,
            gains: Gains::default(),
            means: false,
            tile: 1 << 20,
            column_order: true,
        }
    }

    pub fn coded(&self, step: f32) -> Result<EncodedPlane> {
        let matrix = MatrixView::from_values(&self.values, self.rows, self.cols)?;
        let how = preparation(self.transform, false, self.means, self.tile);
        let settings = TrellisSettings::new(self.states);
        let analysis = TrellisAnalysis::with_gains(matrix, how, settings, self.gains.clone())?;
        let analysis = match self.column_order {
            true => analysis.column_order()?,
            false => analysis,
        };
        let training = analysis.train(step, 1 << 16);
        analysis.encode(step, &training)
    }
}

/// Gains of either sign; those of every third row are 0.
pub(super) fn row_gains(rows: i32, fine: bool) -> Vec<i32> {
    let spread = if fine { 4 } else { 1 };
    let gain = |r| {
        if r % 3 == 0 {
            0
        } else {
            spread * (r % 23 - 11) + r % 2
        }
    };
    (0..rows).map(gain).collect()
}

/// Gains of either sign that follow the sizes of `weights`, about.
pub(super) fn column_gains(cols: i32, fine: bool) -> Vec<i32> {
    let spread = if fine { 4 } else { 1 };
    let gain = |c| spread * (c % 19 - 9) + if c % 5 == 0 { 8 * spread } else { c % 2 };
    (0..cols).map(gain).collect()
}
