//! What is written is read again, and a size that cannot be had is said.

mod common;

use std::fs;

use common::{Made, f32_bytes, hct, mixed, put, safetensors, succeed, weights};
use tempfile::TempDir;

#[test]
fn lossless_files_are_read_again_unless_told_otherwise() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &safetensors(&mixed(6)));
    let mut same = Vec::new();
    for (options, verified) in [
        ("--strategy lossless", true),
        ("--strategy lossless --no-verify", false),
        ("--strategy lossless --resume", true),
        ("--strategy lossless --part 1/2", true),
        ("--strategy lossless --base m.safetensors", true),
        ("", false),
        ("--verify", true),
        ("--verify --bpw 24", true),
    ] {
        let args = format!("compress m.safetensors -o x.hct --force --json {options}");
        assert_eq!(
            succeed(dir, &args).json()["verified"],
            verified,
            "{options}"
        );
        same.push(fs::read(dir.join("x.hct")).unwrap());
    }
    assert!(same[0] == same[1] && same[0] == same[2] && same[5] == same[6]);
    let stream = hct(dir, "compress m.safetensors -o - --verify");
    stream.fails(2, &["--verify takes a file"]);
    hct(dir, "compress m.safetensors -o x.hct --verify --no-verify").fails(2, &["--no-verify"]);
}

/// Two thirds random bits, which are stored as they are, and a third that can be coded.
fn mostly_lossless() -> Vec<u8> {
    let (mut broken, dense) = (weights(256 * 256, 1), weights(128 * 256, 2));
    // No lossy coder takes what is not finite.
    broken[7] = f32::NAN;
    let made = |name, shape: &[usize], values: &[f32]| Made {
        name,
        dtype: "F32",
        shape: shape.to_vec(),
        bytes: f32_bytes(values),
    };
    safetensors(&[
        made("broken", &[256, 256], &broken),
        made("dense", &[128, 256], &dense),
    ])
}

#[test]
fn sizes_are_met_or_it_is_said_that_they_are_not() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "mixed.safetensors", &mostly_lossless());
    put(dir, "tiny.safetensors", &safetensors(&mixed(6)));
    for model in ["mixed", "tiny"] {
        for asked in [
            3.0, 10.0, 12.0, 16.0, 20.0, 22.0, 24.0, 25.0, 26.0, 30.0, 31.0,
        ] {
            let args = format!(
                "compress {model}.safetensors -o x.hct --force --effort fast --json --bpw {asked}"
            );
            let run = hct(dir, &args);
            if run.code != 0 {
                run.fails(1, &["cannot be reached", "nearest"]);
                println!("{model} {asked}: {}", run.stderr.trim());
                continue;
            }
            let report = run.json();
            let reached = report["bits_per_weight"].as_f64().unwrap();
            println!("{model} {asked}: {reached:.3} {}", run.stderr.trim());
            assert!(reached <= 1.01 * asked, "{model} {asked}: {reached}");
            let missed = reached < 0.99 * asked;
            assert_eq!(
                run.stderr.contains("asked for"),
                missed,
                "{model} {asked}: {reached}"
            );
            assert_eq!(report["asked_bits_per_weight"].is_null(), !missed);
        }
    }
}
