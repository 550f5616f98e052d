//! Runs models before and after HCT and measures what changed.
//!
//! Load a model from its [`ModelFiles`] and any [`hct_model::TensorSource`] (a checkpoint, an HCT
//! file, a [`RivalModel`]), then:
//!
//! - for a [`LanguageModel`]: cut a text with [`LanguageModel::windows`], measure [`perplexity`],
//!   or build a [`Reference`] and [`Reference::compare`] any number of candidates with it;
//! - for a [`SentenceEncoder`]: take the [`sentences`] of a text, build a [`SentenceReference`] and
//!   [`SentenceReference::compare`] candidates.
//!
//! [`calibrate`] writes which weights of a model matter: statistics of its matrices on texts.
//! [`tune_norms`] makes up for a part of what coding has changed.
//!
//! Everything runs in F32 on the CPU, so equal weights give equal results, bit for bit.

mod calibration;
mod config;
mod decoder;
mod derivative;
mod encoder;
mod error;
mod exponential;
mod generate;
mod language_model;
mod layered;
mod linear;
mod memory;
mod metrics;
mod model;
mod model_files;
mod moments;
mod passage;
mod perplexity;
mod predictions;
mod random;
mod reference;
mod rival;
mod rows;
mod self_text;
mod sentence_reference;
mod sentences;
mod statistics;
#[cfg(test)]
mod tests;
mod tokenizer;
mod tuning;
mod weights;
mod windows;

pub use calibration::{CalibrationOptions, CalibrationWindows, calibrate};
pub use encoder::SentenceEncoder;
pub use error::Error;
pub use language_model::LanguageModel;
pub use memory::keep_freed_memory;
pub use metrics::LanguageReport;
pub use model::Model;
pub use model_files::ModelFiles;
pub use perplexity::{Perplexity, perplexity};
pub use reference::Reference;
pub use rival::{RivalFormat, RivalModel};
pub use sentence_reference::{SentenceReference, SentenceReport};
pub use sentences::sentences;
pub use tuning::{LEAST_TO_TUNE_ON, TunedNorms, tune_norms};
pub use windows::Windows;
