//! Trellis planes: every number of states and lanes, scales, gains, means, transforms, patches.

use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, Gains, MatrixView, Preparation, Result, Transform,
    TrellisAnalysis, TrellisSettings,
};

use super::column_order::{Plane, column_gains, row_gains};
use super::{Cases, meta, noise, preparation, weights};

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    let shape = (132, 64);
    let values = weights(shape.0, shape.1);
    for states in [1, 4, 8, 16, 32] {
        let how = preparation(Transform::None, false, false, 1 << 20);
        let plane = code(&values, shape, how, states, None, 0.03)?;
        cases.plane(format!("trellis{states}"), Dtype::F32, plane)?;
        let how = preparation(Transform::None, false, true, 3000);
        let gains = (0..132).map(|r| if r % 3 == 0 { 0 } else { r % 23 - 11 });
        let plane = code(&values, shape, how, states, Some(gains.collect()), 0.07)?;
        cases.plane(
            format!("trellis{states}_means_gains_tiles"),
            Dtype::F16,
            plane,
        )?;
        // Pieces of rows; the last tile of a row has fewer values than lanes.
        let how = preparation(Transform::None, false, true, 1000);
        let plane = code(&values[..3 * 2005], (3, 2005), how, states, None, 0.1)?;
        cases.plane(format!("trellis{states}_pieces"), Dtype::BF16, plane)?;
    }
    for states in [64, 128, 256, 512] {
        let how = preparation(Transform::None, false, true, 3000);
        let plane = code(&values, shape, how, states, None, 0.04)?;
        cases.plane(format!("trellis{states}"), Dtype::BF16, plane)?;
    }
    transforms(cases)?;
    combinations(cases)?;
    edges(cases, &values, shape)
}

/// Every transform, of tiles and of the whole; lengths that are prime, a power of two, neither.
fn transforms(cases: &mut Cases) -> Result<()> {
    for (label, transform) in [
        ("dct_rows", Transform::DctRows),
        ("dct_cols", Transform::DctCols),
        ("dct2", Transform::Dct2),
    ] {
        for (whole, (rows, cols)) in [(false, (64, 32)), (true, (53, 36))] {
            let values = weights(rows, cols);
            let how = preparation(transform, whole, whole, 1 << 10);
            let plane = code(&values, (rows, cols), how, 8, None, 0.04)?;
            let scope = if whole { "whole" } else { "tiles" };
            cases.plane(format!("trellis8_{label}_{scope}"), Dtype::F32, plane)?;
        }
    }
    for (rows, cols) in [(47, 31), (45, 77)] {
        let quiet: Vec<f32> = (0..rows * cols).map(noise).collect();
        let how = preparation(Transform::Dct2, false, false, 1 << 20);
        let plane = code(&quiet, (rows, cols), how, 4, None, 0.02)?;
        cases.plane(format!("trellis4_dct2_{rows}_{cols}"), Dtype::BF16, plane)?;
    }
    Ok(())
}

fn edges(cases: &mut Cases, values: &[f32], shape: (usize, usize)) -> Result<()> {
    let how = preparation(Transform::None, false, false, 1 << 20);
    let plane = code(values, shape, how, 8, None, 1e-3)?;
    cases.plane("trellis8_many_patches", Dtype::F32, plane)?;
    // Large enough for 32 lanes, and coded so coarsely that most are zero.
    let (rows, cols) = (1025, 512);
    let large = weights(rows, cols);
    let plane = code(&large, (rows, cols), how, 8, None, 0.4)?;
    cases.plane("trellis8_32_lanes", Dtype::BF16, plane)?;
    let plane = code(&values[..5], (1, 5), how, 4, None, 0.01)?;
    cases.plane("trellis4_five_values", Dtype::F32, plane)?;
    let plane = code(&[0.0; 640], (20, 32), how, 8, None, 0.01)?;
    cases.plane("trellis8_zeros", Dtype::F16, plane)
}

/// `values` coded at `step` by a trellis of `states` states.
pub(super) fn code(
    values: &[f32],
    (rows, cols): (usize, usize),
    preparation: Preparation,
    states: usize,
    gains: Option<Vec<i32>>,
    step: f32,
) -> Result<EncodedPlane> {
    let matrix = MatrixView::from_values(values, rows, cols)?;
    let settings = TrellisSettings::new(states);
    let analysis = match gains {
        Some(gains) => {
            TrellisAnalysis::with_gains(matrix, preparation, settings, Gains::of_rows(gains))?
        }
        None => TrellisAnalysis::new(matrix, preparation, settings)?,
    };
    let training = analysis.train(step, 1 << 16);
    analysis.encode(step, &training)
}

/// Pieces of rows with gains of columns and with a transform; means with gains and in column order; the
/// whole in one tile.
fn combinations(cases: &mut Cases) -> Result<()> {
    let plain = |rows, cols, tile| Plane {
        tile,
        column_order: false,
        ..Plane::new(rows, cols, 8)
    };
    let columns = |n| Gains {
        columns: Some(column_gains(n, true)),
        fine: true,
        rows: None,
    };
    let both = Gains {
        rows: Some(row_gains(37, false)),
        columns: Some(column_gains(20, false)),
        fine: false,
    };
    let mut planes = vec![
        ("pieces, column gains", false, plain(3, 205, 90)),
        ("pieces, means, column gains", true, plain(3, 205, 90)),
    ];
    planes.iter_mut().for_each(|p| p.2.gains = columns(205));
    let transformed = Plane {
        transform: Transform::DctRows,
        ..plain(3, 205, 90)
    };
    planes.push(("pieces, dct", true, transformed));
    let with = |gains: &Gains, column_order| Plane {
        gains: gains.clone(),
        column_order,
        ..plain(37, 20, 200)
    };
    planes.push(("means, column gains", true, with(&columns(20), false)));
    planes.push(("means, both gains", true, with(&both, false)));
    planes.push(("means, both gains, column order", true, with(&both, true)));
    let mut tensors = Vec::new();
    for (name, means, plane) in planes {
        let meta = meta(name, Dtype::F32, &[plane.rows as u64, plane.cols as u64]);
        let plane = Plane { means, ..plane }.coded(0.05)?;
        tensors.push((meta, EncodedTensor::plane(plane)));
    }
    let values = weights(23, 17);
    for means in [false, true] {
        let how = preparation(Transform::Dct2, true, means, 1 << 20);
        let plane = code(&values, (23, 17), how, 16, None, 0.05)?;
        let meta = meta(&format!("one tile, whole, {means}"), Dtype::F16, &[23, 17]);
        tensors.push((meta, EncodedTensor::plane(plane)));
    }
    cases.tensors("trellis_combinations", tensors)
}
