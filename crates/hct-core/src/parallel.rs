//! Running independent pieces side by side, when the `rayon` feature is on. Results come in
//! order either way, so that the thread count cannot change a byte.

/// `f(0), …, f(n − 1)`.
#[cfg(all(feature = "encode", feature = "rayon"))]
pub(crate) fn map<T: Send>(n: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    use rayon::prelude::*;
    (0..n).into_par_iter().map(f).collect()
}

/// `f(0), …, f(n − 1)`.
#[cfg(all(feature = "encode", not(feature = "rayon")))]
pub(crate) fn map<T>(n: usize, f: impl Fn(usize) -> T) -> Vec<T> {
    (0..n).map(f).collect()
}

/// The payloads `f(0), …, f(n − 1)` of tiles, in no more memory than they take: they are held until the
/// tensor is written.
#[cfg(feature = "encode")]
pub(crate) fn payloads(n: usize, f: impl Fn(usize) -> Vec<u8> + Sync + Send) -> Vec<Vec<u8>> {
    map(n, |i| {
        let mut payload = f(i);
        payload.shrink_to_fit();
        payload
    })
}

/// Applies `f` to every item.
#[cfg(feature = "rayon")]
pub(crate) fn for_each<T: Send, E: Send>(
    items: Vec<T>,
    f: impl Fn(T) -> Result<(), E> + Sync + Send,
) -> Result<(), E> {
    use rayon::prelude::*;
    items.into_par_iter().try_for_each(f)
}

/// Applies `f` to every item.
#[cfg(not(feature = "rayon"))]
pub(crate) fn for_each<T, E>(items: Vec<T>, f: impl Fn(T) -> Result<(), E>) -> Result<(), E> {
    items.into_iter().try_for_each(f)
}
