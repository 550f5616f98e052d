//! Outputs that cannot or must not be written, inputs that are no files or change: the right exit code,
//! a message that says what to do, and everything as it was.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use common::process::{await_temporary, ended, said, signal, start, temporaries};
use common::{Made, f32_bytes, hct, mixed, put, safetensors, succeed, tree, weights};
use tempfile::TempDir;

/// A folder with a small checkpoint `m.safetensors`, and `m.hct` made of it.
fn small() -> TempDir {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "m.safetensors", &safetensors(&mixed(6)));
    succeed(dir.path(), "compress m.safetensors -o m.hct");
    dir
}

/// A checkpoint that takes a second or more to code.
fn large() -> Vec<u8> {
    let values = f32_bytes(&weights(2048 * 2048, 1));
    let made = ["a", "b", "c", "d", "e", "f"].map(|name| Made {
        name,
        dtype: "F32",
        shape: vec![2048, 2048],
        bytes: values.clone(),
    });
    safetensors(&made)
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn force_replaces_regular_files_only() {
    let dir = small();
    let dir = dir.path();
    mkfifo(&dir.join("pipe"));
    fs::create_dir(dir.join("cache")).unwrap();
    put(dir, "cache/blob.hct", b"precious");
    symlink("cache/blob.hct", dir.join("link.hct")).unwrap();
    symlink("pipe", dir.join("link.safetensors")).unwrap();
    let null = fs::metadata("/dev/null").unwrap();
    for force in ["", " --force"] {
        for (args, says) in [
            ("compress m.safetensors -o /dev/null", "device"),
            ("compress m.safetensors -o pipe", "pipe"),
            (
                "compress m.safetensors -o link.hct",
                "a link, to cache/blob.hct",
            ),
            ("decompress m.hct -o link.safetensors", "a link, to pipe"),
            ("merge m.hct -o link.hct", "a link, to cache/blob.hct"),
            ("extract m.hct dense -o link.safetensors", "a link, to pipe"),
        ] {
            hct(dir, &format!("{args}{force}")).fails(2, &["not replacing", says]);
        }
    }
    assert!(
        fs::metadata(dir.join("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
    assert_eq!(fs::metadata("/dev/null").unwrap().rdev(), null.rdev());
    assert_eq!(fs::read(dir.join("cache/blob.hct")).unwrap(), b"precious");
    assert!(temporaries(dir).is_empty());
}

#[test]
fn force_deletes_nothing_that_is_not_written_again() {
    let dir = small();
    let dir = dir.path();
    for other in ["src/main.rs", "old.safetensors", "notes.txt", ".git/HEAD"] {
        let model = Path::new("model");
        put(dir, "model/m.safetensors", b"old");
        put(dir, &model.join(other).to_string_lossy(), b"years of work");
        let before = tree(&dir.join("model"));
        let name = other.split('/').next().unwrap();
        let run = hct(dir, "decompress m.hct -o model --force");
        run.fails(2, &["not replacing model", name, "choose another name"]);
        assert_eq!(tree(&dir.join("model")), before);
        assert!(temporaries(dir).is_empty());
        fs::remove_dir_all(dir.join("model")).unwrap();
    }
    // What is written again is replaced.
    put(dir, "model/m.safetensors", b"old");
    succeed(dir, "decompress m.hct -o model --force");
    let written = tree(&dir.join("model"));
    assert_eq!(written.len(), 1);
    assert!(written[0].1 == fs::read(dir.join("model/m.safetensors")).unwrap());
    assert!(written[0].1 != b"old");
}

#[test]
fn outputs_do_not_replace_inputs() {
    let dir = small();
    let dir = dir.path();
    fs::create_dir(dir.join("in")).unwrap();
    fs::copy(dir.join("m.safetensors"), dir.join("in/model.safetensors")).unwrap();
    fs::copy(dir.join("m.hct"), dir.join("in/m.hct")).unwrap();
    let before = tree(dir);
    for args in [
        "compress m.safetensors -o m.safetensors --force",
        "compress m.safetensors -o ./in/../m.safetensors --force",
        "compress in -o in/model.safetensors --force",
        "decompress m.hct -o m.hct --force",
        "decompress in/m.hct -o in --force",
        "merge m.hct -o m.hct --force",
    ] {
        hct(dir, args).fails(2, &[]);
        assert!(tree(dir) == before, "{args}");
    }
    // An output that is inside the input, but no part of it.
    succeed(dir, "compress in -o in/new.hct");
    succeed(dir, "decompress m.hct -o in/restored");
    assert!(fs::read(dir.join("in/model.safetensors")).unwrap() == before[1].1);
}

#[test]
fn pipes_do_not_hold_up() {
    let dir = small();
    let dir = dir.path();
    mkfifo(&dir.join("pipe.safetensors"));
    mkfifo(&dir.join("pipe.hct"));
    fs::create_dir(dir.join("folder")).unwrap();
    mkfifo(&dir.join("folder/model.safetensors"));
    for args in [
        "compress pipe.safetensors -o x.hct",
        "compress folder -o x.hct",
        "compress m.safetensors -o x.hct --strategy lossless --base pipe.hct",
        "info pipe.hct",
        "verify pipe.hct",
        "decompress pipe.hct -o x",
        "diff m.hct pipe.hct",
        "diff pipe.safetensors m.hct",
        "plan pipe.safetensors",
    ] {
        let mut child = start(dir, args);
        let (status, _) = ended(&mut child);
        let said = said(child);
        assert_eq!(status.code(), Some(1), "{args}: {said}");
        assert!(said.contains("not a regular file"), "{args}: {said}");
    }
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &large()[..]);
    succeed(
        dir,
        "compress m.safetensors -o m.hct --strategy lossless --no-verify",
    );
    let disk = dir.join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mount.is_ok_and(|done| done.status.success()) {
        println!("skipped: no tmpfs can be mounted here");
        return;
    }
    let full = || {
        put(&disk, "old.hct", b"what was there");
        for args in [
            "compress m.safetensors -o disk/new.hct --strategy lossless",
            "compress m.safetensors -o disk/old.hct --force --strategy lossless",
            "compress m.safetensors -o disk/new.hct --resume --strategy lossless",
            "decompress m.hct -o disk/new",
            "decompress m.hct -o disk/new.safetensors",
            "merge m.hct -o disk/new.hct",
            "split m.hct --parts 2 -o disk",
            "extract m.hct a -o disk/a.npy",
        ] {
            let run = hct(dir, args);
            let says = ["disk/", "No space left on device", "hint: free some space"];
            run.fails(1, &says);
            if args.contains("--resume") {
                fs::remove_dir_all(disk.join("new.hct.partial")).unwrap();
            }
            assert_eq!(fs::read_dir(&disk).unwrap().count(), 1, "{args}");
        }
        assert_eq!(fs::read(disk.join("old.hct")).unwrap(), b"what was there");
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(full));
    let _ = Command::new("umount").arg(&disk).status();
    outcome.unwrap();
}

#[test]
fn folders_that_cannot_be_written_to_say_so() {
    let dir = small();
    let dir = dir.path();
    let locked = dir.join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if File::create(locked.join("x")).is_ok() {
        // Root may write anywhere; a read-only disk holds for it, too.
        let _ = fs::remove_file(locked.join("x"));
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "ro,size=1m", "tmpfs"])
            .arg(&locked)
            .output();
        if !mount.is_ok_and(|done| done.status.success()) {
            println!("skipped: root may write anywhere, and no disk can be mounted here");
            return;
        }
    }
    let outcomes: Vec<_> = [
        "compress m.safetensors -o locked/new.hct",
        "decompress m.hct -o locked/new",
        "decompress m.hct -o locked/new.safetensors",
        "split m.hct --parts 2 -o locked",
    ]
    .map(|args| hct(dir, args))
    .into();
    let _ = Command::new("umount").arg(&locked).output();
    for run in outcomes {
        run.fails(1, &["cannot create", "locked", "hint: choose a folder"]);
    }
}

#[test]
fn an_input_cut_short_under_the_reader_is_named() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let bytes = large();
    put(dir, "m.safetensors", &bytes);
    succeed(
        dir,
        "compress m.safetensors -o m.hct --strategy lossless --no-verify",
    );
    let copy = |name: &str| fs::copy(dir.join(name), dir.join(format!("cut-{name}"))).unwrap();
    for (args, input) in [
        (
            "compress cut-m.safetensors -o x --threads 1 --effort max",
            "m.safetensors",
        ),
        ("decompress cut-m.hct -o x --threads 1", "m.hct"),
    ] {
        copy(input);
        let input = format!("cut-{input}");
        let mut child = start(dir, args);
        await_temporary(dir, &mut child);
        // Held while it is cut, so that it does not get through before.
        signal(&child, "STOP");
        let file = File::options().write(true).open(dir.join(&input)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 50).unwrap();
        signal(&child, "CONT");
        let (status, _) = ended(&mut child);
        let said = said(child);
        assert_eq!(status.code(), Some(1), "{args}: {said}");
        assert!(
            said.contains(&input) && said.contains("changed while it was read"),
            "{said}"
        );
        assert!(!dir.join("x").exists() && temporaries(dir).is_empty());
    }
}

