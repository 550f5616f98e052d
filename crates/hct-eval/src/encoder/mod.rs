//! Sentence encoders: a BERT whose output is averaged over the tokens and normalised.

mod layer;
mod layered;

use candle_core::{Device, Tensor};
use hct_model::TensorSource;
use tokenizers::{Tokenizer, TruncationParams};

use crate::Error;
use crate::config::EncoderConfig;
use crate::weights::Weights;
use layer::{Layer, LayerNorm};

/// A BERT-layout sentence encoder; see [`crate::Model::load`].
///
/// A sentence's vector is the mean of the last layer over all its tokens, the marks of start and
/// end included, scaled to length 1. Other poolings exist, but not here.
pub struct SentenceEncoder {
    tokenizer: Tokenizer,
    words: Tensor,
    positions: Tensor,
    /// The row for the first segment; a sentence has no other.
    segment: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    /// What stands before the names of its tensors.
    prefix: &'static str,
}

impl SentenceEncoder {
    pub(crate) fn load(
        config: &EncoderConfig,
        tokenizer: &[u8],
        source: &dyn TensorSource,
    ) -> Result<SentenceEncoder, Error> {
        let probe = "embeddings.word_embeddings.weight";
        let weights = Weights::new(source, probe, &["", "bert."])?;
        let table = |name: &str, rows| {
            let name = format!("embeddings.{name}_embeddings.weight");
            weights.tensor(&name, &[rows, config.hidden_size])
        };
        let layers = (0..config.num_hidden_layers)
            .map(|number| Layer::load(config, &weights, number))
            .collect::<Result<_, _>>()?;
        Ok(SentenceEncoder {
            tokenizer: parse_tokenizer(tokenizer, config.max_position_embeddings)?,
            words: table("word", config.vocab_size)?,
            positions: table("position", config.max_position_embeddings)?,
            segment: table("token_type", config.type_vocab_size)?.narrow(0, 0, 1)?,
            norm: LayerNorm::load(config, &weights, "embeddings.LayerNorm")?,
            layers,
            prefix: weights.prefix(),
        })
    }

    /// The vector of a sentence, of length 1. What is too long for the model is cut off, as its
    /// tokenizer says.
    pub(crate) fn embed(&self, sentence: &str) -> Result<Vec<f32>, Error> {
        let tokens = self.tokens(sentence)?;
        let mut x = self
            .norm
            .forward(&self.look_up(&tokens, &[tokens.len()])?)?;
        for layer in &self.layers {
            x = layer.forward(&x, None)?;
        }
        let mean = x.mean(0)?;
        let length = mean.sqr()?.sum_all()?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec1()?)
    }

    /// The tokens of a sentence, with the marks of its start and end.
    pub(crate) fn tokens(&self, sentence: &str) -> Result<Vec<u32>, Error> {
        let encoding = self.tokenizer.encode_fast(sentence, true);
        let encoding = encoding.map_err(Error::Tokenizing)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The sums of the embeddings of words, positions and segment, tokens x hidden, for sequences
    /// of these lengths one after the other.
    fn look_up(&self, tokens: &[u32], lengths: &[usize]) -> Result<Tensor, Error> {
        let vocabulary = self.words.dims()[0];
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(Error::TokenOutOfVocabulary { token, vocabulary });
        }
        let words = self
            .words
            .index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        let positions: Vec<u32> = lengths
            .iter()
            .flat_map(|&length| 0..length as u32)
            .collect();
        let positions = Tensor::new(positions, &Device::Cpu)?;
        let positions = self.positions.index_select(&positions, 0)?;
        Ok((words + positions)?.broadcast_add(&self.segment)?)
    }
}

/// The tokenizer, set to one sentence at a time: no filling up, and cutting off at the latest
/// where the model has no more positions.
fn parse_tokenizer(json: &[u8], most: usize) -> Result<Tokenizer, Error> {
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(Error::Tokenizer)?;
    tokenizer.with_padding(None);
    let own = tokenizer.get_truncation().cloned().unwrap_or_default();
    let limited = TruncationParams {
        max_length: own.max_length.min(most),
        ..own
    };
    tokenizer
        .with_truncation(Some(limited))
        .map_err(Error::Tokenizer)?;
    Ok(tokenizer)
}
