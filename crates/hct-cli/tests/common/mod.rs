//! Running the binary, and checkpoints to run it on.
#![allow(dead_code, reason = "each test binary uses some of it")]

pub mod llama;
#[cfg(unix)]
pub mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What came of a run.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The JSON printed by a successful run.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts that the run failed with `code` and said all of `parts`.
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in: {}",
                self.stderr
            );
        }
    }
}

/// Runs `hct` in `dir` with these arguments, separated by spaces. It must not panic.
pub fn hct(dir: &Path, args: &str) -> Run {
    hct_with(dir, args, &[])
}

/// The same with environment variables.
pub fn hct_with(dir: &Path, args: &str, variables: &[(&str, &str)]) -> Run {
    let out = Command::new(env!("CARGO_BIN_EXE_hct"))
        .current_dir(dir)
        .envs(variables.iter().copied())
        .args(args.split_whitespace())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let run = Run {
        code: out.status.code().expect("killed by a signal"),
        stdout: text(out.stdout),
        stderr: text(out.stderr),
    };
    assert!(!run.stderr.contains("panicked"), "{args}: {}", run.stderr);
    run
}

/// Runs `hct`, which must succeed.
pub fn succeed(dir: &Path, args: &str) -> Run {
    let run = hct(dir, args);
    assert_eq!(run.code, 0, "{args}: {}{}", run.stdout, run.stderr);
    run
}

/// The checkpoint in the repository, copied to `dir` as `sample.safetensors`.
pub fn copy_sample(dir: &Path) {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../assets/sample/model.safetensors"
    );
    fs::copy(sample, dir.join("sample.safetensors")).unwrap();
}

/// A tensor of a checkpoint made by hand.
pub struct Made {
    pub name: &'static str,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Values that look like weights: bell-shaped, the same for the same seed.
pub fn weights(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n)
        .map(|_| (uniform() + uniform() + uniform() + uniform()) * 0.05)
        .collect()
}

pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The upper halves of f32: BF16, rounded down.
pub fn bf16_bytes(values: &[f32]) -> Vec<u8> {
    let half = |v: &f32| ((v.to_bits() >> 16) as u16).to_le_bytes();
    values.iter().flat_map(half).collect()
}

/// A matrix that is coded lossily and tensors that are not.
pub fn mixed(seed: u64) -> Vec<Made> {
    let (dense, norm) = (weights(96 * 80, seed), weights(80, seed + 1));
    let mut broken = weights(64 * 64, seed + 2);
    broken[5] = f32::NAN;
    broken[77] = f32::NEG_INFINITY;
    let made = |name, dtype, shape: &[usize], bytes| Made {
        name,
        dtype,
        shape: shape.to_vec(),
        bytes,
    };
    vec![
        made("dense", "F32", &[96, 80], f32_bytes(&dense)),
        made("kernel", "BF16", &[32, 16, 3, 3], {
            bf16_bytes(&weights(32 * 16 * 9, seed + 3))
        }),
        made("norm", "BF16", &[80], bf16_bytes(&norm)),
        made("broken", "F32", &[64, 64], f32_bytes(&broken)),
        made("ids", "I64", &[300], (0..2400).map(|i| i as u8).collect()),
        made("flags", "BOOL", &[3], vec![1, 0, 1]),
        made("empty", "F16", &[0, 7], vec![]),
        made("fp8", "F8_E4M3", &[4, 2], (120..128).collect()),
    ]
}

/// A safetensors file of these tensors, with metadata.
pub fn safetensors(tensors: &[Made]) -> Vec<u8> {
    let mut header = r#"{"__metadata__":{"format":"pt"}"#.to_owned();
    let mut data = Vec::new();
    for t in tensors {
        let (start, end) = (data.len(), data.len() + t.bytes.len());
        header += &format!(
            r#","{}":{{"dtype":"{}","shape":{:?},"data_offsets":[{start},{end}]}}"#,
            t.name, t.dtype, t.shape
        );
        data.extend_from_slice(&t.bytes);
    }
    header += "}";
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

/// Writes a file and the folders it is in.
pub fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Every file below `dir`, by relative path.
pub fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_owned();
                out.push((name, fs::read(path).unwrap()));
            }
        }
    }
    out.sort();
    out
}
