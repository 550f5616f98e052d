//! Timing of what takes too little time to be timed once.

use std::time::Instant;

use anyhow::Result;

/// What takes less is repeated: clocks and caches show less in the mean of some passes.
const LEAST_SECONDS: f64 = 0.1;

/// Mean seconds of some passes, and what the last one gave.
pub fn timed<T>(mut pass: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let mut seconds = 0.0;
    let mut passes = 0;
    loop {
        let start = Instant::now();
        let result = pass()?;
        seconds += start.elapsed().as_secs_f64();
        passes += 1;
        // Dropping the result is not timed.
        if seconds >= LEAST_SECONDS {
            return Ok((seconds / f64::from(passes), result));
        }
    }
}
