//! What fine-tunes are coded by.

use hct_strategies::{StrategyName, StrategySpec};

use crate::contestant::{Alone, Contestant, OnBase, Ours, XorZstd};
use crate::pair::Pair;

type Boxed = Box<dyn Contestant<Pair>>;

/// What gives back every bit.
pub fn exact() -> Vec<Boxed> {
    vec![
        Box::new(Alone(Ours::lossless())),
        Box::new(OnBase(Ours::lossless())),
        Box::new(XorZstd { split: false }),
        Box::new(XorZstd { split: true }),
    ]
}

/// What does not; at few settings for a `large` model.
pub fn lossy(large: bool) -> Vec<Boxed> {
    let (deltas, cosines): (&[f64], &[f64]) = match large {
        true => (&[0.9, 0.98], &[0.99, 0.998]),
        false => (&[0.5, 0.8, 0.9, 0.98], &[0.98, 0.99, 0.995, 0.999]),
    };
    let mut all: Vec<Boxed> = Vec::new();
    all.extend(deltas.iter().map(|&c| Box::new(on_base(c)) as Boxed));
    all.extend(cosines.iter().map(|&c| Box::new(alone(c)) as Boxed));
    all
}

/// `rdo` on the base so that differences reach a cosine.
pub fn on_base(delta_cosine: f64) -> OnBase {
    let spec = StrategySpec::builder(StrategyName::Rdo).delta_cosine(delta_cosine);
    let setting = format!("delta cosine {}", short(delta_cosine));
    OnBase(Ours::specified(setting, spec))
}

/// `rdo` by itself at a cosine of the weights.
pub fn alone(cosine: f64) -> Alone {
    let spec = StrategySpec::builder(StrategyName::Rdo).cosine(cosine);
    let setting = format!("cosine {}", short(cosine));
    Alone(Ours::specified(setting, spec))
}

/// Five digits, no zeros at the end.
fn short(value: f64) -> String {
    let text = format!("{value:.5}");
    text.trim_end_matches('0').to_owned()
}
