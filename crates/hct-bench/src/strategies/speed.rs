//! Table 3: speed on one small and one large matrix. Not part of what is checked.

use std::time::Instant;

use anyhow::{Context, Result};
use hct_core::{Dtype, MatrixView};
use hct_strategies::{
    AdaptiveEncoder, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, MixedPrecisionEncoder, MlpOnlyEncoder, Preset, Quality, RdoEncoder, Strategy,
    SvdEncoder, UniformEncoder, randomized_svd,
};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::entrants::{RANK, RETENTION, TARGET, VIABLE_FP16};
use crate::contestant::{Ours, fastest};
use crate::matrix::{Matrix, gaussian};
use crate::text::cells::{self, millions, speed};
use crate::text::table::table;

const SMALL: usize = 128;
const LARGE: usize = 4096;
/// Runs of the small matrix, of which the fastest counts.
const RUNS: usize = 9;
/// What the viable presets aim for, about what the reference reaches on Gaussian weights.
const COSINE: f64 = 0.995;
/// A name that every route codes with loss, and one of an attention matrix, for factors.
const MLP: &str = "model.layers.2.mlp.up_proj.weight";
const ATTENTION: &str = "model.layers.2.self_attn.q_proj.weight";

/// Speeds on whatever machine it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speeds {
    /// Threads at work.
    pub threads: usize,
    /// One row per strategy and preset.
    pub rows: Vec<SpeedRow>,
    /// Seconds of a randomized SVD of the large matrix on one thread.
    pub svd_seconds: f64,
}

/// Millions of weights per second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeedRow {
    /// The strategy.
    pub strategy: String,
    /// Its preset, if it has any.
    pub preset: String,
    /// On the small matrix.
    pub small: Pair,
    /// On the large matrix.
    pub large: Pair,
}

/// Millions of weights per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// From values in memory to a coded tensor.
    pub encode: f64,
    /// From a file in memory to values.
    pub decode: f64,
}

/// A strategy, and whether it is to see an attention matrix.
struct Runner {
    attention: bool,
    contestant: Ours,
}

fn runners() -> Vec<Runner> {
    let quality = Quality::Cosine(COSINE);
    let mut runners = Vec::new();
    let mut add = |attention, contestant| {
        runners.push(Runner {
            attention,
            contestant,
        });
    };
    for preset in [Preset::Classic, Preset::Viable] {
        let stacks = LayerStacks::of((0..6).map(|i| NAMES[i]));
        let ratio = match preset {
            Preset::Classic => 0.1,
            _ => VIABLE_FP16,
        };
        let map = ImportanceMap::by_role();
        let uniform = UniformEncoder::new(RETENTION);
        let adaptive = AdaptiveEncoder::new(TARGET);
        let svd = SvdEncoder::new(RANK).quality(quality);
        let hybrid = HybridEncoder::new(RANK, RETENTION).quality(quality);
        let mixed = MixedPrecisionEncoder::new(RETENTION, ratio);
        let importance = ImportanceEncoder::new(RETENTION, map).quality(quality);
        let mlp_only = MlpOnlyEncoder::new(RETENTION).quality(quality);
        let layers = HybridLayersEncoder::new(RETENTION, stacks).quality(quality);
        add(false, of(preset, uniform.preset(preset)));
        add(false, of(preset, adaptive.preset(preset)));
        add(true, of(preset, svd.preset(preset)));
        add(true, of(preset, hybrid.preset(preset)));
        add(false, of(preset, mixed.preset(preset)));
        add(false, of(preset, importance.preset(preset)));
        add(false, of(preset, mlp_only.preset(preset)));
        add(false, of(preset, layers.preset(preset)));
    }
    add(false, Ours::new(String::new(), RdoEncoder::new(quality)));
    add(false, Ours::lossless());
    let order = |r: &Runner| {
        let mut names = NAMES_IN_ORDER.iter();
        names.position(|n| *n == r.contestant.label().name)
    };
    runners.sort_by_key(order);
    runners
}

fn of(preset: Preset, encoder: impl Strategy + Send + 'static) -> Ours {
    Ours::new(String::new(), encoder).of_preset(preset)
}

