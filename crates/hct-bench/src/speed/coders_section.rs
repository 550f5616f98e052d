//! The tables of coders side by side.

use hct_core::Dtype;

use super::entrants::{BASELINE, DTYPES};
use super::report::{CoderRow, Coders};
use super::spread::Spread;
use crate::text::cells::{bits, or_dash, speed, thousands};
use crate::text::table::table;

/// The level that others are compared with.
const PORTABLE: &str = "portable";

/// The section, from what was measured.
pub fn render(coders: &Coders) -> String {
    let mut out = format!(
        "## Coders\n\n{} Medians of {} rounds; between the fastest and the slowest round of a coder lie \
         {:.0} % of its median, in the middle of all.\n",
        coders.machine.describe(),
        coders.rounds,
        100.0 * noise(coders)
    );
    for dtype in DTYPES {
        out += &format!(
            "\n### {} on one core\n\n{} Gaussian weights of standard deviation {}.\n\n{}",
            dtype.name(),
            thousands(coders.weights),
            coders.deviation,
            one_core(coders, dtype)
        );
    }
    if coders.machine.levels.len() > 1 {
        out += &format!(
            "\n### By SIMD level\n\nHow many times as fast as portable, on one core.\n\n{}",
            by_level(coders)
        );
    }
    if coders.machine.cores > 1 {
        out += &format!(
            "\n### On {} cores\n\n\"Speedup\" is over the same coder at the same level on one \
             core.\n\n{}",
            coders.machine.cores,
            all_cores(coders)
        );
    }
    for skipped in &coders.skipped {
        out += &format!("\nNot measured: {skipped}.\n");
    }
    out
}

fn one_core(coders: &Coders, dtype: Dtype) -> String {
    let rows = coders.rows.iter();
    let rows = rows.filter(|row| row.dtype == dtype.name() && row.threads == 1);
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            let mut cells = vec![
                name(row),
                or_dash(row.level.as_deref().unwrap_or_default()),
                bits(row.bytes, coders.weights),
                error(row.rel_mse),
            ];
            cells.extend(speeds(coders, dtype, &row.encode));
            cells.extend(speeds(coders, dtype, &row.decode));
            let baseline = coders.baseline(BASELINE, row);
            cells.push(ratio(
                baseline.map(|b| row.encode.times_as_fast_as(&b.encode)),
            ));
            cells.push(ratio(
                baseline.map(|b| row.decode.times_as_fast_as(&b.decode)),
            ));
            cells
        })
        .collect();
    let head = [
        "coder",
        "SIMD",
        "bits per weight",
        "rel. MSE",
        "encode, M/s",
        "encode, GB/s",
        "decode, M/s",
        "decode, GB/s",
        &format!("encode / {BASELINE}"),
        &format!("decode / {BASELINE}"),
    ];
    table("llrrrrrrrr", &head, &rows)
}

fn by_level(coders: &Coders) -> String {
    let rows = coders.rows.iter();
    let rows: Vec<Vec<String>> = rows
        .filter(|row| row.threads == 1)
        .filter_map(|row| {
            let level = row.level.as_deref().filter(|&level| level != PORTABLE)?;
            let portable = coders.other(row, Some(PORTABLE), 1)?;
            Some(vec![
                name(row),
                row.dtype.clone(),
                level.to_owned(),
                ratio(Some(row.encode.times_as_fast_as(&portable.encode))),
                ratio(Some(row.decode.times_as_fast_as(&portable.decode))),
            ])
        })
        .collect();
    let head = ["coder", "type", "SIMD", "encode", "decode"];
    table("lllrr", &head, &rows)
}

/// What lies between the fastest and the slowest round, as a share of the median, of the coder in
/// the middle.
fn noise(coders: &Coders) -> f64 {
    let rows = coders.rows.iter();
    let times = rows.flat_map(|row| [&row.encode, &row.decode]);
    let shares: Vec<f64> = times.map(|t| (t.max - t.min) / t.median).collect();
    Spread::of(&shares).median
}

fn all_cores(coders: &Coders) -> String {
    let rows = coders.rows.iter();
    let rows = rows.filter(|row| row.threads > 1);
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            let alone = coders.other(row, row.level.as_deref(), 1);
            vec![
                name(row),
                row.dtype.clone(),
                or_dash(row.level.as_deref().unwrap_or_default()),
                bits(row.bytes, coders.weights),
                speed(row.encode.millions(coders.weights)),
                speed(row.decode.millions(coders.weights)),
                ratio(alone.map(|a| row.encode.times_as_fast_as(&a.encode))),
                ratio(alone.map(|a| row.decode.times_as_fast_as(&a.decode))),
            ]
        })
        .collect();
    let head = [
        "coder",
        "type",
        "SIMD",
        "bits per weight",
        "encode, M/s",
        "decode, M/s",
        "encode, speedup",
        "decode, speedup",
    ];
    table("lllrrrrr", &head, &rows)
}

/// Ours in bold: the rows to look for.
fn name(row: &CoderRow) -> String {
    match row.ours {
        true => format!("**{}**", row.coder),
        false => row.coder.clone(),
    }
}

/// Millions of weights and billions of bytes a second.
fn speeds(coders: &Coders, dtype: Dtype, time: &Spread) -> [String; 2] {
    let bytes = coders.weights * dtype.bits() as u64 / 8;
    let gigabytes = time.millions(bytes) / 1e3;
    [
        speed(time.millions(coders.weights)),
        format!("{gigabytes:.2}"),
    ]
}

/// How many times as fast.
fn ratio(times: Option<f64>) -> String {
    times.map_or("–".into(), |times| format!("{times:.2}"))
}

/// Three digits: block formats lose a thousand times less than two bits do.
fn error(rel_mse: f64) -> String {
    match rel_mse {
        0.0 => "0".into(),
        _ if rel_mse < 1e-3 => format!("{rel_mse:.6}"),
        _ => format!("{rel_mse:.5}"),
    }
}
