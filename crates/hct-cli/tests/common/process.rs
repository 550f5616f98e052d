//! Runs of the binary that are stopped, killed or held up.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Starts `hct` in `dir` with these arguments, separated by spaces.
pub fn start(dir: &Path, args: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hct"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a signal, such as `TERM`. Gone processes are none of its business.
pub fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let _ = Command::new("sh").args(["-c", &kill]).output();
}

/// Waits until it has ended; how, and for how long. Ends it after a minute, which is a failure.
pub fn ended(child: &mut Child) -> (ExitStatus, Duration) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, begin.elapsed());
        }
        sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("it has not stopped");
}

/// What it said, once it has ended.
pub fn said(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
}

/// The temporaries in a folder.
pub fn temporaries(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(".hct")
    };
    paths.filter(is_ours).collect()
}

/// Waits until a temporary is there, or the process has ended.
pub fn await_temporary(dir: &Path, child: &mut Child) {
    while temporaries(dir).is_empty() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
}
