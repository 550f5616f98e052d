//! Compressing to a given size.

use std::io::{self, Write};
use std::ops::RangeInclusive;

use hct_strategies::{RatePlan, Strategy};

use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
use crate::progress::Progress;
use crate::rates::bits_per;
use crate::size_estimate::estimate;

/// The file ends up within this share of the bits asked for, where that is possible at all.
const TOLERANCE: f64 = 0.005;
/// Whole encodings to try; one is usual where something faster tells the size, two where nothing does.
const ATTEMPTS: usize = 6;
/// The same on a base, where coarse targets are all alike.
const ATTEMPTS_ON_BASE: usize = 16;
/// Estimates before the first.
const ESTIMATES: usize = 2;
/// Bits per weight that they are too high, about: of SmolLM2 by 0.012 at 2.4, and too low by 0.003 at 4 and 6.
const TOO_HIGH: f64 = 0.006;
/// Bits per weight within which the usual slope tells the rest.
const NEAR: f64 = 0.25;
/// Bits per weight that an octave of error saves: 6 dB a bit.
const USUAL: f64 = 0.5;
/// A slope of less than this share of the usual one is none.
const FLAT: f64 = 0.25;
/// Attempts after these, where they have not met the size.
const HALVINGS: usize = 14;
/// Octaves between too fine and too coarse from which on there is nothing to be found.
const CLOSE: f64 = 0.02;
/// Longest stride where there is none, in octaves.
const STRIDE: f64 = 4.0;

/// The bits per weight at which a file of so many weights takes no more than `size` bytes: they are met
/// to 0.5 %.
pub fn bits_for_size(weights: u64, size: u64) -> f64 {
    0.995 * bits_per(size, weights)
}

