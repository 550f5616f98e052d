//! The sections of `RATE_DISTORTION.md`, from what was measured.

use super::report::{CorpusReport, Report, Target, shannon};
use super::rivals::{FORMATS, NNCODEC, Rival};
use crate::text::cells::thousands;
use crate::text::table::table;

/// The text above the sections.
pub const ABOUT: &str = "# Rate and distortion

Made by `cargo xtask compare --rd --all` (Gaussian samples, the sample, both models of
`cargo xtask fetch`; about 6 minutes on two idle cores, 25 on busy ones). `cargo xtask compare --rd` regenerates the
Gaussian section and the sample's (under 3 minutes), `cargo xtask compare --rd --model PATH` that of
any checkpoint. The same numbers in full precision are in
[RATE_DISTORTION.json](RATE_DISTORTION.json). Everything but the speeds, which were
measured on a 2-core AVX-512 machine that had other work to do, is the same on every machine.
`cargo xtask compare --render` rewrites this text and the plots from the JSON without measuring.

- **Rate**: bits per weight over the matrices, everything counted: payload, side information,
  tables and the records of the index.
- **Distortion**: relative mean squared error ‖W − Ŵ‖² / ‖W‖² of every matrix, averaged over
  weights. Fixed recipes and `rdo` give every matrix the same relative error; uniform V3 gives what
  it gives.
- **Gap**: rate − ½·log₂(1/distortion), the distance from the Shannon limit of independent Gaussian
  values. Real matrices are not that: knowing the scales of rows and columns, or finding smooth
  structure, can take a coder below the limit.
- Curves are of real encodings, not of estimates. A fixed recipe's step is searched until the
  distortion is within 1 % of the one asked for; what is left is corrected by 6.02 dB per bit.
  `rdo` is taken as it is, with the distortion that decoding its file gives.
- **Quantizers** (`scalar`, `trellis 4` to `trellis 512`) work on the values themselves, in the
  contexts of a row × column scale model unless they are called flat. **Transforms** have the
  64-state trellis of default effort behind them.
- **Quoted** points are from the project's research note; this code did not measure them.
";

/// The section with every target.
pub fn targets(report: &Report) -> String {
    let mut rows = Vec::new();
    for key in report.keys() {
        let corpus = &report.corpora[key];
        for target in &corpus.targets {
            rows.push(vec![
                corpus.title.clone(),
                target.what.clone(),
                bound(target),
                number(target, target.measured),
                if target.met() { "yes" } else { "**no**" }.into(),
            ]);
        }
    }
    let head = ["on", "what", "to reach", "measured", "reached"];
    format!("## Numbers to reach\n\n{}", table("llrrl", &head, &rows))
}

fn bound(target: &Target) -> String {
    let sign = if target.at_least { "≥" } else { "≤" };
    format!("{sign} {}", target.limit)
}

fn number(target: &Target, value: f64) -> String {
    if target.timing {
        format!("{value:.0}")
    } else if target.what.contains("cosine") && !target.what.contains("bits per weight") {
        format!("{value:.5}")
    } else {
        format!("{value:.3}")
    }
}

/// The section with the quoted points.
pub fn quoted() -> String {
    let row = |r: &Rival| {
        vec![
            r.name.to_owned(),
            format!("{:.2}", r.bpw),
            format!("{}", r.rel_mse),
            format!("{:.2}", r.bpw - shannon(r.rel_mse)),
        ]
    };
    let head = ["format", "bits per weight", "rel. MSE", "gap"];
    let formats: Vec<_> = FORMATS.iter().map(row).collect();
    let nncodec: Vec<_> = NNCODEC.iter().map(row).collect();
    format!(
        "## Other formats, quoted\n\nOn MiniLM: all matrices but the position embeddings; of the \
         word embedding, the first 8,192 rows.\n\n{}\nNNCodec 2.1 with dependent quantization, on \
         the matrices of MiniLM's layers 0 and 5 and the first 8,192 rows of its word embedding, \
         each scaled to one standard deviation. Ours on the same matrices is under *Numbers to \
         reach*.\n\n{}",
        table("lrrr", &head, &formats),
        table("lrrr", &head, &nncodec)
    )
}

/// A corpus's section.
pub fn corpus(key: &str, report: &CorpusReport) -> String {
    let matrices = match report.matrices {
        1 => "One matrix".into(),
        n => format!("{n} matrices"),
    };
    format!(
        "## {}\n\n{matrices}, {} weights.\n\n![Rate and distortion](rd-{key}.svg)\n\n### Gap to \
         the Shannon limit, in bits per weight\n\n{}\nUniform V3 keeps a share of the \
         coefficients, so its distortions are its own:\n\n{}\n### What each part gains\n\nBits per \
         weight; below the first part all at a relative MSE of 0.0179 (a cosine of \
         0.991).\n\n{}\n`rdo` takes {:.2} % more than the best fixed recipe of default effort \
         chosen for each matrix by trying them all; at worst {:.2} % ({}, where {} is best).\n",
        report.title,
        thousands(report.weights),
        gaps(report),
        uniform(report),
        ablation(report),
        100.0 * report.excess.overall,
        100.0 * report.excess.largest,
        report.excess.tensor,
        report.excess.recipe,
    )
}

/// The curves that share distortions, as gaps.
fn gaps(report: &CorpusReport) -> String {
    let curves = || {
        report
            .curves
            .iter()
            .filter(|c| c.name != "uniform V3" && c.points.len() > 1)
    };
    let Some(first) = curves().next() else {
        return String::new();
    };
    let mut head = vec!["rel. MSE".to_owned()];
    let mut limit = vec!["*Shannon limit, bits per weight*".to_owned()];
    for point in &first.points {
        head.push(format!("{:.4}", point.rel_mse));
        limit.push(format!("*{:.3}*", shannon(point.rel_mse)));
    }
    let mut rows = vec![limit];
    for curve in curves() {
        let mut row = vec![curve.name.clone()];
        row.extend(curve.points.iter().map(|p| format!("{:.3}", p.gap())));
        rows.push(row);
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let align = "l".to_owned() + &"r".repeat(first.points.len());
    table(&align, &head, &rows)
}

fn uniform(report: &CorpusReport) -> String {
    let curve = report.curves.iter().find(|c| c.name == "uniform V3");
    let points = curve.map_or(&[][..], |c| &c.points);
    let cells = |label: &str, cell: &dyn Fn(usize) -> String| {
        let mut row = vec![label.to_owned()];
        row.extend((0..points.len()).map(cell));
        row
    };
    let head = cells("rel. MSE", &|i| format!("{:.4}", points[i].rel_mse));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let align = "l".to_owned() + &"r".repeat(points.len());
    let rows = [
        cells("bits per weight", &|i| format!("{:.3}", points[i].bpw)),
        cells("gap", &|i| format!("{:.3}", points[i].gap())),
    ];
    table(&align, &head, &rows)
}

fn ablation(report: &CorpusReport) -> String {
    let mut rows = Vec::new();
    let mut before: Option<(&str, f64)> = None;
    for step in &report.ablation {
        let first = before.filter(|(part, _)| *part == step.part);
        rows.push(vec![
            match first {
                None => step.part.clone(),
                Some(_) => String::new(),
            },
            step.what.clone(),
            format!("{:.3}", step.bpw),
            first.map_or(String::new(), |(_, bpw)| format!("{:+.3}", step.bpw - bpw)),
        ]);
        before = Some(first.map_or((&step.part, step.bpw), |f| f));
    }
    let head = ["part", "in place", "bits per weight", "against the first"];
    table("llrr", &head, &rows)
}
