//! What is written of a damaged file: all of it, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hct_core::{FileKind, ReadAt};
use hct_model::{
    HctModel, Safetensors, TensorSource, decompress, decompress_undamaged, extract,
    safe_relative_path,
};
use tempfile::TempDir;

use super::Whole;

/// What is in the place of an output.
const BEFORE: &[u8] = b"before";

/// A folder in memory, where there is such a place: syncing takes long elsewhere.
pub fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}

/// Decompresses and extracts to folders and files, over others if it `replaces`.
pub fn written<R: ReadAt>(model: &HctModel<R>, original: Option<&Whole>, replaces: bool) {
    let place = Place {
        folder: folder(),
        replaces,
    };
    let paths: BTreeSet<&str> = model.index().files.iter().map(|f| &f.path[..]).collect();
    // Of a folder only what is written again is replaced.
    let plain = |path: &&&str| !path.contains('/') && safe_relative_path(path).is_ok();
    let first = paths.first().filter(plain).copied();

    let folder = place.output("out", first);
    let done = decompress(model, &folder, replaces, &()).is_ok();
    let written = place.holds("out", first, done);
    if let (true, Some(original)) = (done, original) {
        assert!(written == original.files, "not what was coded");
    }
    for file in ["out.safetensors", "out.gguf"] {
        let output = place.output(file, None);
        let done = decompress(model, &output, replaces, &()).is_ok();
        let written = place.holds(file, None, done);
        if let (true, Some(original)) = (done, original) {
            let is_shard = |path: &str| path.ends_with(".safetensors");
            let shards = original.files.iter().filter(|(path, _)| is_shard(path));
            assert!(written.values().eq(shards.map(|(_, bytes)| bytes)));
        }
    }

    let folder = place.output("kept", first);
    let kept = decompress_undamaged(model, &folder, replaces, &());
    let written = place.holds("kept", first, kept.is_ok());
    if let Ok((_, lost)) = kept {
        let named = lost.iter().map(|lost| &lost.name[..]).collect();
        undamaged(model, original, &written, &named);
    }

    for (number, info) in model.tensors().iter().enumerate().take(2) {
        let rows = info.shape.first().map(|&rows| rows / 2..rows);
        for (file, rows) in [("t.safetensors", None), ("t.npy", None), ("t.npy", rows)] {
            let output = place.output(file, None);
            let done = extract(model, number, rows.clone(), &output, replaces).is_ok();
            let written = place.holds(file, None, done);
            if done && file == "t.safetensors" {
                let bytes = model.read(number).unwrap();
                assert!(written[file].ends_with(&bytes));
            }
        }
    }
}

/// Every tensor in `written` is as it was, or as it decodes, and every other is named as lost, or its file is.
fn undamaged<R: ReadAt>(
    model: &HctModel<R>,
    original: Option<&Whole>,
    written: &BTreeMap<String, Vec<u8>>,
    lost: &BTreeSet<&str>,
) {
    let index = model.index();
    let mut found = BTreeSet::new();
    for entry in &index.files {
        let Some(bytes) = written.get(&entry.path) else {
            assert!(lost.contains(&entry.path[..]) || entry.kind.has_tensors());
            continue;
        };
        if entry.kind != FileKind::Shard {
            assert!(original.is_none_or(|original| original.carried[&entry.path] == *bytes));
            continue;
        }
        let shard = Safetensors::new("kept", [("m.safetensors", &bytes[..])]).unwrap();
        for (i, info) in shard.tensors().iter().enumerate() {
            let bytes = shard.read(i).unwrap();
            match original {
                Some(original) => assert!(bytes[..] == original.tensors[&info.name]),
                None => {
                    let number = model.find(&info.name).unwrap();
                    assert!(bytes == model.read(number).unwrap());
                }
            }
            found.insert(info.name.clone());
        }
    }
    for record in &index.tensors {
        let file = record.file.map(|file| &index.files[file]);
        let of_gguf = file.is_some_and(|file| {
            file.kind == FileKind::Gguf
                && (written.contains_key(&file.path) || lost.contains(&file.path[..]))
        });
        let name = &record.name;
        assert!(
            found.contains(name) || lost.contains(&name[..]) || of_gguf,
            "{name}"
        );
    }
}

/// Where one output after the other is written, which leaves nothing beside itself.
struct Place {
    folder: TempDir,
    replaces: bool,
}

impl Place {
    /// The path of an output. What it replaces is made first: of a folder one with the file `within`.
    fn output(&self, name: &str, within: Option<&str>) -> PathBuf {
        let output = self.folder.path().join(name);
        if self.replaces {
            match within {
                Some(within) => {
                    fs::create_dir(&output).unwrap();
                    fs::write(output.join(within), BEFORE).unwrap();
                }
                None if !has_ending(name) => {}
                None => fs::write(&output, BEFORE).unwrap(),
            }
        }
        output
    }

    /// The files of an output that was written, by path, none of which is what was there before; of one
    /// that was not nothing, but what was there before.
    fn holds(&self, name: &str, within: Option<&str>, done: bool) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.folder.path(), self.folder.path(), &mut files);
        let path = match within {
            Some(within) => format!("{name}/{within}"),
            None => name.to_owned(),
        };
        if done {
            assert!(files.values().all(|bytes| bytes != BEFORE));
            let (own, more) = (name.to_owned(), format!("{name}/"));
            let of_it = |path: &String| *path == own || path.starts_with(&more);
            assert!(files.keys().all(of_it), "left over: {:?}", files.keys());
        } else if self.replaces && (within.is_some() || has_ending(name)) {
            let before = BTreeMap::from([(path, BEFORE.to_vec())]);
            assert!(files == before, "after an error: {:?}", files.keys());
        } else {
            let left = fs::read_dir(self.folder.path()).unwrap().count();
            assert_eq!(left, 0, "after an error: {:?}", files.keys());
        }
        self.clear();
        let prefix = format!("{name}/");
        let strip = |path: String| {
            path.strip_prefix(&prefix)
                .map(str::to_owned)
                .unwrap_or(path)
        };
        files
            .into_iter()
            .map(|(path, bytes)| (strip(path), bytes))
            .collect()
    }

    fn clear(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
    }
}

fn has_ending(name: &str) -> bool {
    name.contains('.')
}

/// Files of a folder and of those within, by their paths from `root`.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}
