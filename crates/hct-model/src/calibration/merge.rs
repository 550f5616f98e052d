//! Statistics of one model from several runs.

use std::io::Write;
use std::path::Path;

use hct_core::ReadAt;
use hct_strategies::{Moments, SymmetricMatrix};

use super::fault::CalibrationFault;
use super::file::CalibrationFile;
use super::group::{GroupTensor, StatisticsGroup};
use super::info::CalibrationInfo;
use super::writer::CalibrationWriter;
use crate::error::Error;

/// Writes the statistics of all tokens of several files, which are of the same model, to `out`;
/// `path` names that in messages.
///
/// Means are weighted by tokens, so that this is what one run over all texts gives, but for the
/// rows of a matrix that is both embedding and head, whose two parts are mixed in each run. What a
/// file says of its reliability counts for what is only known from it; what the files agree on
/// among themselves is certain: with shares s of the tokens, means m, squares P of what is off
/// their diagonals (over the roots of the diagonal of all) and reliabilities r, that of the sum is
/// 1 − Σ s² (1 − r) P / P(Σ s m).
///
/// # Errors
/// When there are no files, they are of different models or tensors, or cannot be read; when the
/// output cannot be written.
pub fn merge_calibrations<R: ReadAt, W: Write>(
    files: &[CalibrationFile<R>],
    path: &Path,
    out: W,
) -> Result<W, Error> {
    let fault = |path: &Path, fault| Error::calibration(path)(fault);
    let Some((first, others)) = files.split_first() else {
        return Err(fault(path, CalibrationFault::NothingToMerge));
    };
    for other in others {
        if other.info().model != first.info().model {
            return Err(fault(other.path(), CalibrationFault::OtherModel));
        }
    }
    // For each group of the first file, its number in each of the files.
    let mut places = Vec::new();
    for (number, group) in first.groups().iter().enumerate() {
        let mut place = vec![number];
        for other in others {
            let same = |shape: &super::GroupShape| {
                (&shape.tensors, shape.columns, shape.full)
                    == (&group.tensors, group.columns, group.full)
            };
            let found = other.groups().iter().position(same);
            let found = found.filter(|_| other.groups().len() == first.groups().len());
            place.push(found.ok_or_else(|| {
                let tensor = group.tensors.first().map(|tensor| tensor.name.clone());
                let tensor = tensor.unwrap_or_default();
                fault(other.path(), CalibrationFault::OtherTensors { tensor })
            })?);
        }
        places.push(place);
    }

    let mut shapes = first.groups().to_vec();
    for (shape, place) in shapes.iter_mut().zip(&places) {
        let tokens = files
            .iter()
            .zip(place)
            .map(|(file, &at)| file.groups()[at].tokens);
        shape.tokens = tokens.fold(0, u64::saturating_add);
    }
    let mut writer = CalibrationWriter::new(path, out, &info(files), shapes)?;
    for place in &places {
        let groups = files.iter().zip(place).map(|(file, &at)| file.group(at));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        writer.write(&merged(path, groups)?)?;
    }
    writer.finish()
}

fn info<R: ReadAt>(files: &[CalibrationFile<R>]) -> CalibrationInfo {
    let infos = || files.iter().map(CalibrationFile::info);
    let sum = |value: fn(&CalibrationInfo) -> u64| infos().map(value).fold(0, u64::saturating_add);
    CalibrationInfo {
        model: infos()
            .next()
            .map(|info| info.model.clone())
            .unwrap_or_default(),
        tokens: sum(|info| info.tokens),
        windows: sum(|info| info.windows),
        context: infos().map(|info| info.context).max().unwrap_or(0),
        seed: infos().next().map_or(0, |info| info.seed),
        self_text: sum(|info| info.self_text),
        texts: infos().flat_map(|info| info.texts.clone()).collect(),
    }
}

