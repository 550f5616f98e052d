//! Killed at any moment, a run leaves the complete output or what was there before, and nothing that the
//! next run does not remove.
//!
//! `HCT_KILLS` says how often to kill of each kind [7]: `HCT_KILLS=100 cargo test -p hct-cli --test kills
//! -- --nocapture` is the heavier loop.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::process::{ended, signal, start, temporaries};
use common::{Made, f32_bytes, put, safetensors, succeed, tree, weights};
use tempfile::TempDir;

fn kills() -> u32 {
    let given = std::env::var("HCT_KILLS");
    given.map_or(7, |kills| kills.parse().unwrap())
}

/// A sharded checkpoint of a few megabytes in `dir`, of weights that are others for another seed.
fn checkpoint(dir: &Path, seed: u64) {
    let mut map = Vec::new();
    for (number, tensors) in [["a", "b"], ["c", "d"]].iter().enumerate() {
        let shard = format!("model-{number}.safetensors");
        let made = tensors.iter().zip(seed..).map(|(name, seed)| Made {
            name,
            dtype: "F32",
            shape: vec![512, 512],
            bytes: f32_bytes(&weights(512 * 512, seed)),
        });
        put(dir, &shard, &safetensors(&made.collect::<Vec<_>>()));
        map.extend(tensors.iter().map(|name| format!("{name:?}:{shard:?}")));
    }
    let index = format!("{{\"weight_map\":{{{}}}}}", map.join(","));
    put(dir, "model.safetensors.index.json", index.as_bytes());
    put(dir, "sub/config.json", b"{}");
}

/// How long a run takes that nobody kills.
fn time_of(dir: &Path, args: &str) -> Duration {
    let begin = Instant::now();
    succeed(dir, args);
    begin.elapsed()
}

/// Kills runs at moments all over the time that one takes, sees each time that `output` is `old` or
/// `new` and the source what it was, and at last that a whole run leaves nothing but its output.
fn killed(dir: &Path, args: &str, output: &str, reset: impl Fn()) {
    let at = dir.join(output);
    let look = || match at.is_dir() {
        true => tree(&at),
        false => fs::read(&at)
            .into_iter()
            .map(|b| (output.into(), b))
            .collect(),
    };
    reset();
    let (old, source) = (look(), tree(&dir.join("m")));
    let whole = time_of(dir, args);
    let new = look();
    assert!(old != new);
    let (mut left, mut done) = (0, 0);
    let kills = kills();
    for kill in 0..kills {
        reset();
        let mut child = start(dir, args);
        // More of them towards the end, where names are given.
        let share = (f64::from(kill) + 0.5) / f64::from(kills);
        sleep(whole.mul_f64(1.05 * share.sqrt()));
        signal(&child, "KILL");
        let _ = ended(&mut child);
        let now = look();
        assert!(
            now == old || now == new,
            "{args}: neither, after {kill} kills"
        );
        assert!(tree(&dir.join("m")) == source, "{args}");
        left += temporaries(dir).len();
        done += u32::from(now == new);
    }
    println!("{args}: {kills} kills, {done} of them late, {left} temporaries left in sum");
    reset();
    succeed(dir, args);
    assert!(look() == new, "{args}");
    assert!(
        temporaries(dir).is_empty(),
        "{args}: {:?}",
        temporaries(dir)
    );
    assert!(!dir.join(format!("{output}.partial")).exists());
}

/// A folder with a checkpoint `m`, `m.hct` made of it, and `old.hct` of another.
fn made() -> TempDir {
    let dir = TempDir::new().unwrap();
    checkpoint(&dir.path().join("m"), 1);
    checkpoint(&dir.path().join("other"), 9);
    let lossless = "--strategy lossless --no-verify";
    succeed(dir.path(), &format!("compress m -o m.hct {lossless}"));
    succeed(dir.path(), &format!("compress other -o old.hct {lossless}"));
    dir
}

#[test]
fn compressing() {
    let made = made();
    let dir = made.path();
    let old = fs::read(dir.join("old.hct")).unwrap();
    let replace = "compress m -o x.hct --force --effort fast";
    killed(dir, replace, "x.hct", || put(dir, "x.hct", &old));
    let resume = "compress m -o y.hct --resume --force --effort fast";
    killed(dir, resume, "y.hct", || put(dir, "y.hct", &old));
}

#[test]
fn decompressing() {
    let made = made();
    let dir = made.path();
    let old = || {
        let _ = fs::remove_dir_all(dir.join("x"));
        succeed(dir, "decompress old.hct -o x");
    };
    killed(dir, "decompress m.hct -o x --force", "x", old);
}
