//! Whether this compiler can compile functions for AVX-512, which is stable since Rust 1.89.
//! Older ones build the same crate without that level.

use std::process::Command;

/// The first minor version of Rust 1 that can.
const AVX512: u32 = 89;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(hct_avx512)");
    // What cargo-fuzz sets: levels can be forced within one process then.
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    // Without a version that can be read, the level is left out: only speed is lost.
    if minor_version().is_some_and(|minor| minor >= AVX512) {
        println!("cargo::rustc-cfg=hct_avx512");
    }
}

/// The y of "rustc 1.y.z (…)".
fn minor_version() -> Option<u32> {
    let rustc = std::env::var_os("RUSTC")?;
    let output = Command::new(rustc).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.strip_prefix("rustc 1.")?;
    version.split('.').next()?.parse().ok()
}