/// Groups of the same form.
fn merged(path: &Path, groups: Vec<StatisticsGroup>) -> Result<StatisticsGroup, Error> {
    let tokens: Vec<f64> = groups.iter().map(|group| group.tokens as f64).collect();
    let all: f64 = tokens.iter().sum();
    // Files that say they are of no tokens count alike.
    let shares: Vec<f64> = match all > 0.0 {
        true => tokens.iter().map(|tokens| tokens / all).collect(),
        false => vec![1.0 / groups.len() as f64; groups.len()],
    };
    let moments = |parts: Vec<(&Moments, f32)>| {
        mean(&shares, &parts).map_err(|error| {
            Error::calibration(path)(CalibrationFault::Numbers {
                field: "merged moments".to_owned(),
                error: Box::new(error),
            })
        })
    };
    let of_all = groups
        .iter()
        .map(|group| (&group.inputs, group.reliability));
    let (inputs, reliability) = moments(of_all.collect())?;
    let mut tensors = Vec::new();
    let names = groups.first().into_iter().flat_map(|group| &group.tensors);
    for (i, tensor) in names.enumerate() {
        let same = || groups.iter().map(|group| &group.tensors[i]);
        let weighted = same().map(|t| Some((t.weighted.as_ref()?, t.weighted_reliability)));
        let weighted = weighted
            .collect::<Option<Vec<_>>>()
            .map(&moments)
            .transpose()?;
        let rows = same()
            .map(|t| t.rows.as_deref())
            .collect::<Option<Vec<_>>>();
        let (weighted, weighted_reliability) = weighted.map_or((None, 0.0), |(m, r)| (Some(m), r));
        tensors.push(GroupTensor {
            name: tensor.name.clone(),
            weighted,
            weighted_reliability,
            rows: rows.map(|rows| mean_of(&shares, &rows)),
        });
    }
    Ok(StatisticsGroup {
        tokens: groups
            .iter()
            .map(|group| group.tokens)
            .fold(0, u64::saturating_add),
        inputs,
        reliability,
        tensors,
    })
}

/// The mean of moments of the same form, and its reliability.
fn mean(shares: &[f64], parts: &[(&Moments, f32)]) -> hct_core::Result<(Moments, f32)> {
    let matrices = parts.iter().map(|(moments, _)| match moments {
        Moments::Full(matrix) => Some(matrix),
        Moments::Diagonal(_) => None,
    });
    let Some(matrices) = matrices.collect::<Option<Vec<_>>>() else {
        let diagonals: Vec<Vec<f32>> = parts.iter().map(|(part, _)| part.diagonal()).collect();
        let diagonals: Vec<&[f32]> = diagonals.iter().map(Vec::as_slice).collect();
        return Ok((Moments::Diagonal(mean_of(shares, &diagonals)), 0.0));
    };
    let packed: Vec<&[f32]> = matrices.iter().map(|matrix| matrix.packed()).collect();
    let size = matrices.first().map_or(0, |matrix| matrix.size());
    let mean = SymmetricMatrix::new(size, mean_of(shares, &packed))?;
    let diagonal = mean.diagonal();
    let power = |matrix: &SymmetricMatrix| off_diagonal_power(matrix, &diagonal);
    let unsure: f64 = matrices
        .iter()
        .zip(parts)
        .zip(shares)
        .map(|((matrix, (_, reliability)), share)| {
            share * share * (1.0 - f64::from(*reliability)) * power(matrix)
        })
        .sum();
    let share = 1.0 - unsure / power(&mean);
    let reliability = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    Ok((Moments::Full(mean), reliability as f32))
}

/// The sum of the squares of what is off the diagonal, each over the product of two of `scales`.
fn off_diagonal_power(matrix: &SymmetricMatrix, scales: &[f32]) -> f64 {
    let rows = matrix.rows().enumerate().filter(|&(i, _)| scales[i] > 0.0);
    rows.map(|(i, row)| {
        let entries = row.iter().zip(&scales[i..]).skip(1);
        let entries = entries.filter(|&(_, &scale)| scale > 0.0);
        let squares = entries.map(|(&x, &scale)| f64::from(x).powi(2) / f64::from(scale));
        squares.sum::<f64>() / f64::from(scales[i])
    })
    .sum()
}

/// The mean of lists of the same length.
fn mean_of(shares: &[f64], lists: &[&[f32]]) -> Vec<f32> {
    let len = lists.first().map_or(0, |list| list.len());
    let mean_at = |i: usize| {
        let parts = lists.iter().zip(shares);
        parts
            .map(|(list, share)| share * f64::from(list[i]))
            .sum::<f64>() as f32
    };
    (0..len).map(mean_at).collect()
}
