//! Files of a frozen version of the format never change, nor what they decode to: `frozen.txt` in
//! `tests/vectors` has a hash of each, and this test has the hash of what it lists of a version. Whoever
//! means to change a file changes this test, too, and breaks the promise of docs/FORMAT.md, §2.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Versions, and the hash of all their lines in `frozen.txt`. A version is added here when it is frozen.
const VERSIONS: [(&str, &str); 2] = [
    (
        "3.0",
        "5ecff4048676e71456d736cebaedcf605e5caa706f8035c0fd833fc971200b83",
    ),
    (
        "3.1",
        "64151664cae43d9991b644d6d3a130147f21a03038d336e3830798d4393cc116",
    ),
];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of a file and of the lines that say what it decodes to.
fn hash_of(file: &str, manifest: &str) -> String {
    let bytes = std::fs::read(folder().join(file)).unwrap_or_default();
    let lines = manifest
        .lines()
        .filter(|l| l.split(' ').next() == Some(file));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    sha256(&[&bytes, lines.as_bytes()])
}

fn read(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).unwrap()
}

/// Files and what they decode to.
fn committed() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let has = |name: &str, wanted: &str| Path::new(name).extension().is_some_and(|e| e == wanted);
    names
        .filter(|name| has(name, "hct") || has(name, "bin"))
        .collect()
}

#[test]
fn committed_files_are_as_they_were_frozen() {
    let (frozen, manifest) = (read("frozen.txt"), read("manifest.txt"));
    let mut listed = BTreeSet::new();
    for line in frozen.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, hash, file] = fields[..] else {
            panic!("not a version, a hash and a file: {line}");
        };
        assert!(listed.insert(file.to_owned()), "{file} is listed twice");
        assert_eq!(hash_of(file, &manifest), hash, "{file} was frozen");
    }
    let missing: Vec<String> = committed()
        .difference(&listed)
        .map(|file| format!("VERSION {} {file}", hash_of(file, &manifest)))
        .collect();
    assert!(
        missing.is_empty(),
        "add to frozen.txt:\n{}",
        missing.join("\n")
    );
}

#[test]
fn what_was_frozen_of_a_version_stays_all_of_it() {
    let frozen = read("frozen.txt");
    for (version, hash) in VERSIONS {
        let of_version = |line: &&str| line.split(' ').next() == Some(version);
        let lines = frozen.lines().filter(of_version);
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(sha256(&[lines.as_bytes()]), hash, "lines of {version}");
    }
    let versions: BTreeSet<&str> = VERSIONS.iter().map(|(version, _)| *version).collect();
    for line in frozen.lines() {
        let version = line.split(' ').next().unwrap_or_default();
        assert!(versions.contains(version), "{line}");
    }
}
