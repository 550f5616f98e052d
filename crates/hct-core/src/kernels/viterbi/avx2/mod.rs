//! Eight lanes a vector, one group of eight after the other: each has the costs of its states in
//! registers or the first cache.

mod backward;
mod forward;
mod points;

use super::group::Group;
use super::search::Search;
use crate::kernels::avx2::WIDE;
use crate::scratch;
use backward::backward;
use forward::forward;

/// Quantizes all `values`.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u16; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let most = classes.iter().copied().max().map_or(0, usize::from);
    assert!(most < search.rates.classes(), "a class has no rates");
    let steps = values.len().div_ceil(L);
    let words = S.div_ceil(32);
    let mut zeros = vec![0u8; steps];
    scratch::with_numbers(words * steps * WIDE, |numbers| {
        let (decisions, _) = numbers.as_chunks_mut::<WIDE>();
        for (group, starts) in Group::all(values, classes, starts) {
            let (decided, at_zero) = (&mut *decisions, &mut zeros);
            let states = match most {
                0 => forward::<S, true>(&group, search, starts, decided, at_zero),
                _ => forward::<S, false>(&group, search, starts, decided, at_zero),
            };
            let out = (&mut *indices, &mut *contexts);
            backward::<S>(&group, search, states, decisions, &zeros, out);
        }
    });
}
