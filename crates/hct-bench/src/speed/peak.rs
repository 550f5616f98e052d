//! How much memory another process takes at its peak.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often to look: the peak only rises, so that what is missed is what comes in the last moment.
const EVERY: Duration = Duration::from_millis(2);

/// A thread that looks.
pub struct Peak {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Option<u64>>,
}

impl Peak {
    /// Watches a process; on systems without `/proc` it sees nothing.
    pub fn watch(process: u32) -> Peak {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let path = format!("/proc/{process}/status");
            let mut peak = None;
            while !flag.load(Ordering::Relaxed) {
                let status = fs::read_to_string(&path).unwrap_or_default();
                peak = peak.max(resident(&status));
                thread::sleep(EVERY);
            }
            peak
        });
        Peak { ended, thread }
    }

    /// The most bytes that were resident.
    pub fn end(self) -> Option<u64> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().ok().flatten()
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_found() {
        let status = "Name:\thct\nVmPeak:\t  900 kB\nVmHWM:\t  512 kB\nVmRSS:\t 4 kB\n";
        assert_eq!(resident(status), Some(512 << 10));
        assert_eq!(resident("Name:\thct\n"), None);
    }
}
