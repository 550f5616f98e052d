//! Room for the values or bytes of a tile, which a thread uses again for the next: taking fresh zeros for
//! each takes as long as a tenth of decoding it.

use std::cell::Cell;
use std::thread::LocalKey;

/// Values that a thread keeps at most of each: 4 MiB, a tile of the size that encoders make.
const KEPT: usize = 1 << 20;
/// Rooms that a thread keeps at most: decoding and comparing take that many at a time.
const ROOMS: usize = 3;

thread_local! {
    static VALUES: Cell<Vec<Vec<f32>>> = const { Cell::new(Vec::new()) };
    #[cfg(all(feature = "encode", target_arch = "x86_64", hct_avx512))]
    static WORDS: Cell<Vec<Vec<u16>>> = const { Cell::new(Vec::new()) };
    #[cfg(feature = "encode")]
    static BYTES: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with room for `n` values. What they are is undefined: `f` must write all that it reads.
pub(crate) fn with_values<R>(n: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&VALUES, KEPT, n, f)
}

/// The same with bytes.
#[cfg(feature = "encode")]
pub(crate) fn with_bytes<R>(n: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    with(&BYTES, 4 * KEPT, n, f)
}

/// The same with words.
#[cfg(all(feature = "encode", target_arch = "x86_64", hct_avx512))]
pub(crate) fn with_words<R>(n: usize, f: impl FnOnce(&mut [u16]) -> R) -> R {
    with(&WORDS, KEPT, n, f)
}

fn with<T: Copy + Default, R>(
    rooms: &'static LocalKey<Cell<Vec<Vec<T>>>>,
    kept: usize,
    n: usize,
    f: impl FnOnce(&mut [T]) -> R,
) -> R {
    let mut free = rooms.take();
    // A call within `f` takes another.
    let mut items = free.pop().unwrap_or_default();
    rooms.set(free);
    if items.len() < n {
        items = vec![T::default(); n];
    }
    let result = f(&mut items[..n]);
    let mut free = rooms.take();
    if items.len() <= kept && free.len() < ROOMS {
        free.push(items);
    }
    rooms.set(free);
    result
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
        let large = with_values(KEPT + 1, |values| values.len());
        assert_eq!(large, KEPT + 1);
        assert!(VALUES.take().iter().all(|room| room.len() <= KEPT));
    }
}
