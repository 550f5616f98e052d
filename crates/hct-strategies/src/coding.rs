//! What strategies do that leave the rest to the engine.

use hct_core::Result;

use crate::engine::{Effort, Engine, Goal, Target};
use crate::{Coded, TensorView, svd};

/// Most components of factors of a difference: adapters that were merged have 8 to 64.
const ADAPTER_RANK: usize = 128;
/// Leading components that are looked at to see whether there are such factors.
const ADAPTER_PROBE: usize = 8;
/// A tensor is not coded without its base where estimates say it takes so many times the bytes.
const HOPELESS: f64 = 1.25;

/// Codes `tensor` to `target` by planes, or losslessly where that takes fewer bytes or nothing
/// else gets there; on its base, by factors too, where that takes fewest. `name` is the
/// strategy's.
pub(crate) fn code(
    engine: &Engine,
    tensor: TensorView<'_>,
    target: &Target,
    name: &str,
) -> Result<Coded> {
    let find = |goal: &Goal<'_>| {
        // What training adds to a base is often of low rank, or was made so.
        if goal.start().is_some() && engine.effort != Effort::Fast {
            return svd::cheaper(engine, goal, ADAPTER_RANK, ADAPTER_PROBE);
        }
        engine.fragments(goal)
    };
    let hopeless =
        |goal: &Goal<'_>, bytes: usize| Ok(engine.estimate(goal)? > HOPELESS * bytes as f64);
    engine.choose(tensor, target, name, find, hopeless)
}
