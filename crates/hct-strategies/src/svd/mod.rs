//! Low rank: truncated factors and a residual.

mod factors;
mod orthonormal;
mod random;
mod randomized;
mod rank;

use hct_core::{DEFAULT_TILE, EncodedFragment, MatrixView, Result};

use crate::engine::{Engine, Goal, Quality, in_range};
use crate::lossless::unchanged;
use crate::preset::{Options, with_options};
use crate::target::target_for;
use crate::{Coded, Preset, Strategy, StrategyName, TensorView, sparse};
pub use randomized::{SvdError, TruncatedSvd, randomized_svd};
use rank::{Budget, Plan, plan};

/// Bytes that a product must save: what its records in the index take, generously.
const RECORDS: usize = 128;
/// The share of a tensor's bytes that a product must save, since it makes decoding several times
/// slower.
const WORTH_USING: f64 = 0.005;
/// Leading components that are looked at to see whether more are worth it.
pub(crate) const PROBE: usize = 32;
/// Factors alone are good enough this close below the target.
const CLOSE: f64 = 0.97;
/// Tries to get there.
const ATTEMPTS: usize = 6;

/// W ≈ U·S·Vᵀ by randomized SVD.
///
/// The viable preset quantizes and entropy-codes the factors, and codes what they leave with the
/// rate–distortion engine. The rank is that of the fewest estimated bits at the target, at most
/// the given one; the result is kept only where it is smaller than the engine's without factors.
/// The classic preset stores factors of the given rank in FP16, and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct SvdEncoder {
    rank: usize,
    quality: Quality,
    options: Options,
}

impl SvdEncoder {
    /// Factors of `rank`, at least 1; at most that many in the viable preset, whose quality is
    /// that of the uniform scheme at a retention of 0.98 unless set.
    pub fn new(rank: usize) -> Self {
        SvdEncoder {
            rank: rank.max(1),
            quality: Quality::of_retention(0.98),
            options: Options::default(),
        }
    }

    /// Sets the quality that the viable preset reaches.
    pub fn quality(mut self, quality: Quality) -> Self {
        self.quality = quality;
        self
    }
}

with_options!(SvdEncoder);

impl Strategy for SvdEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Svd.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        if self.options.preset == Preset::Classic {
            return classic(tensor, self.rank, self.name());
        }
        let target = target_for(&tensor.meta.name, self.quality);
        let engine = &self.options.engine;
        let find = |goal: &Goal<'_>| cheaper(engine, goal, self.rank, PROBE);
        // Estimates know nothing of factors.
        engine.choose(tensor, &target, self.name(), find, |_, _| Ok(false))
    }
}

/// Factors of `rank` as FP16.
pub(crate) fn classic(tensor: TensorView<'_>, rank: usize, name: &str) -> Result<Coded> {
    if let Some(coded) = unchanged(tensor, name)? {
        return Ok(coded);
    }
    let fragments = match randomized_svd(tensor.matrix()?, rank.max(1)) {
        Ok(svd) => factors::half(&svd).map(|fragment| vec![fragment]),
        Err(SvdError::NotFinite) => Err(hct_core::Error::NotFinite),
        Err(SvdError::NotConverged) => return sparse::lossless(tensor, "no factors found", name),
    };
    sparse::coded(tensor, fragments, name)
}

/// Fragments that reach `goal`: with factors of at most `rank` components, or without, whichever
/// takes fewer bytes (factors only where they save a share worth their time). None where nothing
/// reaches it. Factors are looked for only where the `probe`
/// leading components promise to pay.
pub(crate) fn cheaper(
    engine: &Engine,
    goal: &Goal<'_>,
    rank: usize,
    probe: usize,
) -> Result<Option<Vec<EncodedFragment>>> {
    let with = with_factors(engine, goal, rank, probe)?;
    let without = engine.fragments(goal)?;
    let bytes = |fragments: &Vec<EncodedFragment>| -> usize {
        fragments.iter().map(EncodedFragment::payload_bytes).sum()
    };
    let worth = |with: usize, without| (with as f64) < (1.0 - WORTH_USING) * without as f64;
    Ok(match (with, without) {
        (Some(a), Some(b)) if worth(bytes(&a) + RECORDS, bytes(&b)) => Some(a),
        (_, Some(b)) => Some(b),
        (a, None) => a,
    })
}

