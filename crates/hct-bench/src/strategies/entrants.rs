//! Who takes part in the strategy table, under which settings.

use hct_model::TensorSource;
use hct_strategies::{Preset, SpecBuilder, StrategyName, StrategySpec};
use serde::{Deserialize, Serialize};

use crate::contestant::Ours;
use crate::model::Model;
use crate::text::cells;

/// Retention of the reference row, and of the schemes that come without one of their own.
pub const RETENTION: f64 = 0.98;
/// Share of FP16 that pays for what INT4 leaves worst.
pub const VIABLE_FP16: f64 = 0.002;
/// Target of the adaptive scheme as first described.
pub const TARGET: f64 = 0.99;
/// Most components of the viable presets with factors.
pub const RANK: usize = 256;
/// Target of `rdo` that other tables refer to.
pub const RDO_TARGETS: [f64; 2] = [0.991, 0.995];

/// What a row is after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// It is what the others are judged by.
    Reference,
    /// The cosine of the reference.
    Equal,
    /// The scheme as first described.
    AsDescribed,
    /// A cosine of every tensor.
    Every(f64),
    /// Every bit.
    Lossless,
}

/// A contestant and what it is after.
pub struct Entrant {
    /// Strategy and settings.
    pub contestant: Ours,
    /// What for.
    pub aim: Aim,
}

impl Entrant {
    fn classic(contestant: Ours) -> Self {
        Entrant {
            contestant: contestant.of_preset(Preset::Classic),
            aim: Aim::AsDescribed,
        }
    }

    fn viable(contestant: Ours) -> Self {
        Entrant {
            contestant: contestant.of_preset(Preset::Viable),
            aim: Aim::Equal,
        }
    }
}

/// The reference: viable `uniform`.
pub fn uniform(retention: f64) -> Ours {
    Ours::uniform(retention).of_preset(Preset::Viable)
}

/// `importance` with a base quality.
pub fn importance(base: f64) -> Ours {
    let spec = of(StrategyName::Importance).cosine(base);
    Ours::specified(format!("base cosine {base:.6}"), spec).of_preset(Preset::Viable)
}

/// `svd` at a cosine.
pub fn svd(cosine: f64) -> Ours {
    let spec = of(StrategyName::Svd).rank(RANK).cosine(cosine);
    Ours::specified(format!("rank ≤ {RANK}, {}", at(cosine)), spec).of_preset(Preset::Viable)
}

/// `mixed` with a share of the kept coefficients in FP16.
pub fn mixed(retention: f64, ratio: f64, preset: Preset) -> Ours {
    let spec = of(StrategyName::Mixed)
        .preset(preset)
        .retention(retention)
        .fp16_ratio(ratio);
    let setting = format!("retention {retention:.2}, FP16 {ratio}");
    Ours::specified(setting, spec).of_preset(preset)
}

/// `adaptive` at a target.
pub fn adaptive(target: f64, preset: Preset) -> Ours {
    let spec = of(StrategyName::Adaptive).preset(preset).cosine(target);
    Ours::specified(adaptive_setting(target, preset), spec).of_preset(preset)
}

/// The setting of `adaptive` at a target.
pub fn adaptive_setting(target: f64, preset: Preset) -> String {
    match preset {
        Preset::Classic => format!("energy {target:.2}"),
        _ => at(target),
    }
}

/// `rdo` at a cosine, the setting in the digits of the tables.
pub fn rdo(cosine: f64) -> Ours {
    Ours::specified(at(cosine), of(StrategyName::Rdo).cosine(cosine))
}

fn at(cosine: f64) -> String {
    format!("cosine {}", cells::cosine(cosine).trim_end_matches('0'))
}

fn of(strategy: StrategyName) -> SpecBuilder {
    StrategySpec::builder(strategy)
}

/// All rows but the reference and viable `importance`, whose settings are found by measuring, in
/// the order of the table. `cosine` is the reference's.
pub fn entrants(model: &Model, cosine: f64) -> Vec<Entrant> {
    let classic = Preset::Classic;
    let as_described = |setting: String, spec: SpecBuilder| {
        Entrant::classic(Ours::specified(setting, spec.preset(classic)))
    };
    let hybrid_layers = |setting: String, spec: SpecBuilder| {
        let names = model.checkpoint.tensors().iter().map(|t| t.name.as_str());
        Ours::specified_for(setting, spec, names)
    };
    let every = |contestant, cosine| Entrant {
        contestant,
        aim: Aim::Every(cosine),
    };
    let svd_classic =
        |rank: usize| as_described(format!("rank {rank}"), of(StrategyName::Svd).rank(rank));
    vec![
        as_described(
            format!("retention {RETENTION:.2}"),
            of(StrategyName::Uniform).retention(RETENTION),
        ),
        Entrant::classic(adaptive(TARGET, classic)),
        Entrant::viable(adaptive(cosine, Preset::Viable)),
        every(adaptive(TARGET, Preset::Viable), TARGET),
        svd_classic(64),
        svd_classic(256),
        Entrant::viable(svd(cosine)),
        as_described(
            format!("rank 64, retention {RETENTION:.2}"),
            of(StrategyName::Hybrid).rank(64).retention(RETENTION),
        ),
        Entrant::viable(Ours::specified(
            format!("rank ≤ {RANK}, {}", at(cosine)),
            of(StrategyName::Hybrid).rank(RANK).cosine(cosine),
        )),
        Entrant::classic(mixed(0.70, 0.1, classic)),
        Entrant::viable(mixed(RETENTION, VIABLE_FP16, Preset::Viable)),
        as_described(
            "retention 0.70".into(),
            of(StrategyName::Importance).retention(0.70),
        ),
        as_described(
            format!("retention {RETENTION:.2}"),
            of(StrategyName::MlpOnly).retention(RETENTION),
        ),
        Entrant::viable(Ours::specified(
            at(cosine),
            of(StrategyName::MlpOnly).cosine(cosine),
        )),
        Entrant::classic(hybrid_layers(
            "retention 0.70".into(),
            of(StrategyName::HybridLayers)
                .preset(classic)
                .retention(0.70),
        )),
        Entrant::viable(hybrid_layers(
            at(cosine),
            of(StrategyName::HybridLayers).cosine(cosine),
        )),
        Entrant {
            contestant: rdo(cosine),
            aim: Aim::Equal,
        },
        every(rdo(RDO_TARGETS[0]), RDO_TARGETS[0]),
        every(rdo(RDO_TARGETS[1]), RDO_TARGETS[1]),
        Entrant {
            contestant: Ours::lossless(),
            aim: Aim::Lossless,
        },
    ]
}
