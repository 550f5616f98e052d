//! Facing a damaged file, with an eye on time and memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use hct_core::HctReader;

/// Counts what the current thread holds.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: all work is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `f` in a pool of one thread, so that all it allocates is counted, and both cores serve
/// different tests.
pub fn alone<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f)
}

/// Opens and decodes all of a file, in every way, checks its recovery blocks and its version, and tells whether all of it
/// was accepted.
pub fn face(file: &[u8]) -> bool {
    PEAK.set(LIVE.get());
    let before = LIVE.get();
    let start = Instant::now();
    let accepted = match HctReader::open(file) {
        Ok(reader) => {
            (0..reader.index().tensors.len()).all(|i| {
                let record = &reader.index().tensors[i];
                let rows = record.shape.first().copied().unwrap_or(1);
                let part = reader
                    .tensor(i)
                    .and_then(|t| t.rows(rows / 2..rows)?.decode());
                let _ = reader.sections(i);
                let _ = record.recipe.to_string();
                let all = reader.decode(i);
                if let Ok(all) = &all {
                    assert_eq!(all.len() as u64, record.decoded_bytes());
                    assert!(part.is_err() || all.ends_with(&part.unwrap()));
                    if record.dtype.is_codable() {
                        let mut values = vec![0.0; record.elements() as usize];
                        reader.tensor(i).unwrap().decode_f32(&mut values).unwrap();
                    }
                }
                all.is_ok()
            }) && reader.check_recovery_blocks().is_empty()
                && reader.check_version().is_ok()
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    };
    let taken = PEAK.get() - before;
    let limit = (64 << 20) + 64 * file.len() as isize;
    assert!(taken <= limit, "{taken} bytes for a file of {}", file.len());
    assert!(start.elapsed() < Duration::from_secs(10), "hangs");
    accepted
}
