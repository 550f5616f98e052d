//! Compressing to a given size.

use std::io::Write;

use hct_strategies::{Quality, Strategy};

use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, CompressReport, encode};
use crate::error::Error;
use crate::progress::Progress;

/// The file ends up within this share of the bits asked for, where that is possible at all.
const TOLERANCE: f64 = 0.005;
/// Whole encodings to try; two are usual.
const ATTEMPTS: usize = 6;
/// A slope of less than this share of the usual one is none.
const FLAT: f64 = 0.25;
/// Coarsest relative mean squared error: beyond it hardly anything is left of a tensor.
const COARSEST: f64 = 0.9;
/// Finest; float tensors are stored losslessly long before.
const FINEST: f64 = 1e-12;

/// As [`encode`], but so that the whole file takes `bits_per_weight`, to 1 %, by the strategy that
/// `strategy_at` gives for a quality. The same relative mean squared error in every tensor, as
/// `rdo` makes of it, is one common slope of relative error against rate. Gives that error, too.
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
    strategy_at: &dyn Fn(Quality) -> Box<dyn Strategy>,
    bits_per_weight: f64,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<(W, CompressReport, f64), Error> {
    // The usual gap to the Shannon bound, to begin with.
    let mut rel_mse = libm::exp2(-2.0 * (bits_per_weight - 0.1)).clamp(FINEST, COARSEST);
    let mut before: Option<(f64, f64)> = None;
    let mut best: Option<(f64, W, CompressReport, f64)> = None;
    for attempt in 1..=ATTEMPTS {
        if attempt > 1 {
            progress.restart(attempt);
        }
        let strategy = strategy_at(Quality::RelMse(rel_mse));
        let (file, report) = encode(source, new_output()?, &*strategy, options, progress)?;
        let excess = report.bits_per_weight() - bits_per_weight;
        let off = (excess / bits_per_weight).abs();
        if best.as_ref().is_none_or(|(least, ..)| off < *least) {
            best = Some((off, file, report, rel_mse));
        }
        if off <= TOLERANCE || report.lossy_weights == 0 {
            break;
        }
        // 6 dB a bit, or the slope measured between the last two.
        let octaves = libm::log2(rel_mse);
        let usual = -0.5 * report.lossy_weights as f64 / report.weights as f64;
        let slope = match before {
            Some((o, e)) if (o - octaves).abs() > 1e-9 => (excess - e) / (octaves - o),
            _ => usual,
        };
        // Coarse targets are all the same where what guards the difference from a base is finer:
        // from there a slope leads nowhere.
        let flat = options.base.is_some() && slope > FLAT * usual;
        let slope = if flat { usual } else { slope };
        before = Some((octaves, excess));
        let next = libm::exp2(octaves - excess / slope.min(-0.05)).clamp(FINEST, COARSEST);
        if next == rel_mse {
            break;
        }
        rel_mse = next;
    }
    let (off, file, report, rel_mse) = best.expect("at least one attempt was made");
    // A file smaller than asked for, because everything is lossless already, is no failure.
    if off > 2.0 * TOLERANCE && report.bits_per_weight() > bits_per_weight {
        return Err(Error::RateOutOfReach {
            path: source.name().to_owned(),
            wanted: bits_per_weight,
            reached: report.bits_per_weight(),
        });
    }
    Ok((file, report, rel_mse))
}