#[test]
fn a_second_writer_of_an_output_is_told() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put(dir, "m.safetensors", &large());
    put(dir, "small.safetensors", &safetensors(&mixed(6)));
    let write = "compress m.safetensors -o x.hct --effort max";
    let mut first = start(dir, write);
    await_temporary(dir, &mut first);
    sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    hct(dir, "compress small.safetensors -o x.hct").fails(1, &["another process is writing x.hct"]);
    succeed(dir, "compress small.safetensors -o other.hct");
    // Of one that is gone, nothing stands in the way.
    signal(&first, "KILL");
    let _ = ended(&mut first);
    assert_eq!(temporaries(dir).len(), 1);
    succeed(dir, "compress small.safetensors -o x.hct");
    assert!(temporaries(dir).is_empty());
    assert!(fs::read(dir.join("x.hct")).unwrap() == fs::read(dir.join("other.hct")).unwrap());

    let resume = "compress m.safetensors -o y.hct --resume --effort max";
    let mut first = start(dir, resume);
    while !dir.join("y.hct.partial/run.json").exists() && first.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    for second in [resume, "compress small.safetensors -o y.hct --resume"] {
        hct(dir, second).fails(1, &["another process is writing y.hct"]);
    }
    signal(&first, "KILL");
    let _ = ended(&mut first);
}
