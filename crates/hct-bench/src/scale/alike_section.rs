//! What grows with the number of tensors.

use hct_core::Limits;

use super::index_estimate;
use super::model_section::{mebibytes, seconds};
use super::report::{Kind, Report, Row};
use crate::text::cells::thousands;
use crate::text::table::table;

/// Bytes of the index that a tensor may take, beside its name.
const BOUND: f64 = 64.0;
/// Tensors that are many.
const MANY: u64 = 1000;

/// The section, if anything of it was measured.
pub fn render(report: &Report) -> Option<String> {
    let rows = report.rows.iter();
    let rows: Vec<&Row> = rows
        .filter(|row| row.kind == Kind::Alike && row.tensors > 1)
        .collect();
    if rows.is_empty() {
        return None;
    }
    // Of a few tensors it is what the file has of itself and what long tensors have of their tiles.
    let many = rows.iter().filter(|row| row.tensors >= MANY);
    let most = many.map(|row| row.index_per_tensor()).fold(0.0, f64::max);
    let verdict = match most < BOUND {
        true => format!(
            "Of many a tensor takes {most:.1} bytes of the index at most beside its name: under {BOUND:.0}."
        ),
        false => format!(
            "Of many a tensor takes up to {most:.1} bytes of the index beside its name: **not** under {BOUND:.0}."
        ),
    };
    Some(format!(
        "## Many tensors\n\n`cargo xtask scale --tensors N`, with `--shape` where there are fewer of the same weights in all. \
         Tensors of under 4,096 weights are coded losslessly whatever the options; `--strategy lossless` adds a hash of 32 bytes to \
         each. {} {verdict}\n\n{}\n{}",
        rows[rows.len() - 1].machine.describe(),
        runs(&rows),
        bytes(&rows) + &limits(report),
    ))
}

/// What the limits of readers come to.
fn limits(report: &Report) -> String {
    let Some((tensor, tile)) = index_estimate::parts(report) else {
        return String::new();
    };
    let limits = Limits::default();
    let mb = |bytes: f64| bytes / 1e6;
    format!(
        "\nEach tile of 2²⁰ weights beyond a tensor's first takes {tile:.1} bytes more. Nothing in the format bounds the number of \
         tensors or of tiles; readers do, unless `--max-memory` says otherwise ([SECURITY.md](../SECURITY.md)): {} tensors, \
         whose index is {:.0} MB with names of 30 bytes, and an index of {:.0} MB, which tiles alone fill at {:.0} trillion weights.\n",
        thousands(limits.tensors),
        mb(limits.tensors as f64 * (tensor + 30.0)),
        mb(limits.index as f64),
        limits.index as f64 / tile * f64::from(1 << 20) / 1e12,
    )
}

fn runs(rows: &[&Row]) -> String {
    let cells = rows.iter().map(|row| {
        let mut cells = vec![
            thousands(row.tensors),
            thousands(row.weights / row.tensors),
            row.setting.name().into(),
        ];
        for (_, run) in row.runs() {
            cells.extend([
                format!("{:.1}", run.seconds),
                seconds(run),
                mebibytes(run.peak_bytes),
            ]);
        }
        cells
    });
    let head = [
        "tensors",
        "weights in each",
        "options",
        "compress, s",
        "CPU s",
        "peak MiB",
        "verify, s",
        "CPU s",
        "peak MiB",
        "decompress, s",
        "CPU s",
        "peak MiB",
    ];
    table("rrlrrrrrrrrr", &head, &cells.collect::<Vec<_>>())
}

fn bytes(rows: &[&Row]) -> String {
    let cells = rows.iter().map(|row| {
        let each = |bytes: u64| format!("{:.1}", bytes as f64 / row.tensors as f64);
        vec![
            thousands(row.tensors),
            row.setting.name().into(),
            thousands(row.index_bytes),
            each(row.name_bytes),
            each(row.index_bytes),
            format!("{:.1}", row.index_per_tensor()),
            each(row.recovery_bytes),
            each(row.file_bytes),
        ]
    });
    let head = [
        "tensors",
        "options",
        "index, bytes",
        "name, bytes each",
        "index, each",
        "without the name",
        "recovery blocks, each",
        "file, each",
    ];
    table("rlrrrrrr", &head, &cells.collect::<Vec<_>>())
}
