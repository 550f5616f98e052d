//! A tiny checkpoint goes through, and what was measured renders.

use std::env;
use std::fs;

use tempfile::TempDir;

use super::checkpoint::{Difference, Synthetic};
use super::child::{Hct, Run};
use super::measure::measure;
use super::plan::{Plan, many};
use super::report::{Kind, Report, Requests, Row, Setting, Transfer};
use super::server::Server;
use crate::speed::Machine;
use crate::text::document::Report as _;

#[test]
fn what_is_written_is_made_again() {
    let folder = TempDir::new().unwrap();
    let mut tensors = Plan::about(4 << 20).tensors();
    tensors.extend(many(10, &[8, 8]));
    let made = Synthetic::new(tensors);
    made.write(folder.path()).unwrap();
    let same = made.compare(folder.path()).unwrap();
    assert_eq!((same.rel_mse(), same.changed), (0.0, 0));
    assert_ne!(same, Difference::default());
    let shard = folder.path().join("model-00001-of-00001.safetensors");
    let mut bytes = fs::read(&shard).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x80;
    fs::write(&shard, &bytes).unwrap();
    let other = made.compare(folder.path()).unwrap();
    assert!(other.changed == 1 && other.rel_mse() > 0.0, "{other:?}");
    bytes.push(0);
    fs::write(&shard, &bytes).unwrap();
    assert!(made.compare(folder.path()).is_err());
}

/// By the `hct` of the same profile, where it has been built: `cargo test --workspace` does.
#[test]
fn a_tiny_checkpoint_goes_through_the_tool() {
    let mut path = env::current_exe().unwrap();
    path.pop();
    path.set_file_name("hct");
    let Ok(hct) = Hct::at(Some(&path)) else {
        eprintln!("skipped: no {}", path.display());
        return;
    };
    let folder = TempDir::new().unwrap();
    let model = || Plan::about(1 << 20).tensors();
    let row = measure(&hct, folder.path(), Kind::Model, model(), Setting::Fast).unwrap();
    assert_eq!(row.weights, Plan::about(1 << 20).weights());
    // Its experts are so small that they are coded losslessly.
    assert!(row.file_bytes < row.input_bytes);
    assert!(row.rel_mse > 0.0 && row.rel_mse < 5e-4, "{}", row.rel_mse);
    if cfg!(target_os = "linux") {
        let peak = row.compress.peak_bytes.unwrap();
        assert!((1 << 20..1 << 30).contains(&peak), "{peak}");
        assert!(row.compress.cpu_seconds.is_some());
    }
    let alike = many(2000, &[8, 8]);
    let row = measure(&hct, folder.path(), Kind::Alike, alike, Setting::Lossless).unwrap();
    assert_eq!((row.changed, row.tensors, row.weights), (0, 2000, 128_000));
    // A hash of 32 bytes is among them.
    assert!(row.index_per_tensor() < 64.0, "{}", row.index_per_tensor());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_server_sends_ranges_and_counts() {
    use std::io::{Read, Write};
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("f");
    fs::write(&file, b"0123456789").unwrap();
    let server = Server::start(&file).unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/model.hct").unwrap();
    for (range, body) in [("2-4", "234"), ("-3", "789")] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nRange: bytes={range}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with(&format!("\r\n\r\n{body}")), "{text}");
    }
    assert_eq!(server.counts(), (2, 6));
}

fn row(kind: Kind, tensors: u64, weights: u64) -> Row {
    let run = |seconds, peak| Run {
        seconds,
        cpu_seconds: Some(2.0 * seconds),
        peak_bytes: Some(peak),
    };
    Row {
        machine: Machine {
            cpu: "Abacus".into(),
            cores: 2,
            levels: vec!["portable".into()],
            load_before: None,
        },
        kind,
        setting: Setting::Default,
        tensors,
        name_bytes: 30 * tensors,
        weights,
        largest: weights / tensors,
        input_bytes: 2 * weights,
        file_bytes: weights / 2,
        index_bytes: 50 * tensors,
        recovery_bytes: 60 * tensors,
        rel_mse: 4e-4,
        changed: 5,
        compress: run(10.0, (256 << 20) + 4 * weights / tensors),
        verify: run(1.0, 100 << 20),
        decompress: run(2.0, (64 << 20) + 2 * weights / tensors),
    }
}

fn report() -> Report {
    let mut report = Report::default();
    report.put(row(Kind::Alike, 1, 1 << 27));
    report.put(row(Kind::Alike, 1, 1 << 24));
    report.put(row(Kind::Alike, 100_000, 6_400_000));
    report.put(row(Kind::Model, 100, 1_000_000_000));
    report.requests = Some(Requests {
        file_bytes: 1_000_000,
        index_bytes: 100,
        tensors: 2,
        rows: vec![Transfer {
            what: "rows".into(),
            needed: 900,
            requests: 2,
            sent: 1000,
        }],
    });
    report
}

#[test]
fn figures_follow_from_what_was_measured() {
    let sections = report().sections();
    let keys: Vec<&str> = sections.iter().map(|(key, _)| &key[..]).collect();
    assert_eq!(keys, ["about", "model", "large", "alike", "requests"]);
    let has = |key: usize, part: &str| {
        let text = &sections[key].1;
        assert!(text.contains(part), "no {part:?} in\n{text}");
    };
    has(
        1,
        "| 1,000,000,000 | none | `hct compress` | 10.0 | 20.0 | 50 |",
    );
    // 20 s for each billion of 671.
    has(1, "| none | 3.7 | 0.4 | 0.7 | 336 |\n");
    has(
        2,
        "4.0 bytes a weight to compress: under 1 GiB to 201 million weights",
    );
    has(
        3,
        "20.0 bytes of the index at most beside its name: under 64",
    );
    has(
        3,
        "| 100,000 | none | 5,000,000 | 30.0 | 50.0 | 20.0 | 60.0 | 32.0 |",
    );
    has(4, "| rows | 2 | 900 | 1,000 | 100 | 0.01 % |");
}

#[test]
fn a_checkpoint_measured_again_takes_the_place_of_the_first() {
    let mut report = report();
    report.put(row(Kind::Alike, 1, 1 << 24));
    assert_eq!(report.rows.len(), 4);
    let json = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read.sections(), report.sections());
    assert_eq!(Report::default().sections().len(), 1);
}
