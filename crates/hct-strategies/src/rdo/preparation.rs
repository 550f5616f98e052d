//! Choosing a transform by measurement.

use hct_core::{DEFAULT_TILE, MatrixView, Preparation, Result, Transform, TrellisAnalysis};

use super::{Effort, search};

/// A transform must promise this many bits per weight over none to be measured at all.
const WORTH_MEASURING: f64 = 0.01;

/// Ways to prepare `matrix`, the one of least estimated rate at mean squared error `distortion`
/// first. Candidates that a Gaussian bound already rules out are left out.
pub(super) fn candidates<'a>(
    matrix: MatrixView<'a>,
    distortion: f64,
    effort: Effort,
    embedding: bool,
) -> Result<Vec<TrellisAnalysis<'a>>> {
    let settings = effort.settings();
    let analyse = |transform, remove_means| {
        let preparation = Preparation {
            transform,
            whole: false,
            remove_means,
            tile: DEFAULT_TILE,
        };
        TrellisAnalysis::new(matrix, preparation, settings)
    };
    let plain = analyse(Transform::None, false)?;
    // What removing the means or a transform would have to beat; means cost about 6 bits each.
    let bound = plain.gaussian_rate(distortion);
    let mean_cost = 6.0 / matrix.rows() as f64;
    let mut options = vec![(Transform::None, true, mean_cost)];
    options
        .extend([Transform::DctRows, Transform::DctCols, Transform::Dct2].map(|t| (t, false, 0.0)));
    if embedding {
        options.push((Transform::DctRows, true, mean_cost));
    }
    let mut found = vec![plain];
    for (transform, means, cost) in options {
        let worth =
            |a: &TrellisAnalysis<'_>| a.gaussian_rate(distortion) + cost + WORTH_MEASURING < bound;
        let analysis = analyse(transform, means)?;
        if effort == Effort::Max || worth(&analysis) {
            found.push(analysis);
        }
    }
    if found.len() == 1 {
        return Ok(found);
    }
    let mut rated: Vec<(f64, TrellisAnalysis<'a>)> = found
        .into_iter()
        .map(|a| {
            let means = if a.preparation().remove_means {
                mean_cost
            } else {
                0.0
            };
            (search::step_for(&a, distortion).1 + means, a)
        })
        .collect();
    rated.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(rated.into_iter().map(|(_, a)| a).collect())
}