/// Layers of a model that [`MLP`] is in the middle of.
const NAMES: [&str; 6] = [
    "model.layers.0.mlp.up_proj.weight",
    "model.layers.1.mlp.up_proj.weight",
    MLP,
    "model.layers.3.mlp.up_proj.weight",
    "model.layers.4.mlp.up_proj.weight",
    "model.layers.5.mlp.up_proj.weight",
];

const NAMES_IN_ORDER: [&str; 10] = [
    "uniform",
    "adaptive",
    "svd",
    "hybrid",
    "mixed",
    "importance",
    "mlp-only",
    "hybrid-layers",
    "rdo",
    "lossless",
];

/// Measures every strategy on both matrices.
pub fn measure(bar: &ProgressBar) -> Result<Speeds> {
    let mut small = gaussian(SMALL, SMALL, Dtype::BF16)?;
    let mut large = gaussian(LARGE, LARGE, Dtype::BF16)?;
    let mut rows = Vec::new();
    for Runner {
        attention,
        contestant,
    } in runners()
    {
        let label = contestant.label();
        let (name, preset) = (&label.name, label.preset());
        bar.set_message(format!("{name} {preset} on {LARGE} × {LARGE}"));
        let role = if attention { ATTENTION } else { MLP };
        small.meta.name = role.into();
        large.meta.name = role.into();
        rows.push(SpeedRow {
            strategy: name.clone(),
            preset: preset.into(),
            small: pair(&small, &contestant, RUNS)?,
            large: pair(&large, &contestant, 1)?,
        });
    }
    bar.set_message("randomized SVD on one thread");
    Ok(Speeds {
        threads: rayon::current_num_threads(),
        rows,
        svd_seconds: svd_seconds(&large)?,
    })
}

fn pair(matrix: &Matrix, contestant: &Ours, runs: usize) -> Result<Pair> {
    let times = fastest(contestant, matrix, runs, |_, _| Ok(()))?;
    let weights = matrix.weights() as u64;
    Ok(Pair {
        encode: millions(weights, times.encode),
        decode: millions(weights, times.decode),
    })
}

fn svd_seconds(tensor: &Matrix) -> Result<f64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let matrix: MatrixView<'_> = tensor.matrix()?;
    let start = Instant::now();
    let svd = pool.install(|| randomized_svd(matrix, RANK))?;
    let seconds = start.elapsed().as_secs_f64();
    let first = svd.singular.first().context("no singular value")?;
    anyhow::ensure!(first.is_finite(), "the singular values are not numbers");
    Ok(seconds)
}

/// Renders the table.
pub fn render(speeds: &Speeds) -> String {
    let rows: Vec<Vec<String>> = speeds
        .rows
        .iter()
        .map(|row| {
            vec![
                row.strategy.clone(),
                cells::or_dash(&row.preset),
                speed(row.small.encode),
                speed(row.small.decode),
                speed(row.large.encode),
                speed(row.large.decode),
            ]
        })
        .collect();
    let small = format!("{SMALL} × {SMALL}");
    let large = format!("{LARGE} × {LARGE}");
    let head = [
        "strategy",
        "preset",
        &format!("{small}, encode"),
        &format!("{small}, decode"),
        &format!("{large}, encode"),
        &format!("{large}, decode"),
    ];
    format!(
        "### Speed\n\nMillions of weights per second on Gaussian matrices in BF16, in memory, on {} \
         threads; the fastest of {RUNS} runs of the small one, one run of the large one. Retention \
         {}, `adaptive` at {}, `svd` and `hybrid` of rank {RANK} on a matrix that is named as an \
         attention's, `mixed` at FP16 0.1 (classic) and {VIABLE_FP16} (viable), the other viable \
         presets and `rdo` at a cosine of {COSINE}. Other work on the machine shows here; not part \
         of `--check`.\n\n{}\n\
         A randomized SVD of rank {RANK} of the large matrix takes {:.1} s on one thread.\n",
        speeds.threads,
        RETENTION,
        TARGET,
        table("llrrrr", &head, &rows),
        speeds.svd_seconds,
    )
}
