//! What is measured, as kept in `RATE_DISTORTION.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything, by corpus.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Corpora by key.
    pub corpora: BTreeMap<String, CorpusReport>,
}

impl Report {
    /// Keys of the corpora in reading order: the known ones, then the rest by name.
    pub fn keys(&self) -> Vec<&str> {
        const KNOWN: [&str; 4] = ["gaussian", "sample", "minilm", "smollm2"];
        let mut keys: Vec<&str> = self.corpora.keys().map(String::as_str).collect();
        keys.sort_by_key(|key| KNOWN.iter().position(|k| k == key).unwrap_or(KNOWN.len()));
        keys
    }
}

/// One corpus.
#[derive(Clone, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Name for readers.
    pub title: String,
    /// Number of matrices.
    pub matrices: usize,
    /// Their elements.
    pub weights: u64,
    /// Rate against distortion.
    pub curves: Vec<Curve>,
    /// What each part gains.
    pub ablation: Vec<Step>,
    /// `rdo` against the best fixed recipe.
    pub excess: Excess,
    /// What was to be reached.
    pub targets: Vec<Target>,
}

/// A kind of curve; the plot colours by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Uniform V3.
    Uniform,
    /// A quantizer on the values themselves.
    Quantizer,
    /// The default quantizer after a transform.
    Transform,
    /// The strategy `rdo`.
    Rdo,
}

/// Points of one way to code.
#[derive(Clone, Serialize, Deserialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub group: Group,
    /// Its points.
    pub points: Vec<RatePoint>,
}

/// A point of a curve.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct RatePoint {
    /// Bits per weight, everything counted.
    pub bpw: f64,
    /// Relative mean squared error, averaged over weights.
    pub rel_mse: f64,
}

impl RatePoint {
    /// Bits above the Gaussian limit.
    pub fn gap(self) -> f64 {
        self.bpw - shannon(self.rel_mse)
    }
}

/// Shannon's limit for independent Gaussian values.
pub fn shannon(rel_mse: f64) -> f64 {
    -0.5 * libm::log2(rel_mse)
}

/// A row of the ablation.
#[derive(Clone, Serialize, Deserialize)]
pub struct Step {
    /// The question the row belongs to.
    pub part: String,
    /// What is in place.
    pub what: String,
    /// Bits per weight.
    pub bpw: f64,
}

/// How much `rdo` takes above the best single recipe of default effort, matrix by matrix.
#[derive(Clone, Serialize, Deserialize)]
pub struct Excess {
    /// The largest excess, as a fraction.
    pub largest: f64,
    /// The matrix that has it.
    pub tensor: String,
    /// The recipe that is best there.
    pub recipe: String,
    /// Excess over the sum of the best.
    pub overall: f64,
}

/// A number to reach.
#[derive(Clone, Serialize, Deserialize)]
pub struct Target {
    /// What is measured.
    pub what: String,
    /// The bound.
    pub limit: f64,
    /// Whether the bound is the least (true) or the most (false) allowed.
    pub at_least: bool,
    /// What was measured.
    pub measured: f64,
    /// Whether it depends on the machine.
    pub timing: bool,
}

impl Target {
    /// A number that must not exceed `limit`.
    pub fn at_most(what: impl Into<String>, limit: f64, measured: f64) -> Self {
        Target {
            what: what.into(),
            limit,
            at_least: false,
            measured,
            timing: false,
        }
    }

    /// A number that must reach `limit`.
    pub fn at_least(what: impl Into<String>, limit: f64, measured: f64) -> Self {
        Target {
            at_least: true,
            ..Self::at_most(what, limit, measured)
        }
    }

    /// Whether it is reached.
    pub fn met(&self) -> bool {
        if self.at_least {
            self.measured >= self.limit
        } else {
            self.measured <= self.limit
        }
    }
}
