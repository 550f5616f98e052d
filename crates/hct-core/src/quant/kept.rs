//! Between the values of a sparse tile and the kept ones among them, which are coded one after the
//! other.

use crate::simd::multiversion;

/// Values looked at together: where all are kept, as most runs of a dense tile are, they are copied.
const RUN: usize = 8;

/// How many values a mask keeps.
pub(super) fn count(mask: &[bool]) -> usize {
    // Sums of bytes, short enough for one, are what the compiler adds fastest.
    let few = |run: &[bool]| usize::from(run.iter().map(|&k| u8::from(k)).sum::<u8>());
    mask.chunks(128).map(few).sum()
}

multiversion! {
    /// Puts kept values, the first of `values`, where `mask` keeps them and zeros elsewhere.
    /// `values` has at least one more than the mask keeps.
    pub(super) fn spread(values: &[f32], mask: &[bool], out: &mut [f32]) = spread_body;
}

#[inline(always)]
fn spread_body(values: &[f32], mask: &[bool], out: &mut [f32]) {
    let mut at = 0;
    for (out, mask) in out.chunks_mut(RUN).zip(mask.chunks(RUN)) {
        if mask == [true; RUN] {
            out.copy_from_slice(&values[at..at + RUN]);
            at += RUN;
            continue;
        }
        for (v, &keep) in out.iter_mut().zip(mask) {
            *v = if keep { values[at] } else { 0.0 };
            at += usize::from(keep);
        }
    }
}

/// The values that `mask` keeps.
#[cfg(feature = "encode")]
pub(super) fn gather(values: &[f32], mask: &[bool]) -> Vec<f32> {
    // Dropped values are written too, and then written over: hence one more at the end.
    let kept = count(mask);
    let mut out = vec![0.0; kept + 1];
    let mut at = 0;
    for (values, mask) in values.chunks(RUN).zip(mask.chunks(RUN)) {
        if mask == [true; RUN] {
            out[at..at + RUN].copy_from_slice(values);
            at += RUN;
            continue;
        }
        for (&v, &keep) in values.iter().zip(mask) {
            out[at] = v;
            at += usize::from(keep);
        }
    }
    out.truncate(kept);
    out
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;
    use crate::simd::same_at_every_level;

    #[test]
    fn kept_values_come_back_to_their_places() {
        let noise = |i: usize| f64::from((i as u32).wrapping_mul(2_654_435_761) >> 8);
        for n in [0, 1, 7, 8, 9, 300, 1001] {
            for density in [0.0, 0.1, 0.5, 0.98, 1.0] {
                let keep = |i: &usize| noise(*i + 1) / f64::from(1 << 24) < density;
                let mask: Vec<bool> = (0..n).map(|i| keep(&i)).collect();
                let values: Vec<f32> = (1..=n).map(|i| i as f32).collect();
                let expected: Vec<f32> = (0..n).filter(keep).map(|i| values[i]).collect();
                assert_eq!(count(&mask), expected.len());
                let mut kept = gather(&values, &mask);
                assert_eq!(kept, expected);
                kept.push(f32::NAN);
                let back = same_at_every_level(|| {
                    let mut back = vec![-1.0; n];
                    spread(&kept, &mask, &mut back);
                    back
                });
                let zeroed = |i: usize| if mask[i] { values[i] } else { 0.0 };
                assert!(back.iter().enumerate().all(|(i, &v)| v == zeroed(i)));
            }
        }
    }
}
