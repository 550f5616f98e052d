//! Writing checkpoints back: the same bytes, all or nothing, and only where they belong.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{assert_says, blob, bytes_file, entry, folder, header, index, put};
use hct_core::{Dtype, FileKind};
use hct_model::{
    AtomicFile, Checkpoint, CheckpointSink, CheckpointSource, DirWriter, Error, Header,
    ShardWriter, TensorInfo, TensorSource, safe_relative_path,
};

fn small_header() -> Header {
    let text = header(&[
        entry("a", "U8", &[3], 0, 3),
        entry("empty", "U8", &[0], 3, 3),
        entry("b", "U8", &[2], 3, 5),
    ]);
    Header::parse(text.as_bytes(), 5).unwrap()
}

/// The names in a folder, hidden ones included.
fn list(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_sharded_folder_comes_back_the_same() {
    // Header order is not data order, and the padding is unusual.
    let entries = [entry("y", "U8", &[2], 1, 3), entry("z", "F4", &[2], 0, 1)];
    let one = blob(&(header(&entries) + " \n"), &[7, 8, 9]);
    let source = folder(&[
        ("s1.safetensors", &one),
        ("s2.safetensors", &bytes_file(&[("e", 0), ("x", 70_000)])),
        (
            "model.safetensors.index.json",
            &index(&[
                ("x", "s2.safetensors"),
                ("e", "s2.safetensors"),
                ("y", "s1.safetensors"),
                ("z", "s1.safetensors"),
            ]),
        ),
        ("1_Pooling/config.json", b"{}"),
    ]);
    let checkpoint = Checkpoint::open(source.path()).unwrap();

    let out = folder(&[]);
    let target = out.path().join("copy");
    let mut writer = DirWriter::create(&target).unwrap();
    let mut index = 0;
    for (number, file) in checkpoint.files().iter().enumerate() {
        let bytes = checkpoint.read_file(number).unwrap();
        let mut out = writer.begin(&file.path).unwrap();
        if file.kind == FileKind::Side {
            out.write_all(&bytes).unwrap();
            writer.end(&file.path, out).unwrap();
            continue;
        }
        let of_shard = (index..).take_while(|&i| checkpoint.file_of(i) == Some(number));
        let lens = of_shard.map(|i| checkpoint.tensors()[i].byte_len());
        let header = Header::parse(&*bytes, lens.sum()).unwrap();
        let mut shard_writer = ShardWriter::new(&file.path, header.clone(), out).unwrap();
        for number in 0..header.tensors().len() {
            for chunk in checkpoint.read(index).unwrap().chunks(30_000) {
                shard_writer.write(number, chunk).unwrap();
            }
            index += 1;
        }
        writer
            .end(&file.path, shard_writer.finish().unwrap())
            .unwrap();
    }
    assert!(!target.exists());
    writer.finish(false).unwrap();

    assert_eq!(list(out.path()), ["copy"]);
    assert_eq!(list(&target), list(source.path()));
    for name in [
        "s1.safetensors",
        "s2.safetensors",
        "model.safetensors.index.json",
    ] {
        assert_eq!(
            fs::read(target.join(name)).unwrap(),
            fs::read(source.path().join(name)).unwrap()
        );
    }
    assert_eq!(
        fs::read(target.join("1_Pooling/config.json")).unwrap(),
        b"{}"
    );
}

#[test]
fn tensors_must_come_in_turn_and_whole() {
    let mut writer = ShardWriter::new("m.safetensors", small_header(), Vec::new()).unwrap();
    writer.write(0, &[1, 2]).unwrap();
    let error = writer.write(2, &[4, 5]).unwrap_err();
    assert!(matches!(error, Error::OutOfTurn { written: 2, .. }));
    assert_says(&error, &["m.safetensors", "\"b\""]);
    let error = writer.write(0, &[3, 4]).unwrap_err();
    assert!(matches!(error, Error::TooManyBytes { len: 3, .. }));
    assert_says(&error, &["m.safetensors", "\"a\""]);
    let error = writer.write(3, &[]).unwrap_err();
    assert!(matches!(
        error,
        Error::NoSuchTensor {
            index: 3,
            count: 3,
            ..
        }
    ));

    writer.write(0, &[3]).unwrap();
    writer.write(2, &[4]).unwrap();
    assert!(matches!(
        writer.write(0, &[9]).unwrap_err(),
        Error::OutOfTurn { .. }
    ));
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, Error::TooFewBytes { missing: 1, .. }));
    assert_says(&error, &["m.safetensors", "\"b\""]);
}

