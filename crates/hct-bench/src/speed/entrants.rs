//! Everything whose speed is compared.

use candle_core::quantized::GgmlDType;
use hct_core::{DEFAULT_TILE, Dtype};
use hct_strategies::{Effort, StrategyName, StrategySpec};

use crate::contestant::{
    AtStep, ByteSplit, CandleBlocks, Contestant, Exact, Lz4, Numbers, Ours, Uniform, ZstdBytes,
};
use crate::weights::Weights;

/// The coder that others are compared with.
pub const BASELINE: &str = "zstd −3";
/// The types that weights come in.
pub const DTYPES: [Dtype; 3] = [Dtype::BF16, Dtype::F16, Dtype::F32];

/// Step of the trellis that gives about 2.9 bits per weight, at a cosine near 0.991.
pub const TRELLIS_STEP: f32 = 0.0055;
/// The trellis of default effort at that step.
pub const TRELLIS: AtStep = AtStep {
    states: 64,
    tile: DEFAULT_TILE,
    step: TRELLIS_STEP,
};
/// Step of scalar quantization at about the same quality.
const SCALAR_STEP: f32 = 0.0046;
/// Tiles for decoders of many threads, such as those of a GPU: thousands of them in a matrix.
const SMALLER_TILES: [usize; 3] = [1 << 16, 1 << 14, 1 << 12];
/// What `rdo` aims for: about 3.3 bits per weight.
const COSINE: f64 = 0.995;
const RETENTION: f64 = 0.98;

/// A coder and what it codes.
pub struct Entrant {
    /// What it is called.
    pub name: String,
    /// The type of the weights.
    pub dtype: Dtype,
    /// Ours, which runs at every SIMD level and on any number of threads.
    pub ours: bool,
    /// Every bit comes back.
    pub exact: bool,
    /// The coder.
    pub contestant: Box<dyn Contestant<Weights>>,
}

/// The coders of our SIMD levels and of other crates, in the order of the tables.
pub fn entrants() -> Vec<Entrant> {
    let mut all = Vec::new();
    let mut add = |ours, exact, dtype, contestant: Box<dyn Contestant<Weights>>| {
        all.push(Entrant {
            name: contestant.label().name,
            dtype,
            ours,
            exact,
            contestant,
        });
    };
    let mut at_step = |states, tile| {
        let step = match states {
            1 => SCALAR_STEP,
            _ => TRELLIS_STEP,
        };
        let coder = AtStep { states, tile, step };
        add(true, false, Dtype::BF16, Box::new(coder));
    };
    for states in [8, 1, 4, 16, 32, 64, 128, 256, 512] {
        at_step(states, DEFAULT_TILE);
    }
    for tile in SMALLER_TILES {
        at_step(64, tile);
    }
    for (effort, setting) in [
        (Effort::Default, format!("at a cosine of {COSINE}")),
        (
            Effort::Fast,
            format!("at a cosine of {COSINE}, effort fast"),
        ),
    ] {
        let spec = StrategySpec::builder(StrategyName::Rdo);
        let spec = spec.cosine(COSINE).effort(effort);
        let ours = Ours::specified(setting, spec);
        add(true, false, Dtype::BF16, Box::new(ours));
    }
    add(true, false, Dtype::BF16, Box::new(Uniform(RETENTION)));
    for dtype in DTYPES {
        add(true, true, dtype, Box::new(Exact));
        add(false, true, dtype, Box::new(ZstdBytes(3)));
        if dtype == Dtype::BF16 {
            add(false, true, dtype, Box::new(ZstdBytes(1)));
            add(false, true, dtype, Box::new(ZstdBytes(9)));
            add(false, true, dtype, Box::new(Lz4));
        }
        add(false, true, dtype, Box::new(ByteSplit));
        add(false, true, dtype, Box::new(Numbers));
    }
    let formats = [
        ("Q8_0", GgmlDType::Q8_0),
        ("Q4_K", GgmlDType::Q4K),
        ("Q4_0", GgmlDType::Q4_0),
    ];
    for (name, format) in formats {
        add(
            false,
            false,
            Dtype::BF16,
            Box::new(CandleBlocks { name, format }),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_tell_entrants_apart_and_every_type_has_its_baseline() {
        let all = entrants();
        let keys: HashSet<(&str, &str)> = all
            .iter()
            .map(|e| (e.name.as_str(), e.dtype.name()))
            .collect();
        assert_eq!(keys.len(), all.len());
        for dtype in DTYPES {
            assert!(keys.contains(&(BASELINE, dtype.name())));
        }
    }

    #[test]
    fn all_of_them_give_back_what_they_should() {
        for entrant in entrants() {
            let weights = Weights::gaussian(8, 1024, entrant.dtype).unwrap();
            let coded = entrant.contestant.encode(&weights).unwrap();
            let decoded = entrant.contestant.decode(&coded, &weights).unwrap();
            assert_eq!(weights.same(&decoded), entrant.exact, "{}", entrant.name);
            let (rel_mse, _) = weights.compare(&decoded).unwrap();
            assert!(rel_mse < 0.025, "{}: {rel_mse}", entrant.name);
        }
    }
}
