//! Who takes part in the strategy table, under which settings.

use hct_model::TensorSource;
use hct_strategies::{
    AdaptiveEncoder, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, MixedPrecisionEncoder, MlpOnlyEncoder, Preset, Quality, RdoEncoder, SvdEncoder,
    UniformEncoder,
};
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
    let encoder = ImportanceEncoder::new(RETENTION, ImportanceMap::by_role());
    Ours::new(
        format!("base cosine {base:.6}"),
        encoder.quality(Quality::Cosine(base)),
    )
    .of_preset(Preset::Viable)
}

/// `svd` at a cosine.
pub fn svd(cosine: f64) -> Ours {
    let encoder = SvdEncoder::new(RANK).quality(Quality::Cosine(cosine));
    Ours::new(format!("rank ≤ {RANK}, {}", at(cosine)), encoder).of_preset(Preset::Viable)
}

/// `mixed` with a share of the kept coefficients in FP16.
pub fn mixed(retention: f64, ratio: f64, preset: Preset) -> Ours {
    let encoder = MixedPrecisionEncoder::new(retention, ratio).preset(preset);
    let setting = format!("retention {retention:.2}, FP16 {ratio}");
    Ours::new(setting, encoder).of_preset(preset)
}

/// `adaptive` at a target.
pub fn adaptive(target: f64, preset: Preset) -> Ours {
    let encoder = AdaptiveEncoder::new(target).preset(preset);
    Ours::new(adaptive_setting(target, preset), encoder).of_preset(preset)
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
    Ours::new(at(cosine), RdoEncoder::new(Quality::Cosine(cosine)))
}

fn at(cosine: f64) -> String {
    format!("cosine {}", cells::cosine(cosine).trim_end_matches('0'))
}

fn stacks(model: &Model) -> LayerStacks {
    LayerStacks::of(model.checkpoint.tensors().iter().map(|t| t.name.as_str()))
}

/// All rows but the reference and viable `importance`, whose settings are found by measuring, in
/// the order of the table. `cosine` is the reference's.
pub fn entrants(model: &Model, cosine: f64) -> Vec<Entrant> {
    let classic = Preset::Classic;
    let quality = Quality::Cosine(cosine);
    let every = |contestant, cosine| Entrant {
        contestant,
        aim: Aim::Every(cosine),
    };
    let svd_classic = |rank: usize| {
        let encoder = SvdEncoder::new(rank).preset(classic);
        Entrant::classic(Ours::new(format!("rank {rank}"), encoder))
    };
    vec![
        Entrant::classic(Ours::new(
            format!("retention {RETENTION:.2}"),
            UniformEncoder::new(RETENTION).preset(classic),
        )),
        Entrant::classic(adaptive(TARGET, classic)),
        Entrant::viable(adaptive(cosine, Preset::Viable)),
        every(adaptive(TARGET, Preset::Viable), TARGET),
        svd_classic(64),
        svd_classic(256),
        Entrant::viable(svd(cosine)),
        Entrant::classic(Ours::new(
            format!("rank 64, retention {RETENTION:.2}"),
            HybridEncoder::new(64, RETENTION).preset(classic),
        )),
        Entrant::viable(Ours::new(
            format!("rank ≤ {RANK}, {}", at(cosine)),
            HybridEncoder::new(RANK, RETENTION).quality(quality),
        )),
        Entrant::classic(mixed(0.70, 0.1, classic)),
        Entrant::viable(mixed(RETENTION, VIABLE_FP16, Preset::Viable)),
        Entrant::classic(Ours::new(
            "retention 0.70".into(),
            ImportanceEncoder::new(0.70, ImportanceMap::by_role()).preset(classic),
        )),
        Entrant::classic(Ours::new(
            format!("retention {RETENTION:.2}"),
            MlpOnlyEncoder::new(RETENTION).preset(classic),
        )),
        Entrant::viable(Ours::new(
            at(cosine),
            MlpOnlyEncoder::new(RETENTION).quality(quality),
        )),
        Entrant::classic(Ours::new(
            "retention 0.70".into(),
            HybridLayersEncoder::new(0.70, stacks(model)).preset(classic),
        )),
        Entrant::viable(Ours::new(
            at(cosine),
            HybridLayersEncoder::new(RETENTION, stacks(model)).quality(quality),
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
