//! A size for a checkpoint that no machine codes as a whole: each measures what its part takes at a few
//! errors, and what all measured decides on one.

use std::io;
use std::sync::{Mutex, PoisonError};

use hct_core::{Recipe, TensorRecord};
use hct_strategies::{RatePlan, StrategySpec};
use serde::{Deserialize, Serialize};

use super::checkpoint_part::CheckpointPart;
use super::part::Part;
use crate::checkpoint_source::CheckpointSource;
use crate::encode::{CompressOptions, encode};
use crate::error::Error;
use crate::progress::Progress;
use crate::rates::bits_per;

/// Where sizes are measured, in octaves of the error about that of which the size is expected; two are
/// about a bit a weight. Expectations are met to half a bit on trained models.
const MEASURED_AT: [f64; 3] = [-1.0, 0.0, 1.0];

/// The least slope that says where to measure, in bits an octave: a tenth of the usual.
const STEEP: f64 = 0.05;
/// How far beyond what was measured to try, in octaves.
const STRIDE: f64 = 6.0;

/// What the tensors of a part take at several errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredPart {
    /// The part.
    pub part: Part,
    /// What was asked for, with the size of the whole checkpoint.
    pub spec: StrategySpec,
    /// SHA-256 of the calibration's file, where there was one.
    pub calibration: Option<String>,
    /// Weights of the whole checkpoint.
    pub weights: u64,
    /// Errors, as logarithms to base 2 ([`RatePlan::strategy_at`]), the finest first.
    pub octaves: Vec<f64>,
    /// Bytes of carried files and of the frame of the file.
    pub beside: u64,
    /// The tensors of the part.
    pub tensors: Vec<MeasuredTensor>,
}

/// What a tensor takes at several errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredTensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<u64>,
    /// What coded it, at the middle error.
    pub coded: String,
    /// Bytes of its payload and its record, in the index and in a recovery block, one number an error.
    pub bytes: Vec<u64>,
    /// What its errors are predicted to do to the output, in nats; null where nothing tells.
    pub damage: Option<Vec<f64>>,
    /// Whether the spec counts: others are exact whatever it says.
    pub by_spec: bool,
}

/// How parts are measured: all of a checkpoint alike.
pub struct Measuring<'a> {
    /// What is asked for.
    pub spec: &'a StrategySpec,
    /// How that looks for the size.
    pub plan: &'a RatePlan,
    /// The error to measure about, in octaves, where it is not the one at which the size is expected.
    pub around: Option<f64>,
    /// SHA-256 of the calibration's file, where there is one.
    pub calibration: Option<&'a str>,
    /// What to carry.
    pub options: CompressOptions<'a>,
}

impl Measuring<'_> {
    /// Measures what the tensors of `part` of `source` take. They are coded three times.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn measure(
        &self,
        source: &dyn CheckpointSource,
        part: Part,
        progress: &dyn Progress,
    ) -> Result<MeasuredPart, Error> {
        let weights = source.weights();
        let source = CheckpointPart::new(source, part);
        let limits = self.plan.limits();
        let around = self.around.unwrap_or_else(|| self.plan.start(weights));
        let mut octaves: Vec<f64> = MEASURED_AT
            .iter()
            .map(|apart| (around + apart).clamp(*limits.start(), *limits.end()))
            .collect();
        octaves.dedup();
        let mut tensors: Vec<MeasuredTensor> = Vec::new();
        let mut beside = 0;
        for (pass, &octave) in octaves.iter().enumerate() {
            if pass > 0 {
                progress.restart(pass + 1);
            }
            let coded = Coded {
                progress,
                tensors: Mutex::new(Vec::new()),
            };
            let strategy = self.plan.strategy_at(octave);
            let (_, report) = encode(&source, io::sink(), &*strategy, self.options, &coded)?;
            let coded = coded.tensors.into_inner();
            let coded = coded.unwrap_or_else(PoisonError::into_inner);
            beside = report.output_bytes - coded.iter().map(|t| t.bytes[0]).sum::<u64>();
            match tensors.is_empty() {
                true => tensors = coded,
                false => {
                    for (all, new) in tensors.iter_mut().zip(coded) {
                        all.add(new, pass == MEASURED_AT.len() / 2);
                    }
                }
            }
        }
        Ok(MeasuredPart {
            part,
            spec: self.spec.clone(),
            calibration: self.calibration.map(str::to_owned),
            weights,
            octaves,
            beside,
            tensors,
        })
    }
}

