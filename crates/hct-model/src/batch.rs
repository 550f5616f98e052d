//! Grouping tensors for parallel work in bounded memory.

use std::mem::take;
use std::ops::Range;

use rayon::prelude::*;

use crate::error::Error;
use crate::progress::Progress;

/// Most uncompressed bytes of a group; a larger tensor is a group of its own and is coded tile by
/// tile in parallel.
pub(crate) const BATCH_BYTES: u64 = 64 << 20;
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

/// What `work` gives for each of the items of these sizes, a few at a time.
pub(crate) fn in_batches<T: Send>(
    sizes: &[u64],
    progress: &dyn Progress,
    work: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let mut out = Vec::with_capacity(sizes.len());
    let work_all = |batch: Range<usize>| batch.into_par_iter().map(&work).collect();
    let keep = |_, item| {
        out.push(item);
        Ok(())
    };
    overlapped(sizes, batches(sizes), progress, work_all, keep)?;
    Ok(out)
}

/// Makes batches of items of these sizes one after the other, and while one is made takes what was made of the
/// one before, item by item and in order, so that of several errors the first item's is given, not the fastest
/// thread's. Not while that is of more than [`BATCH_BYTES`], lest memory hold two of the largest tensors. What
/// `make` gives is of the first items of its batch: of all of them, or of some with one that failed, behind which no
/// batch is made any more. That an item cannot be taken is seen when the batch behind it has been made.
pub(crate) fn overlapped<T: Send>(
    sizes: &[u64],
    batches: Vec<Range<usize>>,
    progress: &dyn Progress,
    make: impl Fn(Range<usize>) -> Vec<Result<T, Error>> + Sync,
    mut take_one: impl FnMut(usize, T) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let mut take_all = |(batch, made): (Range<usize>, Vec<Result<T, Error>>)| {
        debug_assert!(made.len() == batch.len() || made.iter().any(Result::is_err));
        let mut items = batch.zip(made);
        items.try_for_each(|(i, item)| take_one(i, item?))
    };
    let mut before = (0..0, Vec::new());
    for batch in batches {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let (last, next) = (take(&mut before), batch.clone());
        let (taken, made) = rayon::join(|| take_all(last), || make(next));
        taken?;
        let large = sizes[batch.clone()].iter().sum::<u64>() > BATCH_BYTES;
        let failed = made.iter().any(Result::is_err);
        before = (batch, made);
        if large || failed {
            take_all(take(&mut before))?;
        }
    }
    take_all(before)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What becomes of six items in three batches, of which one is not made or not taken; and the batches that
    /// were begun.
    fn overlapping(sizes: &[u64], unmade: usize, untaken: usize) -> (Vec<usize>, Vec<usize>, bool) {
        let begun = Mutex::new(Vec::new());
        let mut taken = Vec::new();
        let done = overlapped(
            sizes,
            vec![0..2, 2..4, 4..6],
            &(),
            |batch| {
                begun.lock().unwrap().push(batch.start);
                let items = batch.map(|i| match i == unmade {
                    true => Err(Error::Cancelled),
                    false => Ok(10 * i),
                });
                items.collect()
            },
            |i, item| {
                assert_eq!(item, 10 * i);
                if i == untaken {
                    return Err(Error::Cancelled);
                }
                taken.push(i);
                Ok(())
            },
        );
        (taken, begun.into_inner().unwrap(), done.is_ok())
    }

    #[test]
    fn batches_are_taken_in_order_and_none_is_made_behind_a_failure() {
        let (small, large) = ([1; 6], [BATCH_BYTES; 6]);
        let all = (vec![0, 1, 2, 3, 4, 5], vec![0, 2, 4], true);
        assert_eq!(overlapping(&small, 9, 9), all);
        assert_eq!(overlapping(&large, 9, 9), all);
        // What was made before it is taken.
        let unmade = (vec![0, 1, 2], vec![0, 2], false);
        assert_eq!(overlapping(&small, 3, 9), unmade);
        assert_eq!(overlapping(&large, 3, 9), unmade);
        // The second batch is made while the first is taken, unless that is large.
        assert_eq!(overlapping(&small, 9, 1), (vec![0], vec![0, 2], false));
        assert_eq!(overlapping(&large, 9, 1), (vec![0], vec![0], false));
    }

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
