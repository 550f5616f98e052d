//! Mixtures of experts, and what one of 671 billion weights would take.

use super::child::Run;
use super::index_estimate;
use super::plan::Plan;
use super::report::{Kind, Report, Row};
use crate::text::cells::{error, thousands};
use crate::text::table::table;

/// The section, if anything of it was measured.
pub fn render(report: &Report) -> Option<String> {
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|r| r.kind == Kind::Model)
        .collect();
    let largest = rows.iter().map(|row| row.weights).max()?;
    let of_largest: Vec<&Row> = rows
        .iter()
        .copied()
        .filter(|r| r.weights == largest)
        .collect();
    Some(format!(
        "## Models\n\n`cargo xtask scale --gib N --setting default --setting …`: the shapes of DeepSeek-V2-Lite (64 \
         experts of 2048 × 1408 a layer), narrower where there are few weights, and as many layers as it takes. {}\n\n\
         {}\n{}\n{}",
        rows[rows.len() - 1].machine.describe(),
        sizes(&rows),
        runs(&rows),
        extrapolated(report, &of_largest),
    ))
}

fn sizes(rows: &[&Row]) -> String {
    let cells = rows.iter().map(|row| {
        vec![
            thousands(row.weights),
            thousands(row.tensors),
            row.setting.name().into(),
            thousands(row.input_bytes),
            thousands(row.file_bytes),
            format!("{:.3}", row.bits()),
            error(row.rel_mse),
            thousands(row.index_bytes),
            thousands(row.recovery_bytes),
        ]
    });
    let head = [
        "weights",
        "tensors",
        "options",
        "checkpoint, bytes",
        "file, bytes",
        "bits per weight",
        "rel. MSE",
        "index, bytes",
        "recovery blocks, bytes",
    ];
    table("rrlrrrrrr", &head, &cells.collect::<Vec<_>>())
}

fn runs(rows: &[&Row]) -> String {
    let mut cells = Vec::new();
    for row in rows {
        for (name, run) in row.runs() {
            cells.push(vec![
                thousands(row.weights),
                row.setting.name().into(),
                format!("`hct {name}`"),
                format!("{:.1}", run.seconds),
                seconds(run),
                speed(row, run),
                mebibytes(run.peak_bytes),
            ]);
        }
    }
    let head = [
        "weights",
        "options",
        "what",
        "s",
        "CPU s",
        "M weights a CPU second",
        "peak MiB",
    ];
    table("rllrrrr", &head, &cells)
}

/// CPU seconds as a cell.
pub fn seconds(run: &Run) -> String {
    run.cpu_seconds.map_or("–".into(), |s| format!("{s:.1}"))
}

/// Memory as a cell.
pub fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("–".into(), |bytes| {
        format!("{:.0}", bytes as f64 / f64::from(1 << 20))
    })
}

fn speed(row: &Row, run: &Run) -> String {
    row.per_million(run)
        .filter(|&seconds| seconds > 0.0)
        .map_or("–".into(), |seconds| format!("{:.0}", 1.0 / seconds))
}

/// What the same speeds and rates make of the largest model that is released.
fn extrapolated(report: &Report, rows: &[&Row]) -> String {
    let large = Plan::large();
    let tensors = large.tensors();
    let weights = large.weights() as f64;
    let cells = rows.iter().map(|row| {
        let hours = |run: &Run| {
            let seconds = row.per_million(run).map(|s| s * weights / 1e6);
            seconds.map_or("–".into(), |s| format!("{:.1}", s / 3600.0))
        };
        vec![
            row.setting.name().into(),
            hours(&row.compress),
            hours(&row.verify),
            hours(&row.decompress),
            format!("{:.0}", row.bits() / 8.0 * weights / 1e9),
        ]
    });
    let head = [
        "options",
        "compress, core hours",
        "verify, core hours",
        "decompress, core hours",
        "file, GB",
    ];
    let index = index_estimate::of(report, &tensors).map(|bytes| {
        format!(
            "\nIts index takes {:.1} MB, by what tensors and tiles take below: opening it at a URL is a request for the last 64 KiB \
             and one or some for that.\n",
            bytes / 1e6
        )
    });
    format!(
        "### 671 billion weights\n\nDeepSeek-V3 has {} weights in {} tensors (its shapes, and without what predicts a second \
         token), {:.0} GB as BF16. At the speeds and rates of the largest checkpoint above that takes, parts of it on as many \
         machines as there are (`--part`):\n\n{}{}",
        thousands(large.weights()),
        thousands(tensors.len() as u64),
        2.0 * weights / 1e9,
        table("lrrrr", &head, &cells.collect::<Vec<_>>()),
        index.unwrap_or_default(),
    )
}
