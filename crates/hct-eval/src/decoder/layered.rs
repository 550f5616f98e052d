//! A decoder as calibration runs it.

use candle_core::{Device, Tensor};
use hct_model::StatisticsGroup;

use super::Decoder;
use super::attention::KeysValues;
use super::head_sums::{EndNames, EndSums};
use super::layer::INPUTS;
use super::rope::Rotation;
use crate::Error;
use crate::layered::{Layered, Sequences};
use crate::passage::Passage;

/// Most logits at a time.
const LOGITS: usize = 1 << 23;

impl Layered for Decoder {
    type Around = Rotation;
    type Ends = EndSums;

    fn layers(&self) -> usize {
        self.layers.len()
    }

    fn width(&self) -> usize {
        self.embedding.dims()[1]
    }

    fn names(&self, number: usize) -> Vec<Vec<String>> {
        let name = |part: &&str| format!("{}layers.{number}.{part}.weight", self.prefix);
        let groups = INPUTS.iter();
        groups
            .map(|parts| parts.iter().map(name).collect())
            .collect()
    }

    fn around(&self, window: &Sequences) -> Result<Rotation, Error> {
        self.rope.at(0, window.tokens.len())
    }

    fn enter(&self, window: &Sequences) -> Result<Tensor, Error> {
        self.look_up(&window.tokens)
    }

    fn forward(&self, number: usize, x: &Tensor, around: &Rotation) -> Result<Tensor, Error> {
        self.layers[number].forward(x, around, &mut KeysValues::default())
    }

    fn backward(
        &self,
        number: usize,
        x: &Tensor,
        around: &Rotation,
        g: &Tensor,
    ) -> Result<(Tensor, Vec<Passage>), Error> {
        let gradients = self.layers[number].backward(x, around, g)?;
        Ok((gradients.input, gradients.passages))
    }

    fn no_ends(&self) -> EndSums {
        EndSums::new(self.vocabulary(), self.width())
    }

    /// That of −ln p of a token drawn from the prediction after every token.
    fn leave(&self, window: &Sequences, x: &Tensor, ends: &mut EndSums) -> Result<Tensor, Error> {
        let (vocabulary, tokens) = (self.vocabulary(), x.dim(0)?);
        let hidden = self.norm.forward(x)?;
        let rows = (LOGITS / vocabulary).clamp(1, tokens);
        let mut spread = Vec::with_capacity(tokens);
        let mut of_hidden = Vec::new();
        for first in (0..tokens).step_by(rows) {
            let rows = rows.min(tokens - first);
            let logits = self.head.logits(&hidden.narrow(0, first, rows)?)?;
            let mut logits = logits.flatten_all()?.to_vec1()?;
            spread.extend(ends.predict(&mut logits, window.seed, first as u64));
            let of_logits = Tensor::from_vec(logits, (rows, vocabulary), &Device::Cpu)?;
            of_hidden.push(of_logits.matmul(&self.head.weight)?);
        }
        ends.add_hidden(&hidden, &spread)?;
        self.norm.backward(x, &Tensor::cat(&of_hidden, 0)?)
    }

    fn enter_backward(
        &self,
        window: &Sequences,
        g: &Tensor,
        ends: &mut EndSums,
    ) -> Result<(), Error> {
        ends.add_looked_up(&window.tokens, g)
    }

    fn ends(&self, halves: [EndSums; 2], tokens: [u64; 2]) -> Result<Vec<StatisticsGroup>, Error> {
        let embedding = format!("{}embed_tokens.weight", self.prefix);
        let names = match self.tied {
            true => EndNames::Tied(embedding),
            false => EndNames::Untied {
                embedding,
                head: "lm_head.weight".to_owned(),
            },
        };
        EndSums::finish(halves, tokens, names)
    }
}
