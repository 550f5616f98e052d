//! A progress bar on a terminal, nothing elsewhere.

use std::fs;
#[cfg(feature = "eval")]
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hct_model::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Set by Ctrl-C; long work stops at the next tensor and cleans up.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A folder of temporary files that is all there is to clean up.
static FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Until it is called with `None`, Ctrl-C removes `folder` and stops at once: for work that nothing
/// else stops, such as running a model.
#[cfg(feature = "eval")]
pub fn remove_when_interrupted(folder: Option<&Path>) {
    // A second handler in one process is the only thing that can fail.
    let _ = handle_interrupts();
    *FOLDER.lock().unwrap_or_else(PoisonError::into_inner) = folder.map(Path::to_owned);
}

/// Makes Ctrl-C stop long work cleanly, and a second one at once.
fn handle_interrupts() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        let folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(folder) = folder {
            let _ = fs::remove_dir_all(folder);
            std::process::exit(130);
        }
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
}

/// A bar on stderr that disappears when it is dropped.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar for work on `total` bytes, which `action` describes in one word.
    pub fn new(action: &'static str, total: u64) -> Bar {
        // Hidden by itself when stderr is not a terminal.
        let bar = ProgressBar::new(total);
        let template = "{prefix} [{bar:20}] {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(action);
        // A second handler in one process is the only thing that can fail.
        let _ = handle_interrupts();
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar(bar)
    }
}

impl Progress for Bar {
    fn advance(&self, bytes: u64, _tensor: &str) {
        self.0.inc(bytes);
    }

    fn cancelled(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }

    fn restart(&self, pass: usize) {
        self.0.reset();
        self.0.set_prefix(format!("pass {pass}"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
