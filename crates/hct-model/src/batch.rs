//! Grouping tensors for parallel work in bounded memory.

use std::ops::Range;

/// Most uncompressed bytes of a group; a larger tensor is a group of its own and is coded tile by
/// tile in parallel.
const BATCH_BYTES: u64 = 64 << 20;
/// Most tensors of a group.
const BATCH_TENSORS: usize = 64;

/// Runs of consecutive items whose sizes add up to at most [`BATCH_BYTES`].
pub(crate) fn batches(sizes: &[u64]) -> Vec<Range<usize>> {
    runs(sizes, BATCH_BYTES, BATCH_TENSORS)
}

/// Runs of consecutive items: each of at most so many, whose sizes add up to at most `bytes`, or of a
/// single larger one.
pub(crate) fn runs(sizes: &[u64], bytes: u64, items: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut total = 0u64;
    for (i, &size) in sizes.iter().enumerate() {
        let full = total.saturating_add(size) > bytes || i - start >= items;
        if i > start && full {
            out.push(start..i);
            start = i;
            total = 0;
        }
        total = total.saturating_add(size);
    }
    if start < sizes.len() {
        out.push(start..sizes.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_one_batch_in_order() {
        let big = BATCH_BYTES;
        assert_eq!(batches(&[]), Vec::<Range<usize>>::new());
        assert_eq!(batches(&[big + 1, 0]), [0..1, 1..2]);
        assert_eq!(
            batches(&[1, 2, big, 3, big - 3, 1]),
            [0..2, 2..3, 3..5, 5..6]
        );
        assert_eq!(batches(&[0; 100]), [0..64, 64..100]);
    }
}
