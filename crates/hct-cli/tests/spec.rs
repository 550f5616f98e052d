//! Strategies as JSON: read by `compress`, said by the file, shown by `info`.

mod common;

use std::fs;
use std::path::Path;

use common::{hct, mixed, put, safetensors, succeed};
use hct_core::{HctWriter, MAX_PROVENANCE};
use serde_json::{Value, json};
use tempfile::TempDir;

fn checkpoint() -> TempDir {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "m.safetensors", &safetensors(&mixed(3)));
    put(dir.path(), "map.json", br#"{"z*": 0.2, "d*e": 0.9}"#);
    dir
}

/// The JSON that `info` has of how a file was made.
fn made_by(dir: &Path, file: &str) -> Value {
    succeed(dir, &format!("info {file} --json")).json()["made_by"].clone()
}

#[test]
fn flags_and_json_make_the_same_file_which_says_how() {
    let dir = checkpoint();
    let dir = dir.path();
    for (flags, spec) in [
        ("", r#"{"strategy":"rdo"}"#),
        (
            "--strategy rdo --rel-mse 0.012345678901234567 --effort max --fragments 2",
            r#"{"fragments":2,"effort":"max","rel_mse":0.012345678901234567,"strategy":"rdo"}"#,
        ),
        (
            "--strategy mixed --preset classic --fp16-ratio 0.2 --retention 0.7",
            r#"{"strategy":"mixed","preset":"classic","fp16_ratio":0.2,"retention":0.7}"#,
        ),
        (
            "--strategy hybrid --rank 5 --cosine 0.98",
            r#"{"strategy":"hybrid","rank":5,"cosine":0.98}"#,
        ),
        (
            "--strategy importance --importance-map map.json",
            r#"{"strategy":"importance","importance_map":{"z*":0.2,"d*e":0.9}}"#,
        ),
        (
            "--strategy adaptive --bpw 9 --effort fast",
            r#"{"strategy":"adaptive","bpw":9,"effort":"fast"}"#,
        ),
        ("--strategy lossless", r#"{"strategy":"lossless"}"#),
    ] {
        put(dir, "spec.json", spec.as_bytes());
        succeed(
            dir,
            &format!("compress m.safetensors -o a.hct --force {flags}"),
        );
        succeed(
            dir,
            "compress m.safetensors -o b.hct --force --spec spec.json",
        );
        let read = |name: &str| fs::read(dir.join(name)).unwrap();
        assert!(read("a.hct") == read("b.hct"), "{flags}");
        let info = succeed(dir, "info a.hct --json").json();
        let version = if flags.contains("max") { "3.1" } else { "3.0" };
        assert_eq!(info["format_version"], version, "{flags}");

        let said = made_by(dir, "a.hct");
        assert_eq!(said["hct"], env!("CARGO_PKG_VERSION"));
        for (option, value) in serde_json::from_str::<Value>(spec)
            .unwrap()
            .as_object()
            .unwrap()
        {
            let (said, given) = (&said["spec"][option], value);
            let same = said == given || said.as_f64() == given.as_f64();
            assert!(same, "{flags}: {option} is {said}");
        }
        let table = succeed(dir, "info a.hct").stdout;
        let line = table.lines().find(|line| line.starts_with("made by "));
        let line: Value = serde_json::from_str(&line.unwrap()["made by ".len()..]).unwrap();
        assert_eq!(line, said);

        // What a file says makes it again.
        put(dir, "again.json", said["spec"].to_string().as_bytes());
        if !flags.contains("map.json") {
            succeed(
                dir,
                "compress m.safetensors -o c.hct --force --spec again.json",
            );
            assert!(read("a.hct") == read("c.hct"), "{flags}");
        }
    }
    // Patterns stay in their order, which decides.
    succeed(
        dir,
        "compress m.safetensors -o a.hct --force --strategy importance --importance-map map.json",
    );
    let json = succeed(dir, "info a.hct --json").stdout;
    assert!(
        json.contains(r#""importance_map":{"z*":0.2,"d*e":0.9}"#),
        "{json}"
    );
}

#[test]
fn a_bad_spec_is_1_and_options_beside_it_are_2() {
    let dir = checkpoint();
    let dir = dir.path();
    for (spec, says) in [
        (
            r#"{"strategy":"rdo","rank":4}"#,
            "rank belongs to the strategies svd, hybrid",
        ),
        (r#"{"strategy":"rdo","colour":4}"#, "\"colour\""),
        (r#"{"strategy":"magic"}"#, "uniform"),
        (r#"{"strategy":"rdo","cosine":2}"#, "between 0 and 1"),
        (
            r#"{"strategy":"importance","importance_map":{"a":7}}"#,
            "pattern \"a\"",
        ),
        ("nonsense", "JSON"),
        ("\u{0}", "JSON"),
    ] {
        put(dir, "spec.json", spec.as_bytes());
        hct(dir, "compress m.safetensors -o x.hct --spec spec.json").fails(1, &["spec.json", says]);
    }
    put(dir, "spec.json", &vec![b' '; (1 << 20) + 1]);
    hct(dir, "compress m.safetensors -o x.hct --spec spec.json")
        .fails(1, &["spec.json", "shorten"]);
    hct(dir, "compress m.safetensors -o x.hct --spec none.json").fails(1, &["none.json"]);
    put(dir, "spec.json", br#"{"strategy":"rdo"}"#);
    for flag in [
        "--strategy rdo",
        "--cosine 0.9",
        "--fragments 2",
        "--preset classic",
    ] {
        let args = format!("compress m.safetensors -o x.hct --spec spec.json {flag}");
        hct(dir, &args).fails(2, &["--spec", flag.split(' ').next().unwrap()]);
    }
    for (flags, says) in [
        ("--strategy rdo --cosine 0.9 --bpw 3", ["--cosine", "--bpw"]),
        (
            "--strategy hybrid --rel-mse 0.1 --retention 0.9",
            ["--rel-mse", "--retention"],
        ),
        (
            "--importance-map map.json",
            ["--importance-map", "--strategy importance"],
        ),
    ] {
        hct(dir, &format!("compress m.safetensors -o x.hct {flags}")).fails(2, &says);
    }
    assert!(!dir.join("x.hct").exists());
}

#[test]
fn whatever_a_file_says_of_itself_is_shown_and_not_obeyed() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let write = |text: Option<&str>| {
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        if let Some(text) = text {
            writer.set_provenance(text).unwrap();
        }
        put(dir, "x.hct", &writer.finish().unwrap());
    };
    write(None);
    assert_eq!(made_by(dir, "x.hct"), Value::Null);
    assert!(!succeed(dir, "info x.hct").stdout.contains("made by"));
    let deep = "[".repeat(MAX_PROVENANCE / 2) + &"]".repeat(MAX_PROVENANCE / 2);
    for (text, json) in [
        (
            "\u{1b}[2J\u{1b}]0;x\u{7}\n\u{202e}",
            json!("\u{1b}[2J\u{1b}]0;x\u{7}\n\u{202e}"),
        ),
        (
            "{\"a\":\n[1, \"\u{9b}\u{7f}\"]}",
            json!({"a": [1, "\u{9b}\u{7f}"]}),
        ),
        (&deep, json!(deep)),
    ] {
        write(Some(text));
        assert_eq!(made_by(dir, "x.hct"), json);
        let table = succeed(dir, "info x.hct").stdout;
        let line = table
            .lines()
            .find(|line| line.starts_with("made by "))
            .unwrap();
        assert!(line.len() < 1000);
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
        assert!(table.contains("\nHCT 3."), "{table}");
    }
}
