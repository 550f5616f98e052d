//! How much memory files may ask for, in this process.

use std::sync::atomic::{AtomicU64, Ordering};

use hct_core::Limits;
use pyo3::prelude::*;

/// Bytes; 0 stands for the defaults.
static MAX_MEMORY: AtomicU64 = AtomicU64::new(0);

/// `--max-memory` of `hct`, for all files that are opened from now on; `None` is the default.
#[pyfunction]
#[pyo3(signature = (size))]
pub fn set_max_memory(size: Option<u64>) {
    MAX_MEMORY.store(size.unwrap_or(0), Ordering::Relaxed);
}

/// The limits to open files within.
pub fn limits() -> Limits {
    match MAX_MEMORY.load(Ordering::Relaxed) {
        0 => Limits::default(),
        size => Limits::with_memory(size),
    }
}
