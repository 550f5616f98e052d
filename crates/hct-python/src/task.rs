//! Long work beside Python: progress is told to it, and Ctrl-C stops the work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use hct_model::Progress;
use pyo3::prelude::*;

use crate::errors::Class;

/// How often it is looked whether Ctrl-C was pressed.
const TICK: Duration = Duration::from_millis(50);

/// What work tells of itself.
enum Event {
    /// So many more bytes, the last of them of this tensor.
    Advance(u64, String),
    /// Everything begins again.
    Restart,
}

/// The progress of work on a thread of its own.
pub struct Watch {
    events: Sender<Event>,
    stopped: AtomicBool,
    listens: bool,
}

impl Progress for Watch {
    fn advance(&self, bytes: u64, tensor: &str) {
        if self.listens {
            // Nobody hears it where the call has failed meanwhile.
            let _ = self.events.send(Event::Advance(bytes, tensor.to_owned()));
        }
    }

    fn cancelled(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn restart(&self, _pass: usize) {
        let _ = self.events.send(Event::Restart);
    }
}

/// Does `work` with the GIL released, on `threads` threads (all cores unless given), while this one
/// calls `progress` with the bytes done, `total` and the name of the tensor done last, and waits for
/// Ctrl-C. An exception of `progress` stops the work, too, at the next tensor.
pub fn run<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    total: u64,
    work: impl FnOnce(&Watch) -> PyResult<T> + Send,
) -> PyResult<T> {
    let pool = match threads {
        Some(threads @ 1..=1024) => Some(
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(|error| Class::Hct.error(format!("cannot start threads: {error}")))?,
        ),
        Some(_) => return Err(Class::Option.error("threads: give a number from 1 to 1024")),
        None => None,
    };
    let (events, mut heard) = channel();
    let watch = Watch {
        events,
        stopped: AtomicBool::new(false),
        listens: progress.is_some(),
    };
    let (finished, mut end) = channel::<()>();
    thread::scope(|scope| {
        let watch = &watch;
        let worker = scope.spawn(move || {
            // Dropped when all is done, or has panicked.
            let _finished = finished;
            match pool {
                Some(pool) => pool.install(|| work(watch)),
                None => work(watch),
            }
        });
        let mut done = 0;
        let mut fault = None;
        loop {
            let waited = py.detach(|| {
                let end: &mut Receiver<()> = &mut end;
                end.recv_timeout(TICK)
            });
            let told = match (&fault, progress) {
                (None, Some(progress)) => tell(progress, &mut heard, &mut done, total),
                _ => Ok(()),
            };
            if let Err(error) = told.and_then(|()| py.check_signals()) {
                watch.stopped.store(true, Ordering::Relaxed);
                fault.get_or_insert(error);
            }
            if waited == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        let result = py.detach(|| worker.join());
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match fault {
            Some(fault) => Err(fault),
            None => result,
        }
    })
}

/// Tells what has been heard so far.
fn tell(
    progress: &Bound<'_, PyAny>,
    heard: &mut Receiver<Event>,
    done: &mut u64,
    total: u64,
) -> PyResult<()> {
    for event in heard.try_iter() {
        let tensor = match event {
            Event::Advance(bytes, tensor) => {
                *done += bytes;
                tensor
            }
            Event::Restart => {
                *done = 0;
                String::new()
            }
        };
        progress.call1((*done, total, tensor))?;
    }
    Ok(())
}
