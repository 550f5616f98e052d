//! Stopping by Ctrl-C and other signals: soon, wherever a command is, and with nothing left over.
//!
//! Work that looks for it stops by itself, as a rule between two tensors. What does not within a moment
//! is cut off: a thread of its own removes what is unfinished, and exits.

use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hct_model::remove_unfinished;

/// How long work may take to stop by itself.
const GRACE: Duration = Duration::from_millis(600);
/// How often another signal is looked for meanwhile.
const TICK: Duration = Duration::from_millis(20);

/// The signal that came; 0: none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// How much is going on that looks whether to stop.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// Whether somebody says already that the run was stopped.
static SAID: AtomicBool = AtomicBool::new(false);

/// What is said of what stays, where something does.
static KEPT: Mutex<Option<String>> = Mutex::new(None);

/// Whether a signal says to stop.
pub fn is_stopping() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// The exit status of a run that a signal has stopped, if one has: 128 and the number of the signal.
pub fn exit_status() -> Option<u8> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => u8::try_from(128 + signal).ok(),
    }
}

/// Whether the caller is the first that is about to say that the run was stopped, or else why it failed.
pub fn is_first_to_say() -> bool {
    !SAID.swap(true, Ordering::Relaxed)
}

/// Says, if the run is cut off, that something was kept to go on from.
pub fn say_kept(text: Option<String>) {
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// While there is one, work looks whether to stop, and is given a moment to.
pub struct Looking(());

impl Looking {
    pub fn new() -> Looking {
        LOOKING.fetch_add(1, Ordering::Relaxed);
        Looking(())
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// After a signal: waits until the run has stopped, which ends the process, or cuts it off. `again` says
/// whether another signal has come.
fn stop(signal: i32, again: impl Fn() -> bool) {
    SIGNAL.store(signal, Ordering::Relaxed);
    let begin = Instant::now();
    while LOOKING.load(Ordering::Relaxed) > 0 && begin.elapsed() < GRACE && !again() {
        sleep(TICK);
    }
    // From here on no output gets its name any more.
    let _removed = remove_unfinished();
    if is_first_to_say() {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).take();
        let kept = kept.map_or_else(String::new, |kept| format!("; {kept}"));
        eprintln!("error: stopped by signal {signal}{kept}");
    } else {
        // The run says so itself at this moment, and ends.
        sleep(GRACE);
    }
    exit(128 + signal);
}

/// From now on SIGINT, SIGTERM and SIGHUP stop the run. One without a terminal that is to outlive it
/// (`nohup`) does not heed the last.
#[cfg(unix)]
pub fn heed_signals() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut heeded = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        heeded.push(SIGHUP);
    }
    // Where that is not to be had, signals end the process at once.
    let Ok(mut signals) = Signals::new(heeded) else {
        return;
    };
    let handler = std::thread::Builder::new().name("signals".into());
    let _ = handler.spawn(move || {
        let Some(signal) = signals.forever().next() else {
            return;
        };
        let again = std::cell::RefCell::new(signals);
        stop(signal, || again.borrow_mut().pending().next().is_some());
    });
}

/// Whether the process was started with this signal ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // Only Linux tells without unsafe code.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// From now on Ctrl-C stops the run.
#[cfg(not(unix))]
pub fn heed_signals() {
    // That there is a handler already is the only thing that can fail.
    let _ = ctrlc::set_handler(|| match is_stopping() {
        true => {}
        false => stop(2, || false),
    });
}