/// Factors and what else it takes to reach `goal`; none where factors promise nothing.
fn with_factors(
    engine: &Engine,
    goal: &Goal<'_>,
    rank: usize,
    probe: usize,
) -> Result<Option<Vec<EncodedFragment>>> {
    let matrix = goal.values()?;
    let energy = matrix.moments().energy;
    let distortion = goal.distortion();
    // The rows of the right factor, which are as long as the matrix's, must fit into a tile.
    let possible = distortion > 0.0 && distortion.is_finite() && matrix.cols() <= DEFAULT_TILE;
    if !possible {
        return Ok(None);
    }
    let budget = Budget {
        rows: matrix.rows(),
        cols: matrix.cols(),
        energy,
        distortion,
    };
    let Some((svd, plan)) = decompose(matrix, budget, rank, probe) else {
        return Ok(None);
    };
    let factors = if plan.alone {
        factors_alone(engine, goal, &svd, plan, budget)
    } else {
        factors::quantized(&svd, plan.rank, plan.noise, engine.effort, goal.start())
    };
    // Extreme values: go without.
    let Some(factors) = in_range(factors)? else {
        return Ok(None);
    };
    // The factors are a fragment themselves.
    let rest = Engine {
        fragments: engine.fragments.max(2) - 1,
        ..*engine
    };
    let planes = rest.planes(goal, Some(factors.sum))?;
    Ok(planes.map(|planes| {
        let mut fragments = vec![factors.fragment];
        fragments.extend(planes.into_iter().map(EncodedFragment::Plane));
        fragments
    }))
}

/// The decomposition that the best rank is found in: it grows until the best rank is well within
/// it, since most of the components of trained matrices are never worth looking at. None where no
/// rank pays, the decomposition does not converge, or values are not finite.
fn decompose(
    matrix: MatrixView<'_>,
    budget: Budget,
    most: usize,
    probe: usize,
) -> Option<(TruncatedSvd, Plan)> {
    let most = most.min(matrix.rows()).min(matrix.cols());
    let mut rank = probe.min(most);
    loop {
        // Both of its errors mean that there are no factors to be had.
        let svd = match randomized_svd(matrix, rank) {
            Ok(svd) => svd,
            Err(SvdError::NotFinite | SvdError::NotConverged) => return None,
        };
        let plan = plan(budget, &svd.singular)?;
        if rank == most || 4 * plan.rank < 3 * rank {
            return Some((svd, plan));
        }
        rank = (4 * rank).min(most);
    }
}

/// Factors that just reach `goal` by themselves, or come as close as a few tries get.
fn factors_alone(
    engine: &Engine,
    goal: &Goal<'_>,
    svd: &TruncatedSvd,
    plan: Plan,
    budget: Budget,
) -> Result<factors::CodedFactors> {
    let share = plan.noise * (plan.rank * (budget.rows + budget.cols)) as f64
        / (budget.rows * budget.cols) as f64;
    let tail = budget.distortion - share;
    let mut noise = plan.noise;
    let mut best = None;
    for _ in 0..ATTEMPTS {
        let coded = factors::quantized(svd, plan.rank, noise, engine.effort, goal.start())?;
        let excess = goal.excess(&coded.sum)?;
        if excess <= 1.0 {
            best = Some(coded);
            if excess >= CLOSE {
                break;
            }
        } else if best.is_some() {
            // Enough is known: the last one that reached it stays.
            break;
        }
        let from_factors = excess * budget.distortion - tail;
        let wanted = 0.985 * budget.distortion - tail;
        let factor = wanted / from_factors.max(1e-3 * wanted.abs());
        if !(factor.is_finite() && factor > 0.0) {
            break;
        }
        noise *= factor.clamp(0.25, 4.0);
    }
    match best {
        Some(coded) => Ok(coded),
        // What is missing goes to a residual.
        None => factors::quantized(svd, plan.rank, noise, engine.effort, goal.start()),
    }
}
