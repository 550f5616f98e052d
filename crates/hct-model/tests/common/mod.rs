//! Safetensors files made by hand, so that they can be wrong.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "fs")]
use hct_model::{Checkpoint, Error, HeaderError};
use tempfile::TempDir;

/// A file with this header and data.
pub fn blob(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A header entry of one tensor.
pub fn entry(name: &str, dtype: &str, shape: &[u64], start: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#)
}

/// A header of these entries.
pub fn header(entries: &[String]) -> String {
    format!("{{{}}}", entries.join(","))
}

/// A file of U8 vectors of these lengths, whose bytes count up from 0.
pub fn bytes_file(tensors: &[(&str, u64)]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut at = 0;
    for &(name, len) in tensors {
        entries.push(entry(name, "U8", &[len], at, at + len));
        at += len;
    }
    let data: Vec<u8> = (0..at).map(|i| i as u8).collect();
    blob(&header(&entries), &data)
}

/// A folder with these files.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in files {
        put(dir.path(), name, bytes);
    }
    dir
}

/// Writes a file and the folders it is in.
pub fn put(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// An index of these tensors and shards.
pub fn index(weight_map: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<_> = weight_map
        .iter()
        .map(|(t, s)| format!("{t:?}:{s:?}"))
        .collect();
    format!(
        r#"{{"metadata":{{"total_size":0}},"weight_map":{{{}}}}}"#,
        entries.join(",")
    )
    .into_bytes()
}

/// The error of opening what cannot be opened.
#[cfg(feature = "fs")]
pub fn open_error(path: impl AsRef<Path>) -> Error {
    match Checkpoint::open(path) {
        Ok(_) => panic!("this opened"),
        Err(error) => error,
    }
}

/// The error of opening a file of these bytes, called `bad.safetensors`.
#[cfg(feature = "fs")]
pub fn header_error(bytes: &[u8]) -> (HeaderError, String) {
    let dir = folder(&[("bad.safetensors", bytes)]);
    let error = open_error(dir.path().join("bad.safetensors"));
    let message = chain(&error);
    assert_says(&message, &["bad.safetensors"]);
    match error {
        Error::Header { reason, .. } => (reason, message),
        other => panic!("not about the header: {other:?}"),
    }
}

/// All that an error says, as `hct` prints it: no message may repeat what is behind it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let (mut message, mut behind) = (line.clone(), error.source());
    while let Some(error) = behind {
        let next = error.to_string();
        assert!(!message.contains(&next), "{message:?} has {next:?} in it");
        line += &format!(": {next}");
        (message, behind) = (next, error.source());
    }
    line
}

/// Asserts that a message has all of these in it.
pub fn assert_says(message: &impl Display, parts: &[&str]) {
    let message = message.to_string();
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}
