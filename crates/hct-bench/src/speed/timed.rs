//! Timing of what takes too little time to be timed once.

use std::time::Instant;

use anyhow::Result;

/// What takes less is repeated: clocks and caches show less in the mean of some passes.
const LEAST_SECONDS: f64 = 0.1;
/// What takes longer is not done twice.
const MOST_SECONDS: f64 = 1.0;

/// Mean seconds of some passes, and what the last one gave. One pass before them does not count, unless it takes
/// long: memory that the process gave back while others had their turns costs more than coding when it is had again.
pub fn timed<T>(mut pass: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let mut once = || {
        let start = Instant::now();
        let result = pass()?;
        // Dropping the result is not timed.
        Ok::<_, anyhow::Error>((start.elapsed().as_secs_f64(), result))
    };
    let (first, result) = once()?;
    if first >= MOST_SECONDS {
        return Ok((first, result));
    }
    drop(result);
    let mut seconds = 0.0;
    let mut passes = 0;
    loop {
        let (taken, result) = once()?;
        seconds += taken;
        passes += 1;
        if seconds >= LEAST_SECONDS {
            return Ok((seconds / f64::from(passes), result));
        }
    }
}
