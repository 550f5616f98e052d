//! What coding is made of, measured part by part within a worker.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use hct_core::{
    Dtype, EncodedPlane, HctReader, MatrixView, Preparation, Transform, TrellisAnalysis,
    TrellisSettings,
};
use serde::{Deserialize, Serialize};

use super::entrants::{TRELLIS, TRELLIS_STEP};
use super::timed::timed;
use crate::contestant::{CodedWeights, Contestant, Exact};
use crate::weights::Weights;

/// Values that contexts are learnt from.
const TRAINING: usize = 1 << 18;
/// Steps of the chain that the clock is taken from.
const CHAIN: u64 = 1 << 26;
/// Cycles of one: two shifts and two exclusive ors, each of which waits for the one before.
const CYCLES: f64 = 4.0;

/// A part of coding a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Cycles a second, in the place of seconds.
    Clock,
    /// A trellis file in memory to BF16.
    Decode,
    /// The same to F32, without file, checksums and rounding.
    DecodeValues,
    /// The checksums of such a file.
    DecodeChecksums,
    /// A lossless file in memory to BF16.
    DecodeExact,
    /// The checksums of such a file.
    ExactChecksums,
    /// The scale model and the sample.
    Analyse,
    /// Learning the contexts.
    Train,
    /// Search, entropy coding and comparing with the original at a step, with so many states.
    Encode(usize),
    /// Decoding and comparing with the original, as the search for a step does where values are not coded as they are.
    Compare,
}

impl Stage {
    /// All, the clock first.
    pub const ALL: [Stage; 12] = [
        Stage::Clock,
        Stage::Decode,
        Stage::DecodeValues,
        Stage::DecodeChecksums,
        Stage::DecodeExact,
        Stage::ExactChecksums,
        Stage::Analyse,
        Stage::Train,
        Stage::Encode(1),
        Stage::Encode(8),
        Stage::Encode(64),
        Stage::Compare,
    ];

    /// Does it, on Gaussian weights: seconds.
    pub fn measure(self, weights: &Weights) -> Result<f64> {
        let matrix = weights.matrix().matrix()?;
        Ok(match self {
            Stage::Clock => clock(),
            Stage::Decode => decode(&TRELLIS.encode(weights)?)?,
            Stage::DecodeChecksums => checksums(&TRELLIS.encode(weights)?)?,
            Stage::DecodeExact => decode(&Exact.encode(weights)?)?,
            Stage::ExactChecksums => checksums(&Exact.encode(weights)?)?,
            Stage::DecodeValues => {
                let analysis = analyse(matrix, 64)?;
                let plane = encode(&analysis)?;
                timed(|| Ok(plane.decode()?))?.0
            }
            Stage::Analyse => timed(|| analyse(matrix, 64))?.0,
            Stage::Train => {
                let analysis = analyse(matrix, 64)?;
                timed(|| Ok(analysis.train(TRELLIS_STEP, TRAINING)))?.0
            }
            Stage::Encode(states) => {
                let analysis = analyse(matrix, states)?;
                let training = analysis.train(TRELLIS_STEP, TRAINING);
                timed(|| {
                    Ok(analysis.encode_comparing(TRELLIS_STEP, &training, Dtype::BF16, None)?)
                })?
                .0
            }
            Stage::Compare => {
                let analysis = analyse(matrix, 64)?;
                let plane = encode(&analysis)?;
                timed(|| Ok(plane.compare(matrix, Dtype::BF16, None, None)?))?.0
            }
        })
    }
}

fn analyse(matrix: MatrixView<'_>, states: usize) -> Result<TrellisAnalysis<'_>> {
    let preparation = Preparation::tiled(Transform::None);
    let settings = TrellisSettings::new(states);
    Ok(TrellisAnalysis::new(matrix, preparation, settings)?)
}

fn encode(analysis: &TrellisAnalysis<'_>) -> Result<EncodedPlane> {
    let training = analysis.train(TRELLIS_STEP, TRAINING);
    Ok(analysis.encode(TRELLIS_STEP, &training)?)
}

fn decode(file: &CodedWeights) -> Result<f64> {
    let bytes = file.bytes()?;
    Ok(timed(|| Ok(HctReader::open(bytes)?.decode(0)?))?.0)
}

fn checksums(file: &CodedWeights) -> Result<f64> {
    let bytes = file.bytes()?;
    Ok(timed(|| Ok(crc32fast::hash(bytes)))?.0)
}

/// Cycles a second of this core.
fn clock() -> f64 {
    let start = Instant::now();
    let mut x = black_box(0x9E37_79B9_7F4A_7C15u64);
    for _ in 0..CHAIN {
        x ^= x << 7;
        x ^= x >> 9;
    }
    black_box(x);
    CYCLES * CHAIN as f64 / start.elapsed().as_secs_f64()
}
