//! A progress bar on a terminal, nothing elsewhere.

use std::time::Duration;

use hct_model::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::stop::{Looking, is_stopping};

/// A bar on stderr that disappears when it is dropped.
pub struct Bar {
    bar: ProgressBar,
    /// Work with a bar looks whether to stop.
    _looking: Looking,
}

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
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar {
            bar,
            _looking: Looking::new(),
        }
    }
}

impl Progress for Bar {
    fn advance(&self, bytes: u64, _tensor: &str) {
        self.bar.inc(bytes);
    }

    fn cancelled(&self) -> bool {
        is_stopping()
    }

    fn checking(&self) {
        self.bar.reset();
        self.bar.set_prefix("reading again");
    }

    fn checked(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn restart(&self, pass: usize) {
        self.bar.reset();
        self.bar.set_prefix(format!("pass {pass}"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
