//! What the process does with memory that was freed.

/// Keeps freed memory for what is allocated next, instead of giving it back to the system: every
/// operation makes a tensor that the next ones drop, and new pages for each cost a fifth of the time
/// that a model runs. For a program that runs models; the whole process is concerned, which does not
/// need more memory at its peak.
///
/// Does something with glibc only, whose allocator gives back what is large at once.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The most that glibc takes: larger blocks are mapped each on their own in any case.
        const LARGE: libc::c_int = 32 << 20;
        // SAFETY: it sets numbers of the allocator under its own lock, and may be called any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, 2 * LARGE);
        }
    }
}
