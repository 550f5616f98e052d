//! `HCT_SIMD`: the same bytes at every level, and no silence about one that cannot be had.

mod common;

use std::fs;

use common::{copy_sample, hct_with};
use hct_core::SimdLevel;
use tempfile::TempDir;

#[test]
fn every_level_writes_and_restores_the_same_bytes() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    for options in ["--strategy uniform", "--strategy rdo --cosine 0.99"] {
        let at = |level: SimdLevel| {
            let forced = [("HCT_SIMD", level.name())];
            for args in [
                format!("compress sample.safetensors -o x.hct --force {options}"),
                "decompress x.hct -o back.safetensors --force".into(),
            ] {
                let run = hct_with(dir, &args, &forced);
                assert_eq!(run.code, 0, "{}: {}", level.name(), run.stderr);
            }
            ["x.hct", "back.safetensors"].map(|file| fs::read(dir.join(file)).unwrap())
        };
        let portable = at(SimdLevel::Portable);
        for level in SimdLevel::ALL.into_iter().filter(|l| l.is_available()) {
            assert!(at(level) == portable, "{options} at {}", level.name());
        }
    }
}

#[test]
fn a_level_that_cannot_be_had_is_wrong_usage() {
    let dir = TempDir::new().unwrap();
    let missing = SimdLevel::ALL.into_iter().filter(|l| !l.is_available());
    for name in missing.map(SimdLevel::name).chain(["sse9", ""]) {
        hct_with(dir.path(), "info x.hct", &[("HCT_SIMD", name)]).fails(2, &["HCT_SIMD", name]);
    }
}
