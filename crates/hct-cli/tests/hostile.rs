//! Files from strangers: what they ask for is bounded, what they are called is shown escaped.

mod common;
#[path = "../../hct-model/tests/attacks/made.rs"]
mod made;

use std::time::{Duration, Instant};

use common::{hct, put, succeed};
use made::{F32, Made, U8, ZERO_BYTES, ZERO_FLOATS};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;

/// A checkpoint of one tensor of zeros, of so many bytes.
fn zeros(name: &str, len: u64) -> Vec<u8> {
    let header = format!(
        r#"{{{}:{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}}}}"#,
        serde_json::to_string(name).unwrap()
    );
    let mut made = Made::new();
    made.carried(0, "model.safetensors", header.as_bytes());
    made.lossless_in(1, name, U8, &[len], len, ZERO_BYTES);
    made.finish()
}

#[test]
fn a_short_file_that_asks_for_gigabytes_is_refused_at_once() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "bomb.hct", &zeros("w", 4096 * MIB));
    let begin = Instant::now();
    for args in [
        "verify bomb.hct",
        "verify bomb.hct bomb.hct",
        "decompress bomb.hct -o out",
        "decompress bomb.hct -o out.safetensors",
        "decompress bomb.hct -o -",
        "extract bomb.hct w -o w.npy",
        "extract bomb.hct w --rows 0..1 -o w.npy",
        "diff bomb.hct bomb.hct",
        "merge bomb.hct -o out.hct",
    ] {
        let run = hct(dir, args);
        assert_eq!(run.code, 1, "{args}: {}{}", run.stdout, run.stderr);
        if !args.starts_with("verify bomb.hct bomb.hct") {
            run.fails(1, &["\"w\"", "limit", "--max-memory 4097MiB"]);
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(60));
    let left: Vec<_> = std::fs::read_dir(dir).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let info = succeed(dir, "info bomb.hct").stdout;
    assert!(
        info.contains("--max-memory") && info.contains("4294967296"),
        "{info}"
    );
    let info = succeed(dir, "info bomb.hct --json").json();
    assert!(info["over_limits"].as_str().unwrap().contains("limit"));
    let run = hct(dir, "verify bomb.hct --json");
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert!(
        json["failures"][0]["error"]
            .as_str()
            .unwrap()
            .contains("limit")
    );
}

#[test]
fn max_memory_raises_the_limit_and_lowers_it() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let len = 300 * MIB;
    put(dir, "zeros.hct", &zeros("w", len));
    hct(dir, "verify zeros.hct").fails(1, &["--max-memory 301MiB"]);
    succeed(dir, "verify zeros.hct --max-memory 300MiB");
    succeed(
        dir,
        "extract zeros.hct w --rows 5..9 -o w.npy --max-memory 300MiB",
    );
    put(dir, "small.hct", &zeros("w", MIB));
    succeed(dir, "verify small.hct");
    hct(dir, "verify small.hct --max-memory 1MB").fails(1, &["memory", "1000000"]);
    hct(dir, "verify small.hct --max-memory lots").fails(2, &["60MB"]);
}

#[test]
fn names_are_shown_escaped_everywhere() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let name = "a\u{202e}b\u{200b}c\u{2028}d\u{1b}[2Je\u{9b}";
    let mut made = Made::new();
    made.carried(1, &format!("s{name}"), b"x");
    made.lossless(name, U8, &[4], 4, &[1]);
    put(dir, "m.hct", &made.finish());
    for args in [
        "info m.hct",
        "info m.hct --json",
        "verify m.hct",
        "verify m.hct --json",
        "decompress m.hct -o out",
        "diff m.hct m.hct",
        "merge m.hct -o out.hct",
        "extract m.hct a -o a.npy",
    ] {
        let run = hct(dir, args);
        let shown = run.stdout + &run.stderr;
        for c in ['\u{202e}', '\u{200b}', '\u{2028}', '\u{1b}', '\u{9b}'] {
            assert!(!shown.contains(c), "{args}: {shown:?}");
        }
    }
    let info = hct(dir, "info m.hct --json");
    if info.code == 0 {
        assert_eq!(info.json()["tensors"][0]["name"], name);
    }
    // What the system calls a file is no better.
    put(dir, "x\u{202e}y.hct", b"no such file");
    let run = hct(dir, "info x\u{202e}y.hct");
    run.fails(1, &["x\\u{202e}y.hct"]);
    assert!(!run.stderr.contains('\u{202e}'));
}

#[test]
fn one_long_name_among_many_tensors() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let mut made = Made::new();
    made.lossless(&"n".repeat(200_000), F32, &[4], 16, ZERO_FLOATS);
    for i in 0..20_000 {
        made.lossless(&format!("w{i}"), F32, &[4], 16, ZERO_FLOATS);
    }
    put(dir, "m.hct", &made.finish());
    let run = succeed(dir, "info m.hct");
    assert!(run.stdout.len() < 8 << 20, "{} bytes", run.stdout.len());
}
