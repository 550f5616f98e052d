//! Bringing a file to the disk while it is being written.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes after which what was written is brought to the disk: enough that each time costs little, and few
/// enough that a disk which keeps up has next to nothing left to do at the end.
const STRIDE: u64 = 64 << 20;

/// Bytes that are written at a time. Linux takes memory for its cache in blocks of the size of a write, up to some
/// megabytes, and looks for large ones where it has enough small ones at hand. On a virtual machine that gives free
/// memory back to its host, as large blocks, 4 MiB at a time take up to several times as long as this (docs/DESIGN.md).
const PIECE: usize = 64 << 10;

/// A file of which what has been written is brought to the disk by a thread of its own, since the operating
/// system keeps much of it in memory until it is asked, and the end would wait for all of it. Files of less
/// than [`STRIDE`] have no such thread.
pub struct EarlySync<F> {
    file: F,
    /// The same file, to sync it by.
    handle: Arc<File>,
    /// Bytes written since the thread was last told.
    since: u64,
    thread: Option<Syncing>,
}

impl<F> EarlySync<F> {
    /// `handle` is a handle of the same file.
    pub fn new(file: F, handle: File) -> Self {
        EarlySync {
            file,
            handle: Arc::new(handle),
            since: 0,
            thread: None,
        }
    }

    pub fn get_ref(&self) -> &F {
        &self.file
    }

    /// Makes sure that all of what was written is on the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.handle.sync_all()?;
        // The operating system reports each failure once, and it may have been to the thread.
        self.thread.take().map_or(Ok(()), Syncing::end)
    }

    /// The file, all of which is on the disk.
    pub fn into_synced(mut self) -> io::Result<F> {
        self.sync()?;
        Ok(self.file)
    }

    fn tell(&mut self) -> io::Result<()> {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => none.insert(Syncing::start(Arc::clone(&self.handle))?),
        };
        if thread.tell() {
            return Ok(());
        }
        self.thread.take().map_or(Ok(()), Syncing::end)
    }
}

impl<F: Write> Write for EarlySync<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(&bytes[..bytes.len().min(PIECE)])?;
        self.since += written as u64;
        if self.since >= STRIDE {
            self.since = 0;
            self.tell()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A thread that syncs a file each time it is told to.
struct Syncing {
    /// None once it is to end.
    more: Option<SyncSender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Syncing {
    fn start(file: Arc<File>) -> io::Result<Self> {
        let (more, told) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("hct-sync".into())
            .spawn(move || told.iter().try_for_each(|()| file.sync_data()))?;
        Ok(Syncing {
            more: Some(more),
            thread: Some(thread),
        })
    }

    /// Tells it that there is more; false where it has ended, which it does when syncing fails.
    fn tell(&self) -> bool {
        let sent = self.more.as_ref().map(|more| more.try_send(()));
        // It may have been told and not got there yet.
        !matches!(sent, None | Some(Err(TrySendError::Disconnected(()))))
    }

    /// Waits for it; returns how it failed if it did.
    fn end(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.more = None;
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let panicked = |_| Err(io::Error::other("the thread that syncs has panicked"));
        thread.join().unwrap_or_else(panicked)
    }
}

impl Drop for Syncing {
    /// Of a file that is given up, of which nobody asks any more whether it got to the disk. Its lock lasts
    /// as long as the thread has it.
    fn drop(&mut self) {
        drop(self.join());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_written_is_there_and_failures_are_told() {
        let file = tempfile::tempfile().unwrap();
        let handle = file.try_clone().unwrap();
        let mut early = EarlySync::new(file, handle);
        let piece = vec![7; 1 << 20];
        for _ in 0..=STRIDE >> 20 {
            early.write_all(&piece).unwrap();
        }
        assert!(early.thread.is_some());
        let file = early.into_synced().unwrap();
        assert_eq!(file.metadata().unwrap().len(), STRIDE + (1 << 20));
    }

    #[test]
    fn no_more_than_a_piece_is_written_at_a_time() {
        let file = tempfile::tempfile().unwrap();
        let mut early = EarlySync::new(Vec::new(), file);
        let bytes: Vec<u8> = (0..3 * PIECE + 5).map(|i| (i % 251) as u8).collect();
        assert_eq!(early.write(&bytes).unwrap(), PIECE);
        assert_eq!(early.write(&bytes[..7]).unwrap(), 7);
        early.file.clear();
        early.write_all(&bytes).unwrap();
        assert!(early.get_ref() == &bytes);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_synced_fails_while_it_is_written() {
        // A pipe takes writes, and cannot be synced.
        let (_reader, writer) = io::pipe().unwrap();
        let handle = File::from(std::os::fd::OwnedFd::from(writer));
        let mut early = EarlySync::new(io::sink(), handle);
        let piece = vec![7; 1 << 20];
        // The thread ends the first time it is told, and who tells it again finds that.
        let begun = Instant::now();
        while early.write(&piece).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60));
            thread::yield_now();
        }
        assert!(early.thread.is_none());
    }
}
