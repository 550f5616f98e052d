//! URLs in the place of files.

mod common;
#[allow(dead_code, reason = "hct-model tests the other faults")]
#[path = "../../hct-model/tests/remote/server.rs"]
mod server;

use std::fs;

use common::{copy_sample, hct, succeed};
use server::{Fault, SIGNATURE, Server};
use tempfile::TempDir;

#[test]
fn every_command_that_reads_takes_a_url() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    succeed(dir, "compress sample.safetensors -o m.hct");
    let bytes = fs::read(dir.join("m.hct")).unwrap();
    let server = Server::start(bytes.clone(), Fault::None);
    let url = &server.url;

    let info = |what: &str| succeed(dir, &format!("info {what} --json")).json();
    assert_eq!(info(&format!("{url} --sections")), info("m.hct"));
    // The index alone, which is among the last bytes.
    server.counts();
    let of_index = info(url);
    assert_eq!(server.counts(), (1, (64 << 10).min(bytes.len() as u64)));
    assert_eq!(
        of_index["totals"]["bytes"],
        info("m.hct")["totals"]["bytes"]
    );
    assert!(of_index["totals"]["sections"]["values"].is_null());
    assert!(
        succeed(dir, &format!("info {url}"))
            .stdout
            .contains("tensors")
    );
    assert_eq!(
        succeed(dir, &format!("verify {url} --json")).json()["ok"],
        true
    );
    let diff = |what: &str| succeed(dir, &format!("diff sample.safetensors {what} --json")).json();
    assert_eq!(diff(url)["total"], diff("m.hct")["total"]);
    succeed(dir, "decompress m.hct -o file.safetensors");
    succeed(dir, &format!("decompress {url} -o url.safetensors"));
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("url.safetensors") == read("file.safetensors"));

    let name = succeed(dir, "info m.hct --json").json()["tensors"][0]["name"].clone();
    let name = name.as_str().unwrap();
    server.counts();
    succeed(dir, &format!("extract {url} {name} --rows 0..2 -o url.npy"));
    let (requests, _) = server.counts();
    assert!(requests <= 4, "{requests}");
    succeed(
        dir,
        &format!("extract m.hct {name} --rows 0..2 -o file.npy"),
    );
    assert!(read("url.npy") == read("file.npy"));

    let missing = Server::start(Vec::new(), Fault::NotFound);
    hct(dir, &format!("info {}", missing.url)).fails(1, &["no such object"]);
    let whole = Server::start(read("m.hct"), Fault::NoRanges);
    hct(dir, &format!("info {}", whole.url)).fails(1, &["download the file"]);
}

#[test]
fn signed_urls_are_read_and_what_signs_them_is_not_said() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    succeed(dir, "compress sample.safetensors -o m.hct");
    let mut bytes = fs::read(dir.join("m.hct")).unwrap();
    let server = Server::start(bytes.clone(), Fault::Unsigned);
    let signed = format!("{}?{SIGNATURE}", server.url);
    let hidden = |run: &common::Run| {
        let said = run.stdout.clone() + &run.stderr;
        assert!(
            !said.contains("X-Sig") && said.contains("m.hct?…"),
            "{said}"
        );
    };
    hidden(&succeed(dir, &format!("verify {signed}")));
    hidden(&succeed(dir, &format!("info {signed} m.hct --json")));
    succeed(dir, &format!("decompress {signed} -o url.safetensors"));
    hidden(&hct(dir, &format!("extract {signed} none -o none.npy")));
    hidden(&hct(dir, &format!("compress {signed} -o no.hct")));
    hidden(&hct(dir, &format!("info {signed}0")));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = Server::start(bytes, Fault::Unsigned);
    let signed = format!("{}?{SIGNATURE}", damaged.url);
    hidden(&hct(dir, &format!("verify {signed} --json")));
    hidden(&hct(dir, &format!("decompress {signed} -o no.safetensors")));

    // Nor is it kept: of the base that a file was made against.
    let base = format!("{}?{SIGNATURE}", server.url);
    let delta =
        format!("compress sample.safetensors --base {base} -o delta.hct --strategy lossless");
    succeed(dir, &delta);
    hidden(&succeed(dir, "info delta.hct"));
    let kept = fs::read(dir.join("delta.hct")).unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains("X-Sig"));
}

#[test]
fn a_checkpoint_at_a_url_is_compressed_as_a_file_is() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    let server = Server::start(
        fs::read(dir.join("sample.safetensors")).unwrap(),
        Fault::Unsigned,
    );
    let folder = server.url.strip_suffix("m.hct").unwrap();
    let url = format!("{folder}sample.safetensors?{SIGNATURE}");
    succeed(dir, "compress sample.safetensors -o file.hct");
    succeed(dir, &format!("compress {url} -o url.hct"));
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    assert!(read("url.hct") == read("file.hct"));
    // What is lossless is read once more, and compared.
    let read_twice = format!("compress {url} -o url.hct --strategy lossless --force");
    succeed(dir, &read_twice);
    succeed(dir, "decompress url.hct -o back.safetensors");
    assert!(read("back.safetensors") == read("sample.safetensors"));
    let diff = |what: &str| succeed(dir, &format!("diff {what} file.hct --json")).json();
    assert_eq!(diff(&url)["total"], diff("sample.safetensors")["total"]);
    hct(dir, &format!("compress {url} -o r.hct --resume")).fails(2, &["--resume"]);
}
