//! Everything that is compared: one small file each, behind one trait.

mod block_format;
mod coded_matrix;
mod coded_model;
mod coded_symbols;
mod constriction;
mod pair;
mod pco;
mod rans;
mod rate;
mod strategy;
mod weights;
mod zstd;

pub use block_format::BlockFormat;
pub use coded_matrix::CodedMatrix;
pub use coded_model::CodedModel;
pub use constriction::{Ans, Range};
pub use pair::{Alone, OnBase, XorZstd};
pub use pco::Pco;
pub use rans::Rans;
pub use rate::AtRate;
pub use strategy::Ours;
pub use weights::{
    AtStep, ByteSplit, CandleBlocks, CodedWeights, Exact, Lz4, Numbers, Uniform, ZstdBytes,
};
pub use zstd::Zstd;

use std::time::{Duration, Instant};

use anyhow::Result;
use hct_strategies::Preset;

/// What can be coded: a model, one matrix, a run of integers.
pub trait Subject {
    /// What coding makes of it.
    type Coded<'s>
    where
        Self: 's;
    /// What decoding makes of that.
    type Decoded<'c>;
}

/// What is compared with others on subjects of a kind.
pub trait Contestant<S: Subject>: Sync {
    /// What tables call it.
    fn label(&self) -> Label;

    /// Codes `subject`; tables and models that it needs are made within.
    fn encode<'s>(&self, subject: &'s S) -> Result<S::Coded<'s>>;

    /// Gives back what [`Contestant::encode`] coded, or what is near it. `subject` is what it was
    /// made from, for coders that leave sending their tables to the user.
    fn decode<'c>(&self, coded: &'c S::Coded<'_>, subject: &S) -> Result<S::Decoded<'c>>;
}

/// A contestant's name in tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The strategy, format or coder.
    pub name: String,
    /// Which version of it, where there are two.
    pub preset: Option<Preset>,
    /// Its settings.
    pub setting: String,
}

impl Label {
    /// A name without settings.
    pub fn of(name: &str) -> Label {
        Label {
            name: name.into(),
            preset: None,
            setting: String::new(),
        }
    }

    /// The preset as tables call it; empty without one.
    pub fn preset(&self) -> &'static str {
        match self.preset {
            Some(Preset::Classic) => "classic",
            Some(Preset::Viable) => "viable",
            Some(_) => "unknown",
            None => "",
        }
    }
}

/// How long coding and decoding take, each the shortest of some runs.
pub struct Times {
    pub encode: Duration,
    pub decode: Duration,
}

/// Codes and decodes `subject` so many times. `look` sees what came of each run.
pub fn fastest<S: Subject>(
    contestant: &dyn Contestant<S>,
    subject: &S,
    runs: usize,
    mut look: impl FnMut(&S::Coded<'_>, &S::Decoded<'_>) -> Result<()>,
) -> Result<Times> {
    let mut times = Times {
        encode: Duration::MAX,
        decode: Duration::MAX,
    };
    for _ in 0..runs {
        let start = Instant::now();
        let coded = contestant.encode(subject)?;
        times.encode = times.encode.min(start.elapsed());
        let start = Instant::now();
        let decoded = contestant.decode(&coded, subject)?;
        times.decode = times.decode.min(start.elapsed());
        look(&coded, &decoded)?;
    }
    Ok(times)
}
