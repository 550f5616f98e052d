//! The numbers to reach, measured.

use anyhow::Result;
use hct_core::Dtype;
use hct_strategies::{Effort, StrategyName, StrategySpec};
use indicatif::ProgressBar;

use super::corpus::Corpus;
use super::curves::{Measured, average, each};
use super::recipe::{rdo, rdo_at_rate};
use super::report::Target;
use super::rivals::NNCODEC;
use crate::comparison::measure;
use crate::contestant::{Ours, fastest};
use crate::matrix::gaussian;
use crate::model::Model;
use crate::text::cells::{bits_per_weight, millions};

/// The targets that can be measured on `corpus`, made from `model` if it is.
pub fn targets(
    corpus: &Corpus,
    model: Option<&Model>,
    measured: &Measured,
    bar: &ProgressBar,
) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    match (corpus.key.as_str(), model) {
        ("gaussian", _) => {
            on_gaussian(corpus, bar, &mut targets)?;
            speeds(bar, &mut targets)?;
        }
        ("minilm", Some(model)) => {
            on_model(model, 2.90, bar, &mut targets)?;
            on_nncodec(model, bar, &mut targets)?;
        }
        ("smollm2", Some(model)) => on_model(model, 2.97, bar, &mut targets)?,
        _ => {}
    }
    let excess = format!(
        "`rdo` above the best fixed recipe of a matrix, at worst ({}, {} is best), %",
        measured.excess.tensor, measured.excess.recipe
    );
    targets.push(Target::at_most(
        excess,
        1.0,
        100.0 * measured.excess.largest,
    ));
    Ok(targets)
}

fn on_gaussian(corpus: &Corpus, bar: &ProgressBar, targets: &mut Vec<Target>) -> Result<()> {
    for rate in [3.5, 2.9, 2.0] {
        bar.set_message(format!("gaussian at {rate} bits"));
        let mut gap = |effort, name: &str, limit| -> Result<()> {
            let point = rdo_at_rate(&corpus.tensors[0], rate, effort)?;
            let point = average(corpus, &[point]);
            targets.push(Target::at_most(
                format!("gap at {rate} bits per weight, {name} effort, bits"),
                limit,
                point.gap(),
            ));
            Ok(())
        };
        gap(Effort::Max, "max", 0.045)?;
        gap(Effort::Default, "default", 0.065)?;
        gap(Effort::Fast, "fast", 0.28)?;
    }
    Ok(())
}

fn on_model(model: &Model, limit: f64, bar: &ProgressBar, targets: &mut Vec<Target>) -> Result<()> {
    let matrices = model.matrices()?;
    // Its progress counts bytes; ours counts steps.
    let quiet = ProgressBar::hidden();
    bar.set_message("uniform 0.98, whole model");
    let (row, tensors) = measure(model, &matrices, &Ours::uniform(0.98), None, &quiet)?;
    let weights: u64 = tensors.iter().map(|t| t.weights).sum();
    targets.push(Target::at_most(
        "`uniform` at retention 0.98, bits per weight over the matrices",
        4.25,
        bits_per_weight(row.matrix_bytes, weights),
    ));
    targets.push(Target::at_least("the same, cosine", 0.995, row.cosine));
    bar.set_message("rdo at cosine 0.991, whole model");
    let (row, tensors) = measure(model, &matrices, &Ours::rdo(0.991), None, &quiet)?;
    targets.push(Target::at_most(
        "`rdo` at cosine 0.991, bits per weight over the matrices",
        limit,
        bits_per_weight(row.matrix_bytes, weights),
    ));
    targets.push(Target::at_least(
        "the same, cosine of the worst matrix",
        0.991,
        row.worst_cosine,
    ));
    let positions = tensors
        .iter()
        .find(|t| t.name.contains("position_embeddings"));
    if let Some(t) = positions {
        targets.push(Target::at_most(
            "the same, bits per weight of the position embeddings",
            2.1,
            bits_per_weight(t.bytes, t.weights),
        ));
    }
    Ok(())
}

/// Ours at NNCodec's distortions, on the matrices its points were measured on.
fn on_nncodec(model: &Model, bar: &ProgressBar, targets: &mut Vec<Target>) -> Result<()> {
    let corpus = Corpus::nncodec(model)?;
    for (effort, name) in [(Effort::Default, "default"), (Effort::Max, "max")] {
        for rival in NNCODEC {
            bar.set_message(format!("NNCodec's point at {}, {name}", rival.rel_mse));
            let points = each(&corpus, |t| rdo(t, rival.rel_mse, effort))?;
            targets.push(Target::at_most(
                format!(
                    "NNCodec's matrices at rel. MSE {}, {name} effort, bits per weight \
                     (NNCodec 2.1, quoted: {:.2})",
                    rival.rel_mse, rival.bpw
                ),
                rival.bpw - 0.04,
                average(&corpus, &points).bpw,
            ));
        }
    }
    Ok(())
}

/// Speeds on one core, 2²² Gaussian weights in BF16, no transform.
fn speeds(bar: &ProgressBar, targets: &mut Vec<Target>) -> Result<()> {
    bar.set_message("speed on one core");
    let matrix = gaussian(2048, 2048, Dtype::BF16)?;
    let weights = matrix.weights() as u64;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut add = |what: String, limit, time| {
        targets.push(Target {
            timing: true,
            ..Target::at_least(what, limit, millions(weights, time))
        });
    };
    for (effort, name, limit) in [
        (Effort::Default, "default", 8.0),
        (Effort::Fast, "fast", 40.0),
    ] {
        let rdo = StrategySpec::builder(StrategyName::Rdo);
        let rdo = Ours::specified(String::new(), rdo.cosine(0.991).effort(effort));
        let times = pool.install(|| fastest(&rdo, &matrix, 5, |_, _| Ok(())))?;
        let what = format!("encoding on one core, {name} effort, M weights/s");
        add(what, limit, times.encode);
        if effort == Effort::Default {
            let what = "decoding on one core, default effort, BF16 out, M weights/s";
            add(what.into(), 150.0, times.decode);
        }
    }
    Ok(())
}
