//! A sentence encoder as calibration runs it.

use candle_core::{Device, Tensor};
use hct_model::StatisticsGroup;

use super::SentenceEncoder;
use super::layer::INPUTS;
use crate::Error;
use crate::layered::{Layered, Sequences};
use crate::moments::{Halves, ProductSums, of_rows};
use crate::passage::Passage;
use crate::random::Random;

/// Sums over tokens at the embeddings.
pub(crate) struct EndSums {
    /// How often each word was looked up.
    words: Vec<u64>,
    /// How often each position was.
    positions: Vec<u64>,
    /// Of the products of gradients at what was looked up, which is the same for both.
    looked_up: ProductSums,
}

impl Layered for SentenceEncoder {
    /// Which tokens see which: those of the same sentence.
    type Around = Option<Tensor>;
    type Ends = EndSums;

    fn layers(&self) -> usize {
        self.layers.len()
    }

    fn width(&self) -> usize {
        self.words.dims()[1]
    }

    fn names(&self, number: usize) -> Vec<Vec<String>> {
        let name = |part: &&str| format!("{}encoder.layer.{number}.{part}.weight", self.prefix);
        let groups = INPUTS.iter();
        groups
            .map(|parts| parts.iter().map(name).collect())
            .collect()
    }

    fn around(&self, window: &Sequences) -> Result<Option<Tensor>, Error> {
        if window.lengths.len() < 2 {
            return Ok(None);
        }
        let tokens = window.tokens.len();
        let mut mask = vec![f32::NEG_INFINITY; tokens * tokens];
        let mut first = 0;
        for length in &window.lengths {
            for row in mask[first * tokens..].chunks_mut(tokens).take(*length) {
                row[first..first + length].fill(0.0);
            }
            first += length;
        }
        Ok(Some(Tensor::from_vec(
            mask,
            (tokens, tokens),
            &Device::Cpu,
        )?))
    }

    fn enter(&self, window: &Sequences) -> Result<Tensor, Error> {
        self.norm
            .forward(&self.look_up(&window.tokens, &window.lengths)?)
    }

    fn forward(&self, number: usize, x: &Tensor, mask: &Option<Tensor>) -> Result<Tensor, Error> {
        self.layers[number].forward(x, mask.as_ref())
    }

    fn backward(
        &self,
        number: usize,
        x: &Tensor,
        mask: &Option<Tensor>,
        g: &Tensor,
    ) -> Result<(Tensor, Vec<Passage>), Error> {
        self.layers[number].backward(x, mask.as_ref(), g)
    }

    fn no_ends(&self) -> EndSums {
        EndSums {
            words: vec![0; self.words.dims()[0]],
            positions: vec![0; self.positions.dims()[0]],
            looked_up: ProductSums::new(self.width()),
        }
    }

    /// That of the product of each sentence's vector and one drawn from the normal distribution:
    /// the mean square of the change of such a product is the squared change of the vector.
    fn leave(&self, window: &Sequences, x: &Tensor, _: &mut EndSums) -> Result<Tensor, Error> {
        let mut random = Random::new(window.seed);
        let mut gradients = Vec::with_capacity(window.tokens.len() * self.width());
        let mut first = 0;
        for &length in &window.lengths {
            let mean: Vec<f32> = x.narrow(0, first, length)?.mean(0)?.to_vec1()?;
            let direction: Vec<f64> = mean.iter().map(|_| random.normal()).collect();
            // The vector is v = m / |m|; of v · d that is (d - v (v · d)) / |m|, and a token has an
            // equal part in the mean m.
            let size = mean
                .iter()
                .map(|&m| f64::from(m).powi(2))
                .sum::<f64>()
                .sqrt();
            let unit: Vec<f64> = mean.iter().map(|&m| f64::from(m) / size).collect();
            let along: f64 = unit.iter().zip(&direction).map(|(v, d)| v * d).sum();
            let scale = 1.0 / (size * length as f64);
            let pairs = unit.iter().zip(&direction);
            let gradient: Vec<f32> = pairs
                .map(|(v, d)| ((d - v * along) * scale) as f32)
                .collect();
            for _ in 0..length {
                gradients.extend_from_slice(&gradient);
            }
            first += length;
        }
        Ok(Tensor::from_vec(gradients, x.shape(), &Device::Cpu)?)
    }

    fn enter_backward(
        &self,
        window: &Sequences,
        g: &Tensor,
        ends: &mut EndSums,
    ) -> Result<(), Error> {
        for &token in &window.tokens {
            ends.words[token as usize] += 1;
        }
        for &length in &window.lengths {
            for count in &mut ends.positions[..length] {
                *count += 1;
            }
        }
        let sum = self.look_up(&window.tokens, &window.lengths)?;
        ends.looked_up.add(&self.norm.backward(&sum, g)?)
    }

    fn ends(&self, [a, b]: [EndSums; 2], tokens: [u64; 2]) -> Result<Vec<StatisticsGroup>, Error> {
        let all = tokens[0] + tokens[1];
        // Half a time more each, so that what the text happens to lack counts for something.
        let frequency = |a: &[u64], b: &[u64]| -> Vec<f64> {
            let total = all as f64 + 0.5 * a.len() as f64;
            let counts = a.iter().zip(b);
            counts
                .map(|(a, b)| ((a + b) as f64 + 0.5) / total)
                .collect()
        };
        let halves = Halves {
            sums: [a.looked_up, b.looked_up],
            tokens,
        };
        let group = |table: &str, rows: Vec<f64>| {
            let name = format!("{}embeddings.{table}_embeddings.weight", self.prefix);
            of_rows(all, name, halves.pooled()?, &rows)
        };
        Ok(vec![
            group("word", frequency(&a.words, &b.words))?,
            group("position", frequency(&a.positions, &b.positions))?,
        ])
    }
}
