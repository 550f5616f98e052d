//! Tests of whole models: small made-up ones against plain loops, and the fetched ones against
//! numbers from another implementation.

mod backward;
mod calibration;
mod made_up;
mod minilm;
mod naive_bert;
mod naive_llama;
mod rival;
mod smollm2;
mod synthetic_bert;
mod synthetic_decoders;
mod tuning;

use std::path::PathBuf;

/// A model folder that `cargo xtask fetch` has made, looked for where it makes them. Tests that
/// need one are skipped without it, and say so.
fn fetched(model: &str) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("HCT_CACHE")
        .map(PathBuf::from)
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| PathBuf::from(cache).join("hct")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("hct")))?;
    let dir = cache.join(model);
    if dir.join(".hct-fetched.json").exists() {
        return Some(dir);
    }
    eprintln!(
        "skipped: no {model} in {}; run `cargo xtask fetch`",
        cache.display()
    );
    None
}

/// The text that evaluations run on.
fn evaluation_text() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../assets/text/evaluation.txt"
    );
    std::fs::read_to_string(path).unwrap()
}
