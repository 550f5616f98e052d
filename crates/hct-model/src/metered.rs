//! How much of a file is read.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hct_core::ReadAt;

/// A source of bytes that counts those read from it.
pub struct Metered<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: ReadAt> Metered<R> {
    /// The source, and the count of bytes that goes on while it is read.
    pub fn new(source: R) -> (Self, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        let metered = Metered {
            source,
            read: Arc::clone(&read),
        };
        (metered, read)
    }
}

impl<R: ReadAt> ReadAt for Metered<R> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        self.source.read_at(offset, len)
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn expect(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        self.source.expect(ranges)
    }
}
