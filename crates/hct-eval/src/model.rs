//! Either kind of model, whichever the configuration says.

use hct_model::TensorSource;

use crate::config::Config;
use crate::{Error, LanguageModel, ModelFiles, SentenceEncoder};

/// A model that is ready to run.
pub enum Model {
    /// It predicts the next token.
    Language(LanguageModel),
    /// It turns sentences into vectors.
    Sentence(SentenceEncoder),
}

impl Model {
    /// Decodes the weights of `source` into memory, as F32.
    ///
    /// # Errors
    /// When the configuration asks for something that is not implemented, or the weights or the
    /// tokenizer do not fit it.
    pub fn load(files: &ModelFiles, source: &dyn TensorSource) -> Result<Model, Error> {
        Ok(match Config::parse(&files.config)? {
            Config::Decoder(config) => {
                Model::Language(LanguageModel::load(&config, &files.tokenizer, source)?)
            }
            Config::Encoder(config) => {
                Model::Sentence(SentenceEncoder::load(&config, &files.tokenizer, source)?)
            }
        })
    }
}
