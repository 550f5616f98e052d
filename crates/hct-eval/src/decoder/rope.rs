//! Rotary position embeddings: pairs of a head's dimensions turn by an angle that grows with the
//! position. Dimension `i` is paired with `i + dim / 2`.

use candle_core::{Device, Tensor};

use crate::Error;
use crate::config::DecoderConfig;

pub(super) struct Rope {
    /// The angle per position of each pair.
    frequencies: Vec<f64>,
}

/// The turns of consecutive positions, as cosines and sines (positions x pairs).
pub(crate) struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl Rope {
    pub fn new(config: &DecoderConfig) -> Rope {
        let dim = config.head_dim();
        let frequencies = (0..dim / 2)
            .map(|pair| config.rope_theta().powf(-((2 * pair) as f64) / dim as f64))
            .collect();
        Rope { frequencies }
    }

    /// The turns of `count` positions from `first` on.
    pub fn at(&self, first: usize, count: usize) -> Result<Rotation, Error> {
        let angles: Vec<f64> = (first..first + count)
            .flat_map(|position| self.frequencies.iter().map(move |f| position as f64 * f))
            .collect();
        let table = |f: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|&angle| f(angle) as f32).collect();
            Tensor::from_vec(values, (count, self.frequencies.len()), &Device::Cpu)
        };
        Ok(Rotation {
            cos: table(f64::cos)?,
            sin: table(f64::sin)?,
        })
    }
}

impl Rotation {
    /// Turns heads x positions x dim.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor, Error> {
        let batch = x.unsqueeze(0)?;
        Ok(candle_nn::rotary_emb::rope(&batch, &self.cos, &self.sin)?.squeeze(0)?)
    }

    /// Turns them back, which is also what takes a gradient from the turned to the unturned.
    pub fn undo(&self, x: &Tensor) -> Result<Tensor, Error> {
        let batch = x.unsqueeze(0)?;
        let sin = self.sin.neg()?;
        Ok(candle_nn::rotary_emb::rope(&batch, &self.cos, &sin)?.squeeze(0)?)
    }
}
