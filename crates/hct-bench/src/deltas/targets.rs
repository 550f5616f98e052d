//! The numbers to reach.

use super::report::{PairReport, Report};
use super::search::EMBEDDING_COSINE;
use crate::rd::Target;

/// What was to be reached, by pair.
pub fn targets(report: &Report) -> Vec<(String, Target)> {
    let mut targets = Vec::new();
    for (key, pair) in report.ordered() {
        let own = of(pair).into_iter().map(|t| (key.to_owned(), t));
        targets.extend(own);
    }
    targets
}

fn of(pair: &PairReport) -> Vec<Target> {
    let mut targets = Vec::new();
    let percent = |a: u64, b: u64| 100.0 * a as f64 / b as f64;
    if let (Some(alone), Some(on_base)) = (
        pair.exact_row("lossless"),
        pair.exact_row("lossless on base"),
    ) {
        let share = percent(on_base.bytes, alone.bytes);
        let what = "lossless, of what it takes alone, %";
        targets.push(Target::at_most(what, 70.0, share));
        for rival in pair.rivals() {
            let what = format!("lossless, of {}, %", rival.name);
            let share = percent(on_base.bytes, rival.bytes);
            targets.push(Target::at_most(what, 90.0, share));
        }
    }
    if let Some(least) = &pair.least {
        let what = format!(
            "lossy at embedding cosine {EMBEDDING_COSINE}, of the bits that it takes alone, %"
        );
        let share = percent(least.on_base.bytes, least.alone.bytes);
        targets.push(Target::at_most(what, 50.0, share));
    }
    targets
}
