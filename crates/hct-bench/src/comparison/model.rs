//! A model through a contestant, into a file and back.

use std::time::Instant;

use anyhow::{Context, Result};
use hct_core::{Section, Sections};
use indicatif::ProgressBar;

use super::matrices::{Comparison, TensorRow};
use super::row::{Row, Speed};
use crate::contestant::Contestant;
use crate::evaluation::Evaluator;
use crate::model::Model;
use crate::text::cells::millions;

/// Codes `model` with `contestant` to an HCT file, decodes `matrices` from it and compares; with an
/// `evaluator`, the model in the file is also run. `bar` says what is being done.
pub fn measure(
    model: &Model,
    matrices: &[usize],
    contestant: &dyn Contestant<Model>,
    evaluator: Option<&Evaluator>,
    bar: &ProgressBar,
) -> Result<(Row, Vec<TensorRow>)> {
    let label = contestant.label();
    bar.set_message(format!("{} {}", label.name, label.setting));
    let start = Instant::now();
    let coded = contestant.encode(model)?;
    let encoding = start.elapsed();
    let compared = Comparison::new(model, matrices, coded.open()?, usize::MAX)?;
    let file = coded.open()?;
    let mut sections = Sections::default();
    for &i in matrices {
        sections.merge(&file.sections(i)?);
    }
    let quality = match evaluator {
        Some(evaluator) => {
            bar.set_message(format!("running {} {}", label.name, label.setting));
            Some(evaluator.evaluate(&file)?)
        }
        None => None,
    };
    let worst = compared
        .tensors
        .iter()
        .min_by(|a, b| a.sums.cosine().total_cmp(&b.sums.cosine()))
        .context("there is no matrix")?;
    let weights: u64 = compared.tensors.iter().map(|t| t.weights).sum();
    let row = Row {
        strategy: label.name.clone(),
        preset: label.preset().into(),
        setting: label.setting,
        matrix_bytes: compared.bytes(),
        file_bytes: coded.bytes(),
        sections: Section::ALL
            .into_iter()
            .map(|s| (s.name().to_owned(), sections.bytes[s as usize]))
            .collect(),
        cosine: compared.total.cosine(),
        rel_mse: compared.total.rel_mse(),
        worst_cosine: worst.sums.cosine(),
        worst_tensor: worst.name.clone(),
        worst_row: compared.worst_row,
        quality,
        speed: Speed {
            threads: rayon::current_num_threads(),
            encode: millions(coded.weights(), encoding),
            decode: millions(weights, compared.decoding),
        },
    };
    Ok((row, compared.tensors))
}
