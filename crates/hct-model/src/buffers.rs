//! Memory that is used again: fresh memory costs a page fault per 4 KiB, and with them as much time as
//! decoding into it.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use hct_core::BAND_BYTES;

/// Lengths of buffers: from where memory comes from the operating system anew each time, to twice a band, so
/// that a file that promises more than it has cannot ask for much.
const LENGTHS: RangeInclusive<usize> = 1 << 20..=2 * BAND_BYTES as usize;

/// Buffers that nobody uses at the moment.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Whether buffers of `len` bytes are kept.
    pub fn are_for(&self, len: usize) -> bool {
        LENGTHS.contains(&len)
    }

    /// One of `len` bytes, whatever they are.
    pub fn take(&self, len: usize) -> Vec<u8> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fit = free.iter().position(|buffer| buffer.capacity() >= len);
        let found = fit.map(|i| free.swap_remove(i));
        if found.is_none() {
            // One that is too small makes way.
            free.pop();
        }
        drop(free);
        match found {
            Some(mut buffer) => {
                buffer.resize(len, 0);
                buffer
            }
            None => vec![0; len],
        }
    }

    /// Takes one back; what none are kept of is left to the allocator.
    pub fn give(&self, buffer: Vec<u8>) {
        if self.are_for(buffer.capacity()) {
            let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_buffers_come_again_and_never_too_many() {
        let large = *LENGTHS.start();
        let buffers = Buffers::default();
        let free = || buffers.0.lock().unwrap().len();
        let first = buffers.take(2 * large);
        assert!(first.len() == 2 * large && first.iter().all(|&byte| byte == 0));
        let place = first.as_ptr();
        buffers.give(first);
        let again = buffers.take(large + 5);
        assert_eq!((again.as_ptr(), again.len()), (place, large + 5));
        buffers.give(again);
        // One that does not fit makes way for one that does.
        let larger = buffers.take(4 * large);
        assert_eq!((larger.len(), free()), (4 * large, 0));
        buffers.give(larger);
        buffers.give(vec![0; 10]);
        buffers.give(vec![0; LENGTHS.end() + 1]);
        assert_eq!(free(), 1);
    }
}