impl MeasuredTensor {
    /// Adds what the next error gave; `middle` says that it is what to name it by.
    fn add(&mut self, new: MeasuredTensor, middle: bool) {
        self.bytes.extend(new.bytes);
        self.damage = match (self.damage.take(), new.damage) {
            (Some(mut all), Some(new)) => {
                all.extend(new);
                Some(all)
            }
            _ => None,
        };
        if middle {
            self.coded = new.coded;
        }
        self.by_spec |= new.by_spec;
    }
}

/// Keeps what became of tensors, in their order.
struct Coded<'a> {
    progress: &'a dyn Progress,
    tensors: Mutex<Vec<MeasuredTensor>>,
}

impl Progress for Coded<'_> {
    fn advance(&self, bytes: u64, tensor: &str) {
        self.progress.advance(bytes, tensor);
    }

    fn coded(&self, record: &TensorRecord, damage: Option<f64>) {
        let (payload, stored) = (record.payload_bytes(), record.stored_bytes());
        let tensor = MeasuredTensor {
            name: record.name.clone(),
            shape: record.shape.clone(),
            coded: record.label.to_string(),
            bytes: vec![stored + (stored - payload)],
            damage: damage.map(|damage| vec![damage]),
            by_spec: damage.is_some() || matches!(record.recipe, Recipe::Fragments { .. }),
        };
        let tensors = self.tensors.lock();
        tensors.unwrap_or_else(PoisonError::into_inner).push(tensor);
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

/// Why measurements are not those of one checkpoint's parts, or decide nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasuredFault {
    /// There are none.
    #[error("there are no measurements; give those of all parts")]
    None,
    /// A file contradicts itself.
    #[error("the measurements of part {part} are damaged: {what}")]
    Damaged {
        /// The part.
        part: Part,
        /// What is wrong.
        what: String,
    },
    /// Two were made by different options or of different checkpoints.
    #[error(
        "part {part} was not measured as part {first} was: {what} differs; measure all parts of one \
         checkpoint with the same options"
    )]
    Differs {
        /// The part.
        part: Part,
        /// The one that it was compared with.
        first: Part,
        /// What the two say differently.
        what: &'static str,
    },
    /// A part is there twice.
    #[error("part {part} is given twice")]
    Twice {
        /// The part.
        part: Part,
    },
    /// A part is missing.
    #[error("{missing} of {of} parts are missing, {first} the first of them; give all")]
    Missing {
        /// The first part that is missing.
        first: Part,
        /// How many are.
        missing: usize,
        /// How many there should be.
        of: usize,
    },
    /// The size is not among those measured.
    #[error(
        "{wanted:.3} bits per weight are not among those measured, {least:.3} to {most:.3}: measure \
         all parts again, with --around {around:.2}"
    )]
    NotMeasured {
        /// Bits per weight that were asked for.
        wanted: f64,
        /// The fewest that were measured.
        least: f64,
        /// The most.
        most: f64,
        /// The error at which they are to be expected, in octaves.
        around: f64,
    },
}

/// What measurements decide on.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// By which all tensors are to be coded.
    pub spec: StrategySpec,
    /// Bytes that the whole file is expected to take.
    pub bytes: u64,
    /// Weights of the checkpoint.
    pub weights: u64,
    /// The tensors, part by part, each with one size and one damage, those expected.
    pub tensors: Vec<MeasuredTensor>,
}

