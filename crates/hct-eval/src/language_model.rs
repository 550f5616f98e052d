//! A decoder with its tokenizer.

use hct_model::TensorSource;

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::tokenizer::TextTokenizer;
use crate::weights::Weights;
use crate::{Error, Windows};

/// A Llama or Qwen2 model; see [`crate::Model::load`].
pub struct LanguageModel {
    pub(crate) decoder: Decoder,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) end_tokens: Vec<u32>,
    /// What the configuration says a text begins with.
    pub(crate) begin_token: Option<u32>,
    /// How many positions the model was made for.
    pub(crate) max_context: usize,
}

impl LanguageModel {
    pub(crate) fn load(
        config: &DecoderConfig,
        tokenizer: &[u8],
        source: &dyn TensorSource,
    ) -> Result<LanguageModel, Error> {
        let weights = Weights::new(source, "embed_tokens.weight", &["model.", ""])?;
        Ok(LanguageModel {
            tokenizer: TextTokenizer::parse(tokenizer)?,
            decoder: Decoder::load(config, &weights)?,
            end_tokens: config.end_tokens().to_vec(),
            begin_token: config.bos_token_id,
            max_context: config.max_position_embeddings,
        })
    }

    /// How many tokens the model can be run on at a time.
    pub fn max_context(&self) -> usize {
        self.max_context
    }

    /// Cuts a text into windows of `context` tokens, after at most `max_tokens` of it.
    ///
    /// # Errors
    /// When the model cannot take that context, or the text has nothing to score.
    pub fn windows(
        &self,
        text: &str,
        context: usize,
        max_tokens: Option<usize>,
    ) -> Result<Windows, Error> {
        self.check_context(context)?;
        let mut tokens = self.tokenizer.encode(text)?;
        tokens.truncate(max_tokens.unwrap_or(usize::MAX));
        Windows::cut(self.tokenizer.start(), &tokens, context)
    }

    /// Errs when windows of this many tokens leave nothing to predict, or are too many for the
    /// model.
    pub(crate) fn check_context(&self, context: usize) -> Result<(), Error> {
        let (least, most) = (self.tokenizer.start().len() + 2, self.max_context);
        match (least..=most).contains(&context) {
            true => Ok(()),
            false => Err(Error::Context {
                context,
                least,
                most,
            }),
        }
    }
}
