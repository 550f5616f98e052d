//! No file of a crate imports, directly or by way of others, a file that imports it.

mod graph;
mod source;

use std::path::Path;

use graph::Graph;

/// The crates, by folder.
const CRATES: [&str; 8] = [
    "crates/hct-core",
    "crates/hct-strategies",
    "crates/hct-model",
    "crates/hct-eval",
    "crates/hct-cli",
    "crates/hct-python",
    "crates/hct-bench",
    "xtask",
];

#[test]
fn files_do_not_import_each_other_in_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in CRATES {
        let graph = Graph::of(&root.join(folder).join("src"));
        assert!(graph.edges() > 0, "{folder}: no import was found");
        for circle in graph.circles() {
            let edges = graph.edges_within(&circle).join("\n    ");
            found.push(format!("{folder}: {}\n    {edges}", circle.join(", ")));
        }
    }
    assert!(found.is_empty(), "import circles:\n{}", found.join("\n"));
}

#[test]
fn circles_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "lib.rs",
        "mod a; pub mod b; mod d; pub use a::A; #[cfg(test)] mod tests;",
    );
    write("tests.rs", "use crate::b::B;");
    write(
        "a.rs",
        "//! See [`crate::d`].\npub struct A; fn f() { crate::b::g(\"crate::d::D\") }",
    );
    write("b/mod.rs", "mod c; pub use c::C; pub fn g() {}");
    write(
        "b/c.rs",
        "use crate::{A, d::D}; pub struct C; #[cfg(test)] mod tests { use super::super::*; }",
    );
    write("d.rs", "pub struct D;");
    // Through the re-exports: `crate::A` is a.rs, and b/mod.rs is no user of b/c.rs.
    let graph = Graph::of(folder.path());
    assert!(graph.circles().is_empty(), "{:?}", graph.circles());
    assert_eq!(
        graph.edges_within(&["a.rs", "b/c.rs", "b/mod.rs", "d.rs"].map(String::from)),
        ["a.rs -> b/mod.rs", "b/c.rs -> a.rs", "b/c.rs -> d.rs"]
    );
    write("b/mod.rs", "mod c; pub use c::C; pub fn g() { C; }");
    let graph = Graph::of(folder.path());
    assert_eq!(graph.circles(), [["a.rs", "b/c.rs", "b/mod.rs"]]);
    write("b/mod.rs", "mod c; pub fn g() { assert!(c::C) }");
    let graph = Graph::of(folder.path());
    assert_eq!(graph.circles(), [["a.rs", "b/c.rs", "b/mod.rs"]]);
}
