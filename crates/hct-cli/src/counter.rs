//! A bar that counts on a terminal, nothing elsewhere.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A bar on stderr for work that is counted in `unit`s, such as tokens, with their number a second;
/// it disappears when it is dropped.
pub struct Counter(ProgressBar);

impl Counter {
    /// A bar for `total` of them.
    pub fn new(action: &'static str, unit: &str, total: usize) -> Counter {
        let bar = ProgressBar::new(total as u64);
        let template =
            format!("{{prefix}} [{{bar:20}}] {{pos}}/{{len}} {unit}, {{rate}} ETA {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let rate = move |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        bar.set_prefix(action);
        bar.enable_steady_tick(Duration::from_millis(200));
        Counter(bar)
    }

    /// This many are done.
    pub fn set(&self, done: usize) {
        self.0.set_position(done as u64);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