/// Writes a side file.
fn add(writer: &mut DirWriter, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut file = writer.begin(path)?;
    file.write_all(bytes).unwrap();
    writer.end(path, file)
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let dir = folder(&[]);
    let mut file = AtomicFile::create(dir.path().join("m.safetensors")).unwrap();
    file.write_all(&[1, 2, 3]).unwrap();
    drop(file);
    let mut writer = DirWriter::create(dir.path().join("m")).unwrap();
    add(&mut writer, "sub/a.txt", b"a").unwrap();
    drop(writer);
    let mut writer = DirWriter::create(dir.path().join("m")).unwrap();
    let half = writer.begin("half.txt").unwrap();
    let error = writer.finish(false).unwrap_err();
    assert!(matches!(error, Error::Unfinished { files: 1, .. }));
    drop(half);
    assert!(list(dir.path()).is_empty());
}

#[test]
fn files_are_replaced_only_when_asked() {
    let dir = folder(&[("m.safetensors", b"old")]);
    let path = dir.path().join("m.safetensors");
    let write = |overwrite| {
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&[1, 2, 3]).unwrap();
        file.finish(overwrite)
    };
    let error = write(false).unwrap_err();
    assert!(matches!(error, Error::OutputExists { .. }));
    assert_says(&error, &["m.safetensors"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");

    write(true).unwrap();
    assert!(fs::read(&path).unwrap().ends_with(&[1, 2, 3]));
    assert_eq!(list(dir.path()), ["m.safetensors"]);
}

#[test]
fn folders_are_replaced_only_when_asked() {
    let dir = folder(&[("m/model.safetensors", b"old"), ("m/sub/a.txt", b"")]);
    let target = dir.path().join("m");
    let write = |overwrite| {
        let mut writer = DirWriter::create(&target).unwrap();
        for path in ["model.safetensors", "new.txt", "sub/a.txt"] {
            add(&mut writer, path, b"new").unwrap();
        }
        writer.finish(overwrite)
    };
    assert!(matches!(
        write(false).unwrap_err(),
        Error::OutputExists { .. }
    ));
    assert_eq!(list(&target), ["model.safetensors", "sub"]);
    write(true).unwrap();
    assert_eq!(list(&target), ["model.safetensors", "new.txt", "sub"]);
    assert_eq!(list(dir.path()), ["m"]);

    fs::remove_dir_all(&target).unwrap();
    fs::create_dir(&target).unwrap();
    write(true).unwrap();
    assert_eq!(list(&target).len(), 3);
}

#[test]
fn folders_with_other_things_are_not_replaced() {
    for other in [
        "notes.txt",
        "sub/b.txt",
        "model-00002.safetensors",
        ".git/config",
    ] {
        let other = format!("m/{other}");
        let dir = folder(&[("m/model.safetensors", b"old"), (&other, b"precious")]);
        let target = dir.path().join("m");
        let mut writer = DirWriter::create(&target).unwrap();
        for path in ["model.safetensors", "sub/a.txt"] {
            add(&mut writer, path, b"new").unwrap();
        }
        let error = writer.finish(true).unwrap_err();
        assert!(matches!(error, Error::NotReplaceable { .. }), "{error}");
        let name = other.trim_start_matches("m/").split('/').next().unwrap();
        assert_says(&error, &[name, "choose another name"]);
        assert_eq!(fs::read(dir.path().join(&other)).unwrap(), b"precious");
        assert_eq!(fs::read(target.join("model.safetensors")).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_replaced() {
    let dir = folder(&[("real", b"precious"), ("full/real", b"precious")]);
    let at = |name: &str| dir.path().join(name);
    std::os::unix::fs::symlink("real", at("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    for (name, says) in [
        ("link", "a link, to real"),
        ("dangling", "a link, to nowhere"),
        ("socket", "a device, pipe or socket"),
        ("full", "a folder"),
    ] {
        let error = AtomicFile::create(at(name)).err().unwrap();
        assert!(matches!(error, Error::NotReplaceable { .. }), "{error}");
        assert_says(&error, &[name, says]);
    }
    let error = AtomicFile::create("/dev/null").err().unwrap();
    assert_says(&error, &["/dev/null", "a device, pipe or socket"]);
    // What has become one in the meantime.
    let file = AtomicFile::create(at("new")).unwrap();
    std::os::unix::fs::symlink("real", at("new")).unwrap();
    let error = file.finish(true).unwrap_err();
    assert!(matches!(error, Error::NotReplaceable { .. }), "{error}");
    assert_eq!(fs::read(at("real")).unwrap(), b"precious");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 6);
}

#[test]
fn outputs_need_a_name_and_a_folder() {
    for target in ["/", "..", ""] {
        assert!(matches!(
            DirWriter::create(target),
            Err(Error::OutputUnnamed { .. })
        ));
        let file = AtomicFile::create(target);
        assert!(matches!(file, Err(Error::OutputUnnamed { .. })));
    }
    let dir = folder(&[]);
    let target = dir.path().join("missing/m");
    assert!(matches!(DirWriter::create(&target), Err(Error::Io { .. })));
}

#[test]
fn stored_paths_cannot_do_harm() {
    for good in [
        "config.json",
        "1_Pooling/config.json",
        "a b/ü…",
        "console.txt",
        "com10",
    ] {
        assert_eq!(safe_relative_path(good).unwrap(), Path::new(good));
    }
    let long = "a/".repeat(600);
    let dir = folder(&[]);
    let mut writer = DirWriter::create(dir.path().join("m")).unwrap();
    for bad in [
        "",
        "/",
        "/etc/passwd",
        "//host/share",
        "..",
        ".",
        "a/..",
        "a/../b",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "\\\\?\\x",
        "C:",
        "C:a",
        "a:b",
        "a\0",
        "a\nb",
        "\u{1b}[2J",
        ".git/config",
        "a/.ssh",
        "nul",
        "AUX.txt",
        "a/com1",
        "LPT9 .x",
        "a.",
        "a ",
        &long,
    ] {
        let error = safe_relative_path(bad).unwrap_err();
        assert!(matches!(error, Error::UnsafePath { .. }), "{bad:?}");
        assert_says(&error, &[&format!("{bad:?}")]);
        assert!(matches!(writer.begin(bad), Err(Error::UnsafePath { .. })));
    }
    drop(writer);
    assert!(list(dir.path()).is_empty());
}

#[test]
fn stored_paths_cannot_replace_each_other() {
    let dir = folder(&[]);
    let mut writer = DirWriter::create(dir.path().join("m")).unwrap();
    add(&mut writer, "a", b"1").unwrap();
    assert!(matches!(
        add(&mut writer, "a", b"2"),
        Err(Error::OutputExists { .. })
    ));
    assert!(matches!(
        add(&mut writer, "a/b", b"2"),
        Err(Error::Io { .. })
    ));
}

#[cfg(unix)]
#[test]
fn new_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;

    let dir = folder(&[]);
    let ordinary = put(dir.path(), "ordinary", b"");
    let path = dir.path().join("m.safetensors");
    AtomicFile::create(&path).unwrap().finish(false).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&ordinary));
}

#[test]
fn headers_are_made_of_any_tensors() {
    let info = |name: &str, dtype, shape: &[u64]| TensorInfo {
        name: name.into(),
        dtype,
        shape: shape.to_vec(),
    };
    let tensors = [
        info("a \"quoted\"\n\u{1b} name", Dtype::BF16, &[2, 3]),
        info("empty", Dtype::F32, &[0, 7]),
        info("scalar", Dtype::F4, &[2]),
    ];
    let header = Header::of(&tensors).unwrap();
    let back: Vec<_> = header.tensors().iter().map(|t| t.info.clone()).collect();
    assert_eq!(back, tensors);
    assert_eq!(header.data_len(), 13);
    assert_eq!(header.header_bytes().len() % 8, 0);
    for wrong in [
        vec![tensors[0].clone(), tensors[0].clone()],
        vec![info("part of a byte", Dtype::F4, &[3])],
        vec![info("huge", Dtype::F32, &[u64::MAX, 2])],
        vec![info("__metadata__", Dtype::F32, &[2])],
    ] {
        assert!(Header::of(&wrong).is_err(), "{wrong:?}");
    }
}
