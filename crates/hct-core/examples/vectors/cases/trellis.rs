//! Trellis planes: every number of states and lanes, scales, gains, means, transforms, patches.

use hct_core::{
    Dtype, EncodedPlane, Gains, MatrixView, Preparation, Result, Transform, TrellisAnalysis,
    TrellisSettings,
};

use super::{Cases, noise, preparation, weights};

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
    for states in [64, 128, 256] {
        let how = preparation(Transform::None, false, true, 3000);
        let plane = code(&values, shape, how, states, None, 0.04)?;
        cases.plane(format!("trellis{states}"), Dtype::BF16, plane)?;
    }
    transforms(cases)?;
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
