//! A small report renders with its ratios right.

use super::machine::Machine;
use super::report::{
    CoderRow, Coders, Job, Mode, Report, SizeRow, Sizes, StageRow, Stages, Tool, ToolRow,
};
use super::spread::Spread;
use super::stage::Stage;
use crate::text::document::Report as _;

fn machine() -> Machine {
    Machine {
        cpu: "Abacus".into(),
        cores: 2,
        levels: vec!["portable".into(), "avx2".into()],
        load_before: Some(0.25),
    }
}

fn row(coder: &str, level: Option<&str>, threads: usize, encode: f64, decode: f64) -> CoderRow {
    CoderRow {
        coder: coder.into(),
        ours: level.is_some(),
        dtype: "BF16".into(),
        level: level.map(str::to_owned),
        threads,
        bytes: 375_000,
        rel_mse: if level.is_some() { 0.0125 } else { 0.0 },
        encode: Spread::of(&[encode, 2.0 * encode, encode / 2.0]),
        decode: Spread::of(&[decode]),
    }
}

fn coders() -> Coders {
    Coders {
        machine: machine(),
        rounds: 3,
        weights: 1_000_000,
        deviation: 0.02,
        rows: vec![
            row("ours", Some("portable"), 1, 0.2, 0.005),
            row("ours", Some("avx2"), 1, 0.05, 0.004),
            row("ours", Some("avx2"), 2, 0.025, 0.0032),
            row("zstd −3", None, 1, 0.01, 0.002),
        ],
        skipped: vec!["ZipNN: no Python".into()],
    }
}

fn stages() -> Stages {
    let row = |(stage, seconds)| StageRow {
        stage,
        measured: Spread::of(&[seconds]),
    };
    let measured = Stage::ALL.map(|stage| match stage {
        Stage::Clock => (stage, 2e9),
        Stage::Decode => (stage, 0.01),
        _ => (stage, 0.005),
    });
    Stages {
        machine: machine(),
        rounds: 1,
        level: "avx2".into(),
        rows: measured.map(row).into(),
    }
}

fn tool() -> Tool {
    let row = |job, threads, seconds| ToolRow {
        job,
        threads,
        seconds: Spread::of(&[seconds]),
        peak_bytes: Some(96 << 20),
        written: 1000,
    };
    let lossless = Mode::Lossless;
    Tool {
        machine: machine(),
        rounds: 1,
        bytes: 4_000_000_000,
        rows: vec![
            row(Job::Decompress(lossless), 1, 8.0),
            row(Job::Decompress(lossless), 2, 5.0),
            row(Job::Decoder(lossless), 1, 7.5),
            row(Job::Decoder(lossless), 2, 4.0),
            row(Job::Copy, 1, 3.0),
            row(Job::Compress(lossless), 1, 20.0),
            row(Job::Encoder(lossless), 1, 10.0),
            row(Job::CompressUnproven, 1, 14.0),
        ],
    }
}

fn sizes() -> Sizes {
    let row = |exact, tensors, weights, seconds| SizeRow {
        exact,
        tensors,
        weights,
        encode: Spread::of(&[seconds]),
        bands: Spread::of(&[seconds / 5.0]),
        decode: Spread::of(&[seconds / 4.0]),
    };
    Sizes {
        machine: machine(),
        rounds: 1,
        level: "avx2".into(),
        rows: vec![
            row(false, 1, 1_000_000, 0.02),
            row(false, 1, 4_000_000, 0.1),
            row(true, 1, 1_000_000, 0.01),
            row(true, 1, 4_000_000, 0.04),
            row(false, 10, 1000, 0.001),
            row(true, 10, 1000, 0.001),
        ],
    }
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.contains(line), "`{line}` is not in\n{text}");
}

#[test]
fn speeds_and_ratios_are_of_the_medians() {
    let text = super::coders_section::render(&coders());
    // A million weights, two bytes each, in 0.05 s; zstd takes a fifth of that, half for decoding.
    has(
        &text,
        "| **ours** | avx2 | 3.000 | 0.01250 | 20 | 0.04 | 250 | 0.50 | 0.20 | 0.50 |",
    );
    has(
        &text,
        "| zstd −3 | – | 3.000 | 0 | 100 | 0.20 | 500 | 1.00 | 1.00 | 1.00 |",
    );
    has(
        &text,
        "| **ours** | BF16 | avx2 | 3.000 | 40 | 312 | 2.00 | 1.25 |",
    );
    has(&text, "| **ours** | BF16 | avx2 | 4.00 | 1.25 |");
    // Half of the times are the same in all rounds, the others from half to twice the median.
    has(
        &text,
        "Medians of 3 rounds; between the fastest and the slowest round of a coder lie 75 %",
    );
    has(&text, "Abacus, 2 cores, SIMD levels portable, avx2");
    has(&text, "Not measured: ZipNN: no Python.");
}

#[test]
fn the_bound_is_the_slower_of_coder_and_copy() {
    let text = super::tool_section::render(&tool());
    has(
        &text,
        "| `hct decompress`, of lossless | 2 | 5.00 | 0.80 | 1.60 | 96 | 1,000 |",
    );
    has(
        &text,
        "| `hct decompress`, of lossless | 1 | 8.00 | 7.50 | 3.00 | 1.07 | yes |",
    );
    has(
        &text,
        "| `hct decompress`, of lossless | 2 | 5.00 | 4.00 | 3.00 | 1.25 | yes |",
    );
    has(
        &text,
        "| `hct compress --strategy lossless` | 1 | 20.00 | 10.00 | – | 2.00 | **no** | – | – |",
    );
    has(
        &text,
        "| `hct compress --strategy lossless --no-verify` | 1 | 14.00 | 10.00 | – | 1.40 | yes | – | – |",
    );
    let mut slow = tool();
    slow.rows[1].seconds = Spread::of(&[6.5]);
    let text = super::tool_section::render(&slow);
    has(
        &text,
        "| `hct decompress`, of lossless | 2 | 6.50 | 4.00 | 3.00 | 1.62 | **no** |",
    );
}

#[test]
fn flatness_is_of_one_group() {
    let text = super::sizes_section::render(&sizes());
    has(
        &text,
        "| 1 | 4,000,000 | 40 | 200 | 160 | 100 | 500 | 400 |",
    );
    has(
        &text,
        "| slowest to fastest |  | −20 % | −20 % | −20 % | −0 % | −0 % | −0 % |",
    );
}

#[test]
fn cycles_are_seconds_times_the_clock() {
    let report = Report {
        stages: Some(stages()),
        ..Report::default()
    };
    let (_, section) = &report.sections()[1];
    // 0.01 s of 2 GHz over 2048² weights.
    assert!(section.contains("| 10.00 | 4.77 |"), "{section}");
    assert!(section.contains("2.00 GHz"), "{section}");
}

#[test]
fn what_was_not_measured_has_no_section() {
    let keys = |report: &Report| -> Vec<String> {
        let sections = report.sections().into_iter();
        sections.map(|(key, _)| key).collect()
    };
    let mut report = Report::default();
    assert_eq!(keys(&report), ["about"]);
    report.tool = Some(tool());
    report.coders = Some(coders());
    assert_eq!(keys(&report), ["about", "coders", "tool"]);
}

#[test]
fn a_report_survives_its_json() {
    let report = Report {
        coders: Some(coders()),
        stages: Some(stages()),
        sizes: Some(sizes()),
        tool: Some(tool()),
    };
    let json = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read.sections(), report.sections());
}