/// As [`encode`], but so that the whole file takes the bits per weight of `plan`, to 1 %. Gives what
/// they were reached at, too, as [`RatePlan::strategy_at`] takes it.
///
/// This takes several encodings, each to a writer that `new_output` makes; the best so far is kept
/// meanwhile. Where something faster tells the size ([`RatePlan::scout_at`],
/// [`RatePlan::estimator_at`]) it is one as a rule, otherwise two.
///
/// # Errors
/// As [`encode`], or what `new_output` errs with; or when the size cannot be reached, because what
/// must stay lossless takes more, or the checkpoint has no lossy tensors.
pub fn encode_to_rate<W: Write + Send>(
    source: &dyn CheckpointSource,
    new_output: &mut dyn FnMut() -> Result<W, Error>,
    plan: &RatePlan,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<(W, CompressReport, f64), Error> {
    let bits_per_weight = plan.bits_per_weight();
    let weights = source.weights();
    let limits = plan.limits();
    let mut octaves = plan.start(weights).clamp(*limits.start(), *limits.end());
    let attempts = match options.base {
        Some(_) => ATTEMPTS_ON_BASE,
        None => ATTEMPTS,
    };
    let mut before: Option<(f64, f64)> = None;
    let mut flats = 0i32;
    let mut attempt = 0;
    if options.base.is_none() {
        if let Some(scout) = plan.scout_at(octaves) {
            attempt += 1;
            let stride = scouted(source, &*scout, plan, options, progress)?;
            octaves = (octaves + stride).clamp(*limits.start(), *limits.end());
        }
        for _ in 0..ESTIMATES {
            let Some(encoder) = plan.estimator_at(octaves) else {
                break;
            };
            attempt += 1;
            if attempt > 1 {
                progress.restart(attempt);
            }
            let estimate = estimate(source, &encoder, options, &Unrecorded(progress))?;
            let excess = estimate.bits_per_weight - TOO_HIGH - bits_per_weight;
            let stride = usual_stride(excess, estimate.lossy);
            octaves = (octaves + stride).clamp(*limits.start(), *limits.end());
            if excess.abs() < NEAR {
                break;
            }
        }
    }
    let mut best = Best::default();
    let mut try_at = |octaves: f64, best: &mut Best<W>| {
        attempt += 1;
        if attempt > 1 {
            progress.restart(attempt);
        }
        let strategy = plan.strategy_at(octaves);
        let (file, report) = encode(source, new_output()?, &*strategy, options, progress)?;
        let excess = report.bits_per_weight() - bits_per_weight;
        best.offer(excess / bits_per_weight, file, report, octaves);
        Ok::<_, Error>((report, excess))
    };
    for _ in 0..attempts {
        let (report, excess) = try_at(octaves, &mut best)?;
        let off = (excess / bits_per_weight).abs();
        if off <= TOLERANCE || report.lossy_weights == 0 {
            break;
        }
        // The usual slope, or the one measured between the last two.
        let usual = -USUAL * report.lossy_weights as f64 / report.weights as f64;
        let apart = before.filter(|(o, _)| (o - octaves).abs() > 1e-9);
        let measured = apart.map(|(o, e)| (excess - e) / (octaves - o));
        // Coarse targets are all the same where what guards the difference from a base is finer:
        // there are longer and longer strides, and no slope between there and elsewhere.
        let flat = options.base.is_some() && measured.is_some_and(|slope| slope > FLAT * usual);
        let slope = measured.filter(|_| !flat && flats == 0).unwrap_or(usual);
        flats = if flat { flats + 1 } else { 0 };
        let mut stride = excess / slope.min(-0.05);
        if flat {
            stride = (stride * libm::exp2(f64::from(flats))).clamp(-STRIDE, STRIDE);
        }
        before = Some((octaves, excess));
        let next = (octaves - stride).clamp(*limits.start(), *limits.end());
        if next == octaves {
            break;
        }
        octaves = next;
    }
    // Where tensors become lossless one after the other the size leaps, and slopes say nothing.
    for _ in 0..HALVINGS {
        let Some(next) = best.between(&limits) else {
            break;
        };
        try_at(next, &mut best)?;
    }
    let Some((excess, file, mut report, octaves)) = best.made else {
        return Err(Error::Cancelled);
    };
    if excess > 2.0 * TOLERANCE {
        return Err(Error::RateOutOfReach {
            path: source.name().to_owned(),
            wanted: bits_per_weight,
            reached: report.bits_per_weight(),
        });
    }
    // A file that is smaller than asked for is no failure, but is said.
    report.asked = (excess < -2.0 * TOLERANCE).then_some(bits_per_weight);
    Ok((file, report, octaves))
}

/// The octaves from where `scout` codes to where the strategy that it stands for takes what it is to.
fn scouted(
    source: &dyn CheckpointSource,
    scout: &dyn Strategy,
    plan: &RatePlan,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<f64, Error> {
    let progress = Unrecorded(progress);
    let (_, report) = encode(source, io::sink(), scout, options, &progress)?;
    let lossy = report.lossy_weights as f64 / report.weights.max(1) as f64;
    let bits = report.bits_per_weight();
    let excess = bits - lossy * plan.scout_excess(bits) - plan.bits_per_weight();
    Ok(usual_stride(excess, lossy))
}

/// The octaves that take so many bits per weight off a file, of whose weights the share `lossy` has loss.
fn usual_stride(excess: f64, lossy: f64) -> f64 {
    excess / (USUAL * lossy).max(0.05)
}

/// Work that is shown, and of which nobody is told what became of tensors.
struct Unrecorded<'a>(&'a dyn Progress);

impl Progress for Unrecorded<'_> {
    fn advance(&self, bytes: u64, tensor: &str) {
        self.0.advance(bytes, tensor);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// The best file so far, and what is known of where better ones are.
struct Best<W> {
    /// By how much it is larger than asked for, relatively; the file, what it is, and where.
    made: Option<(f64, W, CompressReport, f64)>,
    /// The coarsest that was too large, and the finest that was too small.
    over: Option<f64>,
    under: Option<f64>,
    /// Nothing is larger than what is lossless altogether.
    largest: bool,
}

impl<W> Default for Best<W> {
    fn default() -> Self {
        Best {
            made: None,
            over: None,
            under: None,
            largest: false,
        }
    }
}

impl<W> Best<W> {
    /// Keeps a file if it is better: one that is too large is worse than any that is not.
    fn offer(&mut self, excess: f64, file: W, report: CompressReport, octaves: f64) {
        let rank = |excess: f64| (excess > 2.0 * TOLERANCE, excess.abs());
        let better = |made: &(f64, W, CompressReport, f64)| rank(excess) < rank(made.0);
        if self.made.as_ref().is_none_or(better) {
            self.made = Some((excess, file, report, octaves));
        }
        if excess > 0.0 {
            self.over = Some(self.over.map_or(octaves, |over| over.max(octaves)));
        } else {
            self.under = Some(self.under.map_or(octaves, |under| under.min(octaves)));
            self.largest |= report.lossy_weights == 0;
        }
    }

    /// Where to look next; nowhere if it is good enough, or cannot be better.
    fn between(&self, limits: &RangeInclusive<f64>) -> Option<f64> {
        let good = |made: &(f64, W, CompressReport, f64)| made.0.abs() <= 2.0 * TOLERANCE;
        if self.largest || self.made.as_ref().is_none_or(good) {
            return None;
        }
        match (self.over, self.under) {
            (Some(over), Some(under)) => (under - over > CLOSE).then_some(0.5 * (over + under)),
            (Some(over), None) => Some(*limits.end()).filter(|&end| end > over),
            (None, Some(under)) => Some(*limits.start()).filter(|&start| start < under),
            (None, None) => None,
        }
    }
}
