//! The weights of a decoder's normalisations, and what they have to do with what it predicts.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::attention::KeysValues;
use super::layer::{NORMS, NormPassage, RmsNorm};
use super::{Cache, Decoder};
use crate::Error;
use crate::predictions::{divergence, divergence_gradient};
use crate::rows::values;

/// Most logits at a time, of each of two models.
const LOGITS: usize = 1 << 23;

impl Decoder {
    /// The weights of the normalisations by the names of their tensors: those of the layers, then the
    /// last.
    pub fn norms(&mut self) -> Result<Vec<(String, Vec<f32>)>, Error> {
        let prefix = self.prefix;
        let layers = 0..self.layers.len();
        let names = layers.flat_map(|layer| NORMS.map(|norm| format!("layers.{layer}.{norm}")));
        let names: Vec<String> = names.chain(["norm".to_owned()]).collect();
        let norms = self.all_norms().zip(names);
        norms
            .map(|(norm, name)| {
                Ok((
                    format!("{prefix}{name}.weight"),
                    values(norm.weight())?.to_vec(),
                ))
            })
            .collect()
    }

    /// Gives the normalisations other weights, in the order of [`Self::norms`].
    pub fn set_norms(&mut self, weights: &[Vec<f32>]) -> Result<(), Error> {
        for (norm, weight) in self.all_norms().zip(weights) {
            *norm.weight() = Tensor::new(&weight[..], &Device::Cpu)?;
        }
        Ok(())
    }

    fn all_norms(&mut self) -> impl Iterator<Item = &mut RmsNorm> {
        let of_layers = self.layers.iter_mut().flat_map(|layer| layer.norms());
        of_layers.chain([&mut self.norm])
    }

    /// The KL divergence of what this predicts after each of `tokens` from what `reference` does, all
    /// added up; nats.
    pub fn divergence_from(&self, reference: &Decoder, tokens: &[u32]) -> Result<f64, Error> {
        let own = self.hidden(tokens, &mut Cache::default())?;
        let theirs = reference.hidden(tokens, &mut Cache::default())?;
        let mut sum = 0.0;
        for (first, rows) in self.chunks(tokens.len()) {
            let own = self.logits(&own, first, rows)?;
            let theirs = reference.logits(&theirs, first, rows)?;
            let vocabulary = self.vocabulary();
            let rows = theirs
                .par_chunks_exact(vocabulary)
                .zip(own.par_chunks_exact(vocabulary));
            let of_rows: Vec<f64> = rows.map(|(theirs, own)| divergence(theirs, own)).collect();
            sum += of_rows.iter().sum::<f64>();
        }
        Ok(sum)
    }

    /// The same, and its gradient with respect to the weights of the normalisations, in the order of
    /// [`Self::norms`].
    pub fn norm_gradients(
        &self,
        reference: &Decoder,
        tokens: &[u32],
    ) -> Result<(f64, Vec<Vec<f64>>), Error> {
        let theirs = reference.hidden(tokens, &mut Cache::default())?;
        let rotation = self.rope.at(0, tokens.len())?;
        let mut inputs = Vec::with_capacity(self.layers.len());
        let mut x = self.look_up(tokens)?;
        for layer in &self.layers {
            let next = layer.forward(&x, &rotation, &mut KeysValues::default())?;
            inputs.push(std::mem::replace(&mut x, next));
        }
        let own = self.norm.forward(&x)?;
        let (mut sum, mut of_hidden) = (0.0, Vec::new());
        for (first, rows) in self.chunks(tokens.len()) {
            let mut own = self.logits(&own, first, rows)?;
            let mut theirs = reference.logits(&theirs, first, rows)?;
            let vocabulary = self.vocabulary();
            let pairs = theirs.par_chunks_exact_mut(vocabulary);
            let pairs = pairs.zip(own.par_chunks_exact_mut(vocabulary));
            let of_rows: Vec<f64> = pairs
                .map(|(theirs, own)| divergence_gradient(theirs, own))
                .collect();
            sum += of_rows.iter().sum::<f64>();
            let of_logits = Tensor::from_vec(own, (rows, vocabulary), &Device::Cpu)?;
            of_hidden.push(of_logits.matmul(&self.head.weight)?);
        }
        let last = NormPassage {
            gradient: Tensor::cat(&of_hidden, 0)?,
            input: x,
        };
        let mut found = vec![self.norm.weight_gradient(&last)?];
        let mut g = self.norm.backward(&last.input, &last.gradient)?;
        for (layer, input) in self.layers.iter().zip(inputs).rev() {
            let gradients = layer.backward(&input, &rotation, &g)?;
            let [attention, mlp] = layer.norm_gradients(&gradients.norms)?;
            // From the last to the first.
            found.extend([mlp, attention]);
            g = gradients.input;
        }
        found.reverse();
        Ok((sum, found))
    }

    /// The rows of a window, as many at a time as have few enough logits.
    fn chunks(&self, tokens: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let rows = (LOGITS / self.vocabulary()).clamp(1, tokens.max(1));
        let firsts = (0..tokens).step_by(rows);
        firsts.map(move |first| (first, rows.min(tokens - first)))
    }

    fn logits(&self, hidden: &Tensor, first: usize, rows: usize) -> Result<Vec<f32>, Error> {
        let logits = self.head.logits(&hidden.narrow(0, first, rows)?)?;
        Ok(logits.flatten_all()?.to_vec1()?)
    }
}
