//! All that fuzzing begins with and all that it has found, without a fuzzer: the files of `fuzz/seeds`
//! and `fuzz/findings`, those that show the format, and what a bit of chance makes of them.

mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn what_is_committed_keeps_the_promises() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
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

/// The files that show the format, each with some bytes changed: what a fuzzer does first.
#[test]
fn files_of_every_recipe_keep_the_promises_with_some_bytes_changed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hct-core/tests/vectors");
    let mut state = 1u64;
    let mut below = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
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
