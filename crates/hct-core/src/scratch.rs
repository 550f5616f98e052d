//! Room for the values or bytes of a tile, which a thread uses again for the next: taking fresh zeros for
//! each takes as long as a tenth of decoding it.

use std::cell::Cell;
#[cfg(feature = "encode")]
use std::mem::take;
#[cfg(feature = "encode")]
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Rooms that a thread keeps at most of a kind: what each may hold, and how many.
type Kept = (usize, usize);

/// Of values: 4 MiB each, a tile of the size that encoders make; decoding and comparing take that many at a time.
const VALUES_KEPT: Kept = (1 << 20, 3);
/// Of bytes: the same.
#[cfg(feature = "encode")]
const BYTES_KEPT: Kept = (1 << 22, 3);
/// Of words: 17 MB, the decisions of the search in such a tile with 256 states, in sixteen of its 32 lanes at a time;
/// 4 MB with 64.
#[cfg(feature = "encode")]
const WORDS_KEPT: Kept = (257 << 15, 1);
/// Of numbers of 32 bits: 34 MB, the decisions of the search with 512 states in the largest planes of eight lanes; half of
/// it in eight of the 32 lanes of a tile.
#[cfg(all(feature = "encode", target_arch = "x86_64"))]
const NUMBERS_KEPT: Kept = (1 << 23, 1);

thread_local! {
    static VALUES: Cell<Vec<Vec<f32>>> = const { Cell::new(Vec::new()) };
    #[cfg(all(feature = "encode", target_arch = "x86_64"))]
    static NUMBERS: Cell<Vec<Vec<u32>>> = const { Cell::new(Vec::new()) };
    #[cfg(feature = "encode")]
    static WORDS: Cell<Vec<Vec<u16>>> = const { Cell::new(Vec::new()) };
    #[cfg(feature = "encode")]
    static BYTES: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with room for `n` values. What they are is undefined: `f` must write all that it reads.
pub(crate) fn with_values<R>(n: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&VALUES, VALUES_KEPT, n, f)
}

/// The same with bytes.
#[cfg(feature = "encode")]
pub(crate) fn with_bytes<R>(n: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    with(&BYTES, BYTES_KEPT, n, f)
}

/// The same with numbers of 32 bits.
#[cfg(all(feature = "encode", target_arch = "x86_64"))]
pub(crate) fn with_numbers<R>(n: usize, f: impl FnOnce(&mut [u32]) -> R) -> R {
    with(&NUMBERS, NUMBERS_KEPT, n, f)
}

/// Room for words, for as long as it is held. What they are is undefined.
#[cfg(feature = "encode")]
pub(crate) struct WordRoom {
    room: Vec<u16>,
    n: usize,
}

#[cfg(feature = "encode")]
impl WordRoom {
    pub fn new(n: usize) -> Self {
        let room = taken(&WORDS, n);
        WordRoom { room, n }
    }
}

#[cfg(feature = "encode")]
impl Deref for WordRoom {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        &self.room[..self.n]
    }
}

#[cfg(feature = "encode")]
impl DerefMut for WordRoom {
    fn deref_mut(&mut self) -> &mut [u16] {
        &mut self.room[..self.n]
    }
}

#[cfg(feature = "encode")]
impl Drop for WordRoom {
    fn drop(&mut self) {
        keep(&WORDS, WORDS_KEPT, take(&mut self.room));
    }
}

fn with<T: Copy + Default, R>(
    rooms: &'static LocalKey<Cell<Vec<Vec<T>>>>,
    kept: Kept,
    n: usize,
    f: impl FnOnce(&mut [T]) -> R,
) -> R {
    // A call within `f` takes another.
    let mut items = taken(rooms, n);
    let result = f(&mut items[..n]);
    keep(rooms, kept, items);
    result
}

/// A room of at least `n`.
fn taken<T: Copy + Default>(rooms: &'static LocalKey<Cell<Vec<Vec<T>>>>, n: usize) -> Vec<T> {
    let mut free = rooms.take();
    let mut items = free.pop().unwrap_or_default();
    rooms.set(free);
    if items.len() < n {
        items = vec![T::default(); n];
    }
    items
}

/// Keeps a room for the next, if it is not too large.
fn keep<T>(rooms: &'static LocalKey<Cell<Vec<Vec<T>>>>, (most, count): Kept, items: Vec<T>) {
    let mut free = rooms.take();
    if items.len() <= most && free.len() < count {
        free.push(items);
    }
    rooms.set(free);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_used_again_but_never_shared() {
        with_values(1000, |outer| {
            outer.fill(1.0);
            with_values(1000, |inner| {
                assert_ne!(inner.as_ptr(), outer.as_ptr());
                inner.fill(2.0);
            });
            assert!(outer.iter().all(|&v| v == 1.0));
        });
        let kept = with_values(1000, |values| values.as_ptr());
        assert_eq!(with_values(500, |values| values.as_ptr()), kept);
        let large = with_values(VALUES_KEPT.0 + 1, |values| values.len());
        assert_eq!(large, VALUES_KEPT.0 + 1);
        assert!(VALUES.take().iter().all(|room| room.len() <= VALUES_KEPT.0));
    }
}
