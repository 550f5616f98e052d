//! The numbers to reach, from what was measured.

use super::entrants::{Aim, TARGET};
use super::low_rank::LowRank;
use super::report::ModelReport;
use super::speed::Speeds;
use super::strategy::{StrategyRow, reference};
use super::verdict::{PAYS, is_route};
use crate::text::cells::{self, bits_per_weight, percent, percent_fine};
use crate::text::table::table;

/// Least first percentile of embedding rows at the adaptive target.
const LEAST_ROW: f64 = 0.97;
/// Most of `mixed` in positions.
const MOST_POSITIONS: f64 = 0.10;
/// Most that steering may cost.
const MOST_STEERING: f64 = 0.01;
/// How many times smaller factors make an exactly low-rank matrix.
const LEAST_FACTOR: f64 = 5.0;
/// Seconds that a large decomposition may take on one core.
const MOST_SECONDS: f64 = 20.0;
/// Strategies that are to save a tenth.
const TO_PAY: [&str; 4] = ["adaptive", "svd", "hybrid", "importance"];

/// One number.
struct Target {
    what: String,
    asked: String,
    measured: String,
    met: bool,
}

fn rendered(targets: Vec<Target>) -> String {
    let rows: Vec<Vec<String>> = targets
        .into_iter()
        .map(|target| {
            let met = if target.met { "met" } else { "missed" };
            vec![target.what, target.asked, target.measured, met.into()]
        })
        .collect();
    format!(
        "### Numbers to reach\n\n{}",
        table("lrrl", &["", "asked", "measured", ""], &rows)
    )
}

/// Renders those of a model.
pub fn of_model(report: &ModelReport) -> String {
    let mut targets = Vec::new();
    if let Some(reference) = reference(&report.strategies) {
        let rows = report.strategies.iter();
        for row in rows.filter(|r| r.aim == Aim::Equal && !is_route(&r.row.strategy)) {
            targets.push(at_equal_quality(report, row, reference));
        }
    }
    let adaptive = |r: &&StrategyRow| r.row.strategy == "adaptive" && r.aim == Aim::Every(TARGET);
    if let Some(row) = report.strategies.iter().find(adaptive) {
        targets.push(Target {
            what: format!("`adaptive` at {TARGET}: cosine of the worst tensor"),
            asked: format!("≥ {TARGET}"),
            measured: cells::cosine(row.row.worst_cosine),
            met: row.row.worst_cosine >= TARGET,
        });
        if let Some(worst) = row.row.worst_row {
            targets.push(Target {
                what: "the same: 1st percentile of embedding rows".into(),
                asked: format!("≥ {LEAST_ROW}"),
                measured: cells::cosine(worst),
                met: worst >= LEAST_ROW,
            });
        }
    }
    let mixed = |r: &&StrategyRow| r.row.strategy == "mixed" && r.aim == Aim::Equal;
    if let Some(row) = report.strategies.iter().find(mixed) {
        let share = row.row.section("positions");
        targets.push(Target {
            what: "`mixed`: bytes in positions".into(),
            asked: format!("≤ {}", percent(MOST_POSITIONS)),
            measured: percent_fine(share),
            met: share <= MOST_POSITIONS,
        });
    }
    let sweep = report.mixed.iter().filter(|row| row.preset == "viable");
    let shares = sweep.map(|row| (row.section("positions"), row));
    if let Some((share, row)) = shares.max_by(|a, b| a.0.total_cmp(&b.0)) {
        targets.push(Target {
            what: format!("the same, at most in its table: {}", row.setting),
            asked: format!("≤ {}", percent(MOST_POSITIONS)),
            measured: percent_fine(share),
            met: share <= MOST_POSITIONS,
        });
    }
    let steering = report.importance.overhead();
    targets.push(Target {
        what: "`importance`: bytes beyond the engine's".into(),
        asked: format!("≤ {}", percent(MOST_STEERING)),
        measured: percent_fine(steering),
        met: steering <= MOST_STEERING,
    });
    if let Some(svd) = &report.svd {
        targets.push(Target {
            what: "`svd`: attention matrices larger than by `rdo`".into(),
            asked: "0".into(),
            measured: format!("{} of {}", svd.chosen.larger, svd.matrices),
            met: svd.chosen.larger == 0,
        });
    }
    rendered(targets)
}

fn at_equal_quality(report: &ModelReport, row: &StrategyRow, reference: &StrategyRow) -> Target {
    let bits = |row: &StrategyRow| bits_per_weight(row.row.matrix_bytes, report.matrix_weights);
    let strategy = row.row.strategy.as_str();
    let share = if TO_PAY.contains(&strategy) {
        PAYS
    } else {
        1.0
    };
    let most = share * bits(reference);
    Target {
        what: format!(
            "`{strategy}` at the cosine of `uniform`, {}: bits per weight",
            cells::cosine(reference.row.cosine)
        ),
        asked: format!("≤ {most:.3}"),
        measured: format!("{:.3} at {}", bits(row), cells::cosine(row.row.cosine)),
        met: bits(row) <= most && row.row.cosine >= reference.row.cosine,
    }
}

/// Renders those of synthetic matrices.
pub fn of_matrices(low_rank: &LowRank, speeds: Option<&Speeds>) -> String {
    let mut targets = Vec::new();
    for row in low_rank.rows.iter().filter(|row| row.above_noise()) {
        targets.push(Target {
            what: format!("`svd` at rel. MSE {}: times smaller than `rdo`", row.target),
            asked: format!("≥ {LEAST_FACTOR}"),
            measured: format!("{:.2}", row.factor()),
            met: row.factor() >= LEAST_FACTOR
                && row.svd_rel_mse <= row.target
                && row.rdo_rel_mse <= row.target,
        });
    }
    if let Some(speeds) = speeds {
        targets.push(Target {
            what: "randomized SVD, 4096 × 4096, rank 256, one thread".into(),
            asked: format!("≤ {MOST_SECONDS} s"),
            measured: format!("{:.1} s", speeds.svd_seconds),
            met: speeds.svd_seconds <= MOST_SECONDS,
        });
    }
    rendered(targets)
}
