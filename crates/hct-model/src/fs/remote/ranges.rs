//! Which requests fetch some ranges.

use std::ops::Range;

/// Bytes between two ranges are fetched along with them where they are less than this part of theirs:
/// one request is less than two, and next to nothing is read in vain.
const GAP_PART: u64 = 128;
/// Bytes of a request at most; a longer range is cut, so that several run beside each other and one
/// that breaks off is not dear. A request may take 30 seconds, by object_store's default: this much does
/// at 140 kB/s.
pub(super) const MOST: u64 = 4 << 20;

/// Ranges that hold all of `ranges`, in order and apart.
pub(super) fn joined(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|r| !r.is_empty()).cloned().collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut out: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match out.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(allowed(last, &range)) => {
                last.end = last.end.max(range.end);
            }
            _ => out.push(range),
        }
    }
    out
}

/// The largest gap between two ranges that are joined.
fn allowed(a: &Range<u64>, b: &Range<u64>) -> u64 {
    let len = |range: &Range<u64>| range.end - range.start;
    len(a).saturating_add(len(b)) / GAP_PART
}

/// Pieces of a range, each as long as a request may be.
pub(super) fn pieces(range: &Range<u64>) -> Vec<Range<u64>> {
    let starts = (range.start..range.end).step_by(MOST as usize);
    starts
        .map(|start| start..range.end.min(start.saturating_add(MOST)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_joined_and_what_is_long_is_cut() {
        let ranges = [9000..9009, 5..10, 10..200, 201..300, 310..320, 7..8, 4..4];
        assert_eq!(joined(&ranges), [5..300, 310..320, 9000..9009]);
        assert_eq!(joined(&[]), []);
        assert_eq!(pieces(&(1..2)), vec![1..2; 1]);
        assert_eq!(pieces(&(1..MOST + 3)), [1..MOST + 1, MOST + 1..MOST + 3]);
    }
}
