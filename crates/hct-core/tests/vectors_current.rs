//! Today's encoders write the committed files of `tests/vectors` byte for byte. When that is meant
//! to change, `cargo run --release -p hct-core --example vectors` writes them anew (until the
//! format is frozen; then a change of an encoder needs new files beside the old).

#[path = "../examples/vectors/cases/mod.rs"]
mod cases;

#[test]
fn the_encoders_make_the_committed_files() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let made = cases::all().unwrap();
    for (name, file) in &made {
        let path = format!("{folder}/{name}.hct");
        let committed = std::fs::read(&path).unwrap_or_default();
        assert!(
            committed == *file,
            "{name}.hct is not what the encoders make"
        );
    }
    let committed = std::fs::read_dir(folder)
        .unwrap()
        .filter(|e| {
            let path = e.as_ref().unwrap().path();
            path.extension().is_some_and(|e| e == "hct")
        })
        .count();
    assert_eq!(committed, made.len(), "files that nothing makes");
}