/// Decides by the measurements of all parts of a checkpoint, in any order, at which error the whole file
/// takes so many bits per weight. Between the errors measured, sizes are interpolated.
///
/// # Errors
/// When the measurements are not those of all parts of a checkpoint by the same options, or the size lies
/// beyond all that was measured.
pub fn decide(parts: &[MeasuredPart], bits_per_weight: f64) -> Result<Decided, MeasuredFault> {
    let first = check_parts(parts)?;
    // Only the first part carries side files, and all carry the rest.
    let beside = first.beside;
    let total = |k: usize| -> u64 {
        let tensors = parts.iter().flat_map(|part| &part.tensors);
        tensors.fold(beside, |sum, t| sum.saturating_add(t.bytes[k]))
    };
    let bits: Vec<f64> = (0..first.octaves.len())
        .map(|k| bits_per(total(k), first.weights))
        .collect();
    let between = |pair: &&[f64]| (pair[1]..=pair[0]).contains(&bits_per_weight);
    let Some(k) = bits.windows(2).position(|pair| between(&pair)) else {
        return Err(not_measured(&first.octaves, &bits, bits_per_weight));
    };
    let share = match bits[k] - bits[k + 1] {
        0.0 => 0.0,
        range => (bits[k] - bits_per_weight) / range,
    };
    let mix = |a: f64, b: f64| a + share * (b - a);
    let tensors: Vec<MeasuredTensor> = parts
        .iter()
        .flat_map(|part| &part.tensors)
        .map(|t| MeasuredTensor {
            bytes: vec![mix(t.bytes[k] as f64, t.bytes[k + 1] as f64).round() as u64],
            damage: (t.damage.as_ref()).map(|damage| vec![mix(damage[k], damage[k + 1])]),
            ..t.clone()
        })
        .collect();
    Ok(Decided {
        spec: first.spec.at(mix(first.octaves[k], first.octaves[k + 1])),
        bytes: tensors
            .iter()
            .fold(beside, |sum, t| sum.saturating_add(t.bytes[0])),
        weights: first.weights,
        tensors,
    })
}

/// Says where else to measure: on the line through the outermost sizes, no further than it bears.
fn not_measured(octaves: &[f64], bits: &[f64], wanted: f64) -> MeasuredFault {
    let last = bits.len() - 1;
    let slope = (bits[last] - bits[0]) / (octaves[last] - octaves[0]);
    let nearest = match wanted > bits[0] {
        true => 0,
        false => last,
    };
    let stride = (wanted - bits[nearest]) / slope.min(-STEEP);
    MeasuredFault::NotMeasured {
        wanted,
        least: bits.iter().copied().fold(f64::INFINITY, f64::min),
        most: bits.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        around: octaves[nearest] + stride.clamp(-STRIDE, STRIDE),
    }
}

/// Checks that all parts are there and go together; gives the first.
fn check_parts(parts: &[MeasuredPart]) -> Result<&MeasuredPart, MeasuredFault> {
    let given = parts.first().ok_or(MeasuredFault::None)?;
    let mut there = vec![false; given.part.of()];
    for measured in parts {
        let part = measured.part;
        measured.check()?;
        let differs = [
            (part.of() != given.part.of(), "the number of parts"),
            (measured.spec != given.spec, "what was asked for"),
            (measured.calibration != given.calibration, "the calibration"),
            (measured.weights != given.weights, "the number of weights"),
            (
                measured.octaves != given.octaves,
                "where sizes were measured",
            ),
        ];
        if let Some(&(_, what)) = differs.iter().find(|(differs, _)| *differs) {
            let first = given.part;
            return Err(MeasuredFault::Differs { part, first, what });
        }
        match &mut there[part.number() - 1] {
            true => return Err(MeasuredFault::Twice { part }),
            missing => *missing = true,
        }
    }
    let missing = there.iter().filter(|there| !**there).count();
    let lacks = there.iter().position(|there| !there);
    if let Some(first) = lacks.and_then(|i| Part::new(i + 1, there.len()).ok()) {
        let of = there.len();
        return Err(MeasuredFault::Missing { first, missing, of });
    }
    let with_files = parts.iter().find(|measured| measured.part.is_first());
    with_files.ok_or(MeasuredFault::None)
}

impl MeasuredPart {
    /// Errs where lists are not as long as others say, or numbers are none.
    fn check(&self) -> Result<(), MeasuredFault> {
        let damaged = |what: String| {
            let part = self.part;
            Err(MeasuredFault::Damaged { part, what })
        };
        let errors = self.octaves.len();
        if errors < 2 || !self.octaves.windows(2).all(|pair| pair[0] < pair[1]) {
            return damaged("errors have to be two at least, the finest first".to_owned());
        }
        for t in &self.tensors {
            let damage = t.damage.as_ref().map_or(errors, Vec::len);
            if t.bytes.len() != errors || damage != errors {
                return damaged(format!("tensor {:?} has not {errors} sizes", t.name));
            }
        }
        Ok(())
    }
}
