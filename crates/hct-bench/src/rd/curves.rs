//! Rate against distortion on one corpus: every curve, the ablation at one point, and `rdo`
//! against the best fixed recipe of each matrix.

use anyhow::{Context, Result};
use hct_strategies::Effort;
use indicatif::ProgressBar;
use rayon::prelude::*;

use super::corpus::{ABLATION, Corpus};
use super::recipe::{self, Fixed, Point, UniformBits};
use super::report::{Curve, Excess, Group, RatePoint, Step};
use crate::matrix::Matrix;

/// Retentions of uniform V3.
const RETENTIONS: [f64; 6] = [0.30, 0.50, 0.70, 0.80, 0.90, 0.98];
/// The retention of the ablation.
const DEFAULT_RETENTION: f64 = 0.98;
/// Larger corpora are not measured at maximal effort.
const MAX_EFFORT: usize = 1 << 26;

/// What is measured of a corpus.
pub struct Measured {
    /// Every curve.
    pub curves: Vec<Curve>,
    /// What each part gains.
    pub ablation: Vec<Step>,
    /// `rdo` against the best.
    pub excess: Excess,
}

/// Number of steps that [`measure`] tells the progress bar of.
pub fn steps(corpus: &Corpus) -> u64 {
    let efforts = efforts(corpus).len() * corpus.points().len();
    (recipe::fixed().len() + RETENTIONS.len() + efforts) as u64
}

fn efforts(corpus: &Corpus) -> Vec<(&'static str, Effort)> {
    let mut efforts = vec![("rdo, fast", Effort::Fast), ("rdo", Effort::Default)];
    if corpus.weights() <= MAX_EFFORT {
        efforts.push(("rdo, max", Effort::Max));
    }
    efforts
}

/// Measures everything.
pub fn measure(corpus: &Corpus, bar: &ProgressBar) -> Result<Measured> {
    let mut curves = Vec::new();
    let mut ablation = Vec::new();
    uniform(corpus, bar, &mut curves, &mut ablation)?;
    // Of each fixed recipe, every matrix's point at the distortion of the ablation.
    let mut at_ablation: Vec<(Fixed, Vec<Point>)> = Vec::new();
    for fixed in recipe::fixed() {
        bar.set_message(fixed.name);
        let targets = if fixed.everywhere {
            corpus.points()
        } else {
            &[ABLATION]
        };
        let points = each(corpus, |t| {
            fixed
                .points(t, targets)
                .with_context(|| format!("{} on {}", fixed.name, t.meta.name))
        })?;
        let aggregate = targets.iter().enumerate().map(|(k, &d)| {
            let bits = corpus.tensors.iter().zip(&points);
            let bits: f64 = bits.map(|(t, p)| p[k].bits_at(d, t.weights())).sum();
            RatePoint {
                bpw: bits / corpus.weights() as f64,
                rel_mse: d,
            }
        });
        let plain = fixed.preparation.transform == hct_core::Transform::None
            && !fixed.preparation.remove_means;
        curves.push(Curve {
            name: fixed.name.into(),
            group: if plain {
                Group::Quantizer
            } else {
                Group::Transform
            },
            points: aggregate.collect(),
        });
        let position = targets.iter().position(|&d| d == ABLATION);
        let position = position.context("the ablation's distortion is not measured")?;
        at_ablation.push((fixed, points.iter().map(|p| p[position]).collect()));
        bar.inc(1);
    }
    let mut chosen = Vec::new();
    for (name, effort) in efforts(corpus) {
        bar.set_message(name);
        let mut points = Vec::new();
        for &d in corpus.points() {
            let coded = each(corpus, |t| recipe::rdo(t, d, effort))?;
            points.push(average(corpus, &coded));
            if d == ABLATION && effort == Effort::Default {
                chosen = coded;
            }
            bar.inc(1);
        }
        curves.push(Curve {
            name: name.into(),
            group: Group::Rdo,
            points,
        });
    }
    let (excess, best) = against_best(corpus, &at_ablation, &chosen);
    quantizer_steps(&curves, &mut ablation);
    transform_steps(&curves, best, &mut ablation);
    Ok(Measured {
        curves,
        ablation,
        excess,
    })
}

/// Runs `measure` on every matrix in parallel.
pub fn each<T: Send>(
    corpus: &Corpus,
    measure: impl Fn(&Matrix) -> Result<T> + Sync + Send,
) -> Result<Vec<T>> {
    corpus.tensors.par_iter().map(measure).collect()
}

/// Rate of all matrices together and their relative errors averaged over weights.
pub fn average(corpus: &Corpus, points: &[Point]) -> RatePoint {
    let weights = corpus.weights() as f64;
    let bytes: u64 = points.iter().map(|p| p.bytes).sum();
    let error: f64 = corpus
        .tensors
        .iter()
        .zip(points)
        .map(|(t, p)| p.rel_mse * t.weights() as f64)
        .sum();
    RatePoint {
        bpw: 8.0 * bytes as f64 / weights,
        rel_mse: error / weights,
    }
}

