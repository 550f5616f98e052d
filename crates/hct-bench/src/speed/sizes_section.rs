//! The table of what a weight costs by size.

use super::report::{SizeRow, Sizes};
use super::spread::Spread;
use crate::text::cells::{speed, thousands};
use crate::text::table::table;

/// A column of speeds: what it is called, whether of the exact coder, and which time.
type Column = (&'static str, bool, fn(&SizeRow) -> &Spread);

const COLUMNS: [Column; 6] = [
    ("trellis of 64 states, encode", false, |row| &row.encode),
    ("decode", false, |row| &row.bands),
    ("decode, a tensor at a time", false, |row| &row.decode),
    ("lossless, encode", true, |row| &row.encode),
    ("decode", true, |row| &row.bands),
    ("decode, a tensor at a time", true, |row| &row.decode),
];

/// The section, from what was measured.
pub fn render(sizes: &Sizes) -> String {
    let mut out = format!(
        "## By size\n\n{} SIMD level {}, one core, medians of {} rounds. Millions of BF16 weights a \
         second, from bytes to a file in memory and back; the file's index is written and read \
         within. **decode** is by bands of at most 4 MiB, as `hct decompress` cuts tensors, into memory that is \
         used again; **a tensor at a time** is into a vector for each, which beyond 32 MiB is new memory every time.\n",
        sizes.machine.describe(),
        sizes.level,
        sizes.rounds
    );
    let single = |row: &SizeRow| row.tensors == 1;
    let groups: [(&str, Vec<&SizeRow>); 2] = [
        (
            "One tensor",
            sizes.rows.iter().filter(|r| single(r)).collect(),
        ),
        (
            "Many tensors of one size",
            sizes.rows.iter().filter(|r| !single(r)).collect(),
        ),
    ];
    for (title, rows) in groups {
        out += &format!("\n### {title}\n\n{}", group(&rows));
    }
    out += WHY;
    out
}

/// What makes the difference.
const WHY: &str = "
Why it is not flat: contexts are learnt from 2¹⁸ weights whatever the size of the tensor, which smaller tensors pay for;
what is coded to a step is in memory until all of a tensor is, which grows with it; and new memory costs by the page, the more
on a virtual machine that has given it back to its host.
";

fn group(rows: &[&SizeRow]) -> String {
    let of = |column: &Column| -> Vec<f64> {
        let rows = rows.iter().filter(|row| row.exact == column.1);
        let all = |row: &SizeRow| (row.tensors * row.weights) as u64;
        rows.map(|row| column.2(row).millions(all(row))).collect()
    };
    let columns: Vec<Vec<f64>> = COLUMNS.iter().map(of).collect();
    let cases = rows.iter().filter(|row| !row.exact);
    let mut lines: Vec<Vec<String>> = cases
        .enumerate()
        .map(|(i, row)| {
            let mut cells = vec![thousands(row.tensors as u64), thousands(row.weights as u64)];
            let at = |column: &Vec<f64>| column.get(i).map_or("–".into(), |&m| speed(m));
            cells.extend(columns.iter().map(at));
            cells
        })
        .collect();
    let mut last = vec!["slowest to fastest".to_owned(), String::new()];
    last.extend(columns.iter().map(|column| flatness(column)));
    lines.push(last);
    let mut head = vec!["tensors", "weights in each"];
    head.extend(COLUMNS.iter().map(|column| column.0));
    table("rrrrrrrr", &head, &lines)
}

/// How far below the fastest the slowest is.
fn flatness(speeds: &[f64]) -> String {
    let slowest = speeds.iter().copied().fold(f64::INFINITY, f64::min);
    let fastest = speeds.iter().copied().fold(0.0, f64::max);
    format!("−{:.0} %", 100.0 * (1.0 - slowest / fastest))
}
