//! URLs in the place of files.

mod common;
#[allow(dead_code, reason = "hct-model tests the other faults")]
#[path = "../../hct-model/tests/remote/server.rs"]
mod server;

use std::fs;

use common::{copy_sample, hct, succeed};
use server::{Fault, Server};
use tempfile::TempDir;

#[test]
fn every_command_that_reads_takes_a_url() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    succeed(dir, "compress sample.safetensors -o m.hct");
    let bytes = fs::read(dir.join("m.hct")).unwrap();
    let server = Server::start(bytes, Fault::None);
    let url = &server.url;

    let info = |what: &str| succeed(dir, &format!("info {what} --json")).stdout;
    assert_eq!(info(url), info("m.hct"));
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
