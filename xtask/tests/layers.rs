//! Dependencies between the workspace's crates point one way only.

use std::process::Command;

/// The crates from the bottom up; each may depend on those before it.
const ORDER: [&str; 8] = [
    "hct-core",
    "hct-strategies",
    "hct-model",
    "hct-eval",
    "hct-cli",
    "hct-python",
    "hct-bench",
    "xtask",
];

#[test]
fn arrows_point_down() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let rank = |name: &str| ORDER.iter().position(|&o| o == name);
    let mut seen = 0;
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let own = rank(name).unwrap_or_else(|| panic!("{name} has no place in the order"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let of = dependency["name"].as_str().expect("a name");
            if let Some(other) = rank(of) {
                seen += 1;
                assert!(
                    other < own,
                    "{name} must not depend on {of}, which lies above it"
                );
            }
        }
    }
    assert!(seen >= 6, "the workspace's own dependencies were not found");
}

#[test]
fn the_core_has_few_dependencies() {
    let manifest = include_str!("../../crates/hct-core/Cargo.toml");
    let section = manifest
        .split("[dependencies]")
        .nth(1)
        .expect("dependencies");
    let section = section.split("\n[").next().expect("a section");
    let names: Vec<&str> = section
        .lines()
        .filter_map(|l| l.split(['.', ' ', '=']).next())
        .filter(|n| !n.is_empty() && !n.starts_with('#'))
        .collect();
    assert_eq!(
        names,
        [
            "bytemuck",
            "crc32fast",
            "half",
            "libm",
            "rayon",
            "rustdct",
            "thiserror"
        ]
    );
}
