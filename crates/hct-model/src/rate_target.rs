//! Compressing to a given size.

use std::io::Write;

use hct_strategies::RatePlan;

use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
use crate::progress::Progress;
use crate::rates::bits_per;

/// The file ends up within this share of the bits asked for, where that is possible at all.
const TOLERANCE: f64 = 0.005;
/// Whole encodings to try; two are usual.
const ATTEMPTS: usize = 6;
/// The same on a base, where coarse targets are all alike.
const ATTEMPTS_ON_BASE: usize = 16;
/// A slope of less than this share of the usual one is none.
const FLAT: f64 = 0.25;
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
/// This takes several encodings, two as a rule, each to a writer that `new_output` makes; the best
/// so far is kept meanwhile.
///
/// # Errors
/// As [`encode`], or what `new_output` errs with; or when the size cannot be reached, because what
/// must stay lossless takes more, or the checkpoint has no lossy tensors.
pub fn encode_to_rate<W: Write>(
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
    let mut best: Option<(f64, W, CompressReport, f64)> = None;
    for attempt in 1..=attempts {
        if attempt > 1 {
            progress.restart(attempt);
        }
        let strategy = plan.strategy_at(octaves);
        let (file, report) = encode(source, new_output()?, &*strategy, options, progress)?;
        let excess = report.bits_per_weight() - bits_per_weight;
        let off = (excess / bits_per_weight).abs();
        if best.as_ref().is_none_or(|(least, ..)| off < *least) {
            best = Some((off, file, report, octaves));
        }
        if off <= TOLERANCE || report.lossy_weights == 0 {
            break;
        }
        // 6 dB a bit, or the slope measured between the last two.
        let usual = -0.5 * report.lossy_weights as f64 / report.weights as f64;
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
    let (off, file, report, octaves) = best.expect("at least one attempt was made");
    // A file smaller than asked for, because everything is lossless already, is no failure.
    if off > 2.0 * TOLERANCE && report.bits_per_weight() > bits_per_weight {
        return Err(Error::RateOutOfReach {
            path: source.name().to_owned(),
            wanted: bits_per_weight,
            reached: report.bits_per_weight(),
        });
    }
    Ok((file, report, octaves))
}
