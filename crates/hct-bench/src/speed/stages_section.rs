//! The table of where the time goes.

use super::report::Stages;
use super::stage::Stage;
use super::worker::SHAPE;
use crate::text::table::table;

/// Parts, and what they are parts of.
const LINES: [(Stage, &str); 11] = [
    (Stage::Decode, "**decoding a trellis file** to BF16"),
    (
        Stage::DecodeValues,
        "of it symbols, states and values, to F32",
    ),
    (Stage::DecodeChecksums, "of it checksums"),
    (Stage::DecodeExact, "**decoding a lossless file** to BF16"),
    (Stage::ExactChecksums, "of it checksums"),
    (
        Stage::Encode(64),
        "**encoding at a step, 64 states**: search, statistics, entropy coding, comparing with the original",
    ),
    (Stage::Encode(8), "the same, 8 states"),
    (Stage::Encode(1), "the same, scalar"),
    (Stage::Analyse, "before it: scale model and sample"),
    (
        Stage::Train,
        "before it: learning contexts at a step, on 2¹⁸ values",
    ),
    (
        Stage::Compare,
        "after it, where values are prepared or added up: decoding, rounding and comparing",
    ),
];

/// The section, from what was measured.
pub fn render(stages: &Stages) -> String {
    let clock = stages.of(Stage::Clock);
    let weights = (SHAPE.0 * SHAPE.1) as f64;
    let lines: Vec<Vec<String>> = LINES
        .iter()
        .map(|&(stage, what)| {
            let seconds = stages.of(stage);
            vec![
                what.to_owned(),
                format!("{:.2}", 1e3 * seconds),
                format!("{:.2}", seconds * clock / weights),
            ]
        })
        .collect();
    format!(
        "## Where the time goes\n\n{} SIMD level {}, one core, medians of {} rounds, on the weights of \
         *BF16 on one core*. Cycles are seconds times the clock, {:.2} GHz: that of a chain of shifts and \
         exclusive ors, each of which waits for the one before, at a cycle each.\n\n{}",
        stages.machine.describe(),
        stages.level,
        stages.rounds,
        clock / 1e9,
        table("lrr", &["what", "ms", "cycles per weight"], &lines)
    )
}