fn uniform(
    corpus: &Corpus,
    bar: &ProgressBar,
    curves: &mut Vec<Curve>,
    ablation: &mut Vec<Step>,
) -> Result<()> {
    let mut points = Vec::new();
    for retention in RETENTIONS {
        bar.set_message(format!("uniform {retention}"));
        let coded = each(corpus, |t| recipe::uniform(t, retention))?;
        let (sizes, parts): (Vec<Point>, Vec<UniformBits>) = coded.into_iter().unzip();
        points.push(average(corpus, &sizes));
        if retention == DEFAULT_RETENTION {
            let mut add = |what: &str, part: fn(&UniformBits) -> f64| {
                let bits: f64 = parts.iter().map(part).sum();
                ablation.push(Step {
                    part: "uniform V3 at retention 0.98, identical output".into(),
                    what: what.into(),
                    bpw: bits / corpus.weights() as f64,
                });
            };
            add("bitmap, INT4, FP16 scales, all uncoded", |p| p.raw);
            add("+ coded mask", |p| p.mask);
            add("+ coded symbols", |p| p.symbols);
            add("+ coded scales, headers counted", |p| p.stored);
        }
        bar.inc(1);
    }
    curves.push(Curve {
        name: "uniform V3".into(),
        group: Group::Uniform,
        points,
    });
    Ok(())
}

/// Compares `chosen`, as stored, with the best fixed recipe of each matrix at exactly the
/// distortion of the ablation. Also gives the bits per weight of the best.
fn against_best(corpus: &Corpus, fixed: &[(Fixed, Vec<Point>)], chosen: &[Point]) -> (Excess, f64) {
    let mut excess = Excess {
        largest: f64::NEG_INFINITY,
        tensor: String::new(),
        recipe: String::new(),
        overall: 0.0,
    };
    let (mut sum_best, mut sum_chosen) = (0.0, 0.0);
    for (i, tensor) in corpus.tensors.iter().enumerate() {
        let rated = fixed.iter().filter(|(f, _)| f.is_default_quantizer());
        let rated = rated.map(|(f, points)| (points[i].bits_at(ABLATION, tensor.weights()), f));
        let Some((best, recipe)) = rated.min_by(|a, b| a.0.total_cmp(&b.0)) else {
            continue;
        };
        let bits = 8.0 * chosen[i].bytes as f64;
        sum_best += best;
        sum_chosen += bits;
        if bits / best - 1.0 > excess.largest {
            excess.largest = bits / best - 1.0;
            excess.tensor = tensor.meta.name.clone();
            excess.recipe = recipe.name.into();
        }
    }
    excess.overall = sum_chosen / sum_best - 1.0;
    (excess, sum_best / corpus.weights() as f64)
}

fn quantizer_steps(curves: &[Curve], ablation: &mut Vec<Step>) {
    let mut add = |part: &str, name: &str, what: &str| {
        ablation.extend(rate(curves, name).map(|bpw| Step {
            part: part.into(),
            what: what.into(),
            bpw,
        }));
    };
    let quantizer = "quantizer, no transform";
    add(
        quantizer,
        recipe::SCALAR_FLAT_PLAIN,
        "scalar, one context, plain rounding",
    );
    add(quantizer, recipe::SCALAR_FLAT, "scalar, one context");
    add(quantizer, recipe::SCALAR, "scalar, scale contexts");
    for states in [4, 8, 16, 32] {
        let name = format!("trellis {states}");
        add(quantizer, &name, &format!("{name}, scale contexts"));
    }
    add(quantizer, recipe::TRELLIS_FLAT, "trellis 64, one context");
    for states in [64, 128, 256, 512] {
        let name = format!("trellis {states}");
        add(quantizer, &name, &format!("{name}, scale contexts"));
    }
    let rdo = "search over D + λR, trellis 64, scale contexts";
    add(rdo, recipe::TRELLIS_PLAIN, "λ = 0: least distortion");
    add(rdo, recipe::TRELLIS, "λ of the encoder");
}

fn transform_steps(curves: &[Curve], best: f64, ablation: &mut Vec<Step>) {
    let part = "transform, trellis 64, scale contexts";
    let mut add = |what: String, bpw: f64| {
        ablation.push(Step {
            part: part.into(),
            what,
            bpw,
        });
    };
    add(
        "none".into(),
        rate(curves, recipe::TRELLIS).unwrap_or(f64::NAN),
    );
    for curve in curves.iter().filter(|c| c.group == Group::Transform) {
        let name = curve.name.trim_start_matches("trellis 64, ");
        if let Some(bpw) = rate(curves, &curve.name) {
            add(format!("{name}, always"), bpw);
        }
    }
    add("the best of these for each matrix".into(), best);
    if let Some(bpw) = rate(curves, "rdo") {
        add("`rdo`'s choice".into(), bpw);
    }
}

/// Bits per weight of a curve at the distortion of the ablation.
fn rate(curves: &[Curve], name: &str) -> Option<f64> {
    let curve = curves.iter().find(|c| c.name == name)?;
    let near = |p: &&RatePoint| (p.rel_mse / ABLATION - 1.0).abs() < 0.02;
    curve.points.iter().find(near).map(|p| p.bpw)
}
