//! What the process does with memory that was freed.

/// Gives freed memory back to the system. Coding a tensor leaves many small blocks free between others, and
/// glibc's allocator keeps the pages of all that is not at the end of an arena: over a large checkpoint
/// that came to half a gigabyte.
///
/// Does something with glibc only.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it works under the allocator's own locks, and may be called any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
