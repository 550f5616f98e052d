//! Today's encoders write the committed files of `tests/vectors` byte for byte, or, where they have
//! changed since, others beside them: the old ones are named here, and stay.

#[path = "../examples/vectors/cases/mod.rs"]
mod cases;

/// Files that no encoder writes any longer.
const RETIRED: [&str; 0] = [];

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
    let of_old = RETIRED
        .iter()
        .filter(|name| made.iter().all(|(n, _)| n != *name));
    assert_eq!(
        committed,
        made.len() + of_old.count(),
        "files that nothing makes"
    );
}
