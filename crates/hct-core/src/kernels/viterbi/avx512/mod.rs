//! Sixteen lanes a vector, one group of sixteen after the other. Comparisons give a bit a lane, so that a
//! decision is a number of sixteen bits for each state.

mod backward;
mod forward;
mod points;
mod vector;

use super::group::Group;
use super::search::Search;
use crate::scratch::WordRoom;
use backward::backward;
use forward::forward;
pub(super) use vector::WIDE;

/// Most states that this is faster with than eight lanes a vector: the costs of more, before and after a step, are
/// not in the first cache at once, which takes twice as long.
pub(super) const STATES: usize = 256;

/// Quantizes all `values`; the lanes must be a multiple of [`WIDE`], the states no more than [`STATES`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u16; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    debug_assert!(S <= STATES, "no butterflies for {S} states");
    let most = classes.iter().copied().max().map_or(0, usize::from);
    assert!(most < search.rates.classes(), "a class has no rates");
    let steps = values.len().div_ceil(L);
    // The decisions of a step and where the even points of Q1 are best at zero, of all states and one.
    let mut words = WordRoom::new((S + 1) * steps);
    let (zeros, decisions) = words.split_at_mut(steps);
    let (decisions, _) = decisions.as_chunks_mut::<S>();
    for (group, starts) in Group::all(values, classes, starts) {
        let states = match most {
            0 => forward::<S, true>(&group, search, starts, decisions, zeros),
            _ => forward::<S, false>(&group, search, starts, decisions, zeros),
        };
        let out = (&mut *indices, &mut *contexts);
        backward(&group, search, &states, decisions, zeros, out);
    }
}
