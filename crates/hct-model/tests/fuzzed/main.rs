//! All that fuzzing begins with and all that it has found, without a fuzzer: the files of `fuzz/seeds`
//! and `fuzz/findings`, those that show the format, and what a bit of chance makes of them.

mod bodies;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use hct_core::SimdLevel;

/// Every file of a folder and of those within, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let within = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    paths.into_iter().flat_map(within).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn what_is_committed_keeps_the_promises() {
    let root = root();
    let (mut corpus, mut findings) = (0, 0);
    for (name, body) in bodies::ALL {
        for path in files(&root.join("fuzz/seeds").join(name)) {
            body(&fs::read(path).unwrap());
            corpus += 1;
        }
        for path in files(&root.join("fuzz/findings").join(name)) {
            body(&fs::read(path).unwrap());
            findings += 1;
        }
    }
    println!("{corpus} seeds, {findings} findings");
    assert!(corpus > 20, "the seeds are missing");
}

/// Numbers below others, always the same.
fn chance() -> impl FnMut(usize) -> usize {
    let mut state = 1u64;
    move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    }
}

/// What a fuzzer of files that are damaged in known ways does first.
#[test]
fn what_chance_damages_is_found_and_not_handed_out() {
    let mut below = chance();
    for which in 0..=255 {
        let mut data = vec![which, below(4) as u8];
        for _ in 0..1 + below(4) {
            data.extend((0..6).map(|_| below(256) as u8));
        }
        bodies::handed_out(&data);
        bodies::recover(&data);
    }
}

/// The files that show the format, each with some bytes changed: what a fuzzer does first.
#[test]
fn files_of_every_recipe_keep_the_promises_with_some_bytes_changed() {
    let root = root().join("crates/hct-core/tests/vectors");
    let mut below = chance();
    let shown = files(&root).into_iter();
    let shown: Vec<_> = shown
        .filter(|path| path.extension().is_some_and(|e| e == "hct"))
        .collect();
    assert!(shown.len() > 50);
    for path in shown {
        let file = fs::read(&path).unwrap();
        bodies::hct(&file);
        bodies::parts(&file);
        for _ in 0..20 {
            let mut changed = file.clone();
            for _ in 0..=below(3) {
                changed[below(file.len())] = below(256) as u8;
            }
            bodies::hct(&changed);
        }
    }
}

/// Where a run at one level of the CPU writes what came of everything.
const OUTCOMES: &str = "HCT_TEST_OUTCOMES";

/// The target `levels` forces levels within its process, which takes a build for fuzzing. Here each has one.
#[test]
fn what_is_committed_is_the_same_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let available = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
    let outcomes = available.map(|level| {
        let path = folder.path().join(level.name());
        let run = Command::new(env::current_exe().unwrap())
            .args(["--exact", "outcomes_at_this_level"])
            .env("HCT_SIMD", level.name())
            .env(OUTCOMES, &path)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", level.name());
        (level, fs::read_to_string(path).unwrap())
    });
    let outcomes: Vec<_> = outcomes.collect();
    let portable = &outcomes[0].1;
    assert!(portable.lines().count() > 100, "too little came of it");
    for (level, other) in &outcomes[1..] {
        let lines = portable.lines().zip(other.lines());
        for (portable, other) in lines {
            assert_eq!(portable, other, "{} differs", level.name());
        }
        assert_eq!(portable.len(), other.len());
    }
}

/// Writes what the test above asks for, and nothing where it was not asked.
#[test]
fn outcomes_at_this_level() {
    let Some(output) = env::var_os(OUTCOMES) else {
        return;
    };
    let folders = [
        "fuzz/seeds/levels",
        "fuzz/findings/levels",
        "fuzz/seeds/hct",
        "fuzz/seeds/round_trip",
        "crates/hct-core/tests/vectors",
    ];
    let mut text = String::new();
    for path in folders.into_iter().flat_map(|f| files(&root().join(f))) {
        for (number, came) in bodies::outcome(&fs::read(&path).unwrap())
            .iter()
            .enumerate()
        {
            let came = match came {
                Ok(bytes) => format!("{} bytes, {:08x}", bytes.len(), crc32fast::hash(bytes)),
                Err(error) => error.clone(),
            };
            text += &format!("{} {number}: {came}\n", path.display());
        }
    }
    fs::write(output, text).unwrap();
}
