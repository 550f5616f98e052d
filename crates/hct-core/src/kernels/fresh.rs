//! Output memory that becomes zeros piece by piece, as it is reached: zeroing all of it first takes
//! as long as a tenth of lossless decoding, since it has left the caches before it is written.

use std::mem::{MaybeUninit, take};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pages;

/// Bytes that are not there yet.
pub(crate) struct Fresh<'a> {
    room: &'a mut [MaybeUninit<u8>],
    /// Bytes handed out so far, of this and of what it was split from.
    reached: &'a AtomicUsize,
}

impl<'a> Fresh<'a> {
    pub fn len(&self) -> usize {
        self.room.len()
    }

    /// The first `n` bytes, and the others.
    pub fn split_at(self, n: usize) -> (Self, Self) {
        let (a, b) = self.room.split_at_mut(n);
        let of = |room| Fresh {
            room,
            reached: self.reached,
        };
        (of(a), of(b))
    }

    /// The next `n` bytes, which are zero.
    pub fn next(&mut self, n: usize) -> &'a mut [u8] {
        let (piece, rest) = take(&mut self.room).split_at_mut(n);
        self.room = rest;
        piece.fill(MaybeUninit::new(0));
        self.reached.fetch_add(n, Ordering::Relaxed);
        // SAFETY: all of it has just been written, and bytes are as long as their `MaybeUninit`.
        unsafe { &mut *(&raw mut *piece as *mut [u8]) }
    }
}

/// Appends to an empty vector the `n` bytes that `fill` reaches, for which there must be room.
///
/// # Errors
/// Those of `fill`.
///
/// # Panics
/// When `fill` succeeds without having reached all.
pub(crate) fn fill<E>(
    out: &mut Vec<u8>,
    n: usize,
    fill: impl FnOnce(Fresh<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let reached = AtomicUsize::new(0);
    out.clear();
    let room = &mut out.spare_capacity_mut()[..n];
    pages::advise(room);
    fill(Fresh {
        room,
        reached: &reached,
    })?;
    assert_eq!(reached.into_inner(), n, "not all of the output was written");
    // SAFETY: pieces do not overlap, since no byte is in two rooms; together they have `n` bytes of
    // a room of `n`, and all of them were written. The capacity is at least `n`.
    unsafe { out.set_len(n) };
    Ok(())
}

/// Output of either kind, filled from front to back.
pub(crate) enum Room<'a> {
    /// Bytes that are there, whatever they are.
    Ready(&'a mut [u8]),
    Fresh(Fresh<'a>),
}

impl<'a> Room<'a> {
    pub fn len(&self) -> usize {
        match self {
            Room::Ready(bytes) => bytes.len(),
            Room::Fresh(fresh) => fresh.len(),
        }
    }

    /// The first `n` bytes, and the others.
    pub fn split_at(self, n: usize) -> (Self, Self) {
        match self {
            Room::Ready(bytes) => {
                let (a, b) = bytes.split_at_mut(n);
                (Room::Ready(a), Room::Ready(b))
            }
            Room::Fresh(fresh) => {
                let (a, b) = fresh.split_at(n);
                (Room::Fresh(a), Room::Fresh(b))
            }
        }
    }

    /// All bytes that are left.
    pub fn all(&mut self) -> &'a mut [u8] {
        self.next(usize::MAX)
    }

    /// The next `n` bytes, or all that are left.
    pub fn next(&mut self, n: usize) -> &'a mut [u8] {
        let n = n.min(self.len());
        match self {
            Room::Ready(bytes) => {
                let (piece, rest) = take(bytes).split_at_mut(n);
                *bytes = rest;
                piece
            }
            Room::Fresh(fresh) => fresh.next(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(n: usize) -> Vec<u8> {
        Vec::with_capacity(n)
    }

    #[test]
    fn pieces_of_all_rooms_make_the_vector() {
        let mut out = room(100);
        let filled: Result<(), ()> = fill(&mut out, 10, |fresh| {
            let (a, b) = fresh.split_at(4);
            let (mut a, mut b) = (Room::Fresh(a), Room::Fresh(b));
            assert_eq!((a.len(), b.len()), (4, 6));
            assert_eq!(b.next(5), [0; 5]);
            b.next(100).fill(7);
            a.next(3)[2] = 5;
            assert_eq!(a.next(2), [0]);
            assert!(a.next(2).is_empty());
            Ok(())
        });
        filled.unwrap();
        assert_eq!(out, [0, 0, 5, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(fill(&mut out, 10, |_| Err("why")), Err("why"));
        assert!(out.is_empty());
    }

    #[test]
    #[should_panic(expected = "not all of the output was written")]
    fn what_was_not_reached_is_not_handed_out() {
        let _: Result<(), ()> = fill(&mut room(10), 10, |mut fresh| {
            fresh.next(9);
            Ok(())
        });
    }
}
