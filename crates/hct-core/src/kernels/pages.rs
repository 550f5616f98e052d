//! Large pages for large outputs.

use std::mem::MaybeUninit;

/// Bytes of a large page where there are any: on x86-64, and on other CPUs as a rule.
const LARGE: usize = 2 << 20;
/// Outputs of less go without: they are as a rule in memory that was in use before.
const LEAST: usize = 2 * LARGE;
/// Outputs of more go without, too: a virtual machine that gives free memory back to its host gives back
/// whole large pages, and to have 64 of them again took longer than all of 128 MiB in small ones, of which
/// many had stayed (139 and 347 M weights decoded a second there, against 640 and 450 with 32 MiB).
const MOST: usize = 32 * LARGE;

/// Asks the system to put `room` in large pages as it is reached, where it does so on request only (as Linux
/// is mostly set up): it hands out 512 times as many bytes at a time, and each time costs as much as decoding a
/// few hundred weights. Nothing but speed depends on it.
pub(crate) fn advise(room: &mut [MaybeUninit<u8>]) {
    if !(LEAST..=MOST).contains(&room.len()) {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};

        let before = room.as_ptr().align_offset(LARGE).min(room.len());
        let whole = (room.len() - before) / LARGE * LARGE;
        let from = room[before..].as_mut_ptr();
        // SAFETY: the bytes are those of `room`, and how large pages are changes none of them. An error
        // says that there are no large pages.
        let _ = unsafe { madvise(from.cast(), whole, Advice::LinuxHugepage) };
    }
}
