//! Running models against the model they were made from.

use std::path::Path;

use anyhow::{Context, Result};
use hct_eval::{Error, Model as Runnable, ModelFiles, Reference, SentenceReference, sentences};
use hct_model::{CheckpointSource, TensorSource};

use super::model_quality::{LanguageQuality, ModelQuality, Predictions};
use super::on_texts::OnTexts;
use super::questions::{Answers, sample};
use super::settings::Settings;
use crate::model::Model;

/// A checkpoint's own run on the texts, to compare candidates with.
pub struct Evaluator {
    files: ModelFiles,
    reference: ReferenceRun,
}

enum ReferenceRun {
    Language {
        predictions: Box<OnTexts<Reference>>,
        answers: Answers,
    },
    Sentence(Box<OnTexts<SentenceReference>>),
}

impl Evaluator {
    /// Runs `model` as it is. None if it cannot be run: no folder with `config.json` and
    /// `tokenizer.json`, or of an architecture that `hct-eval` does not know.
    pub fn of(model: &Model, settings: &Settings) -> Result<Option<Evaluator>> {
        let Some(files) = files_of(model.checkpoint.name())? else {
            return Ok(None);
        };
        let runnable = match Runnable::load(&files, &model.checkpoint) {
            Err(reason @ (Error::Architecture { .. } | Error::Setting { .. })) => {
                eprintln!("{} is not run: {reason}", model.title());
                return Ok(None);
            }
            loaded => loaded.with_context(|| format!("cannot run {}", model.title()))?,
        };
        let reference = match runnable {
            Runnable::Language(model) => {
                let predictions = OnTexts::measure(|text| {
                    let tokens = Some(settings.max_tokens);
                    let windows = model.windows(&text.read()?, settings.context, tokens)?;
                    Ok(Reference::new(&model, windows, &mut |_| ())?)
                })?;
                ReferenceRun::Language {
                    predictions: Box::new(predictions),
                    answers: Answers::of(&model)?,
                }
            }
            Runnable::Sentence(encoder) => {
                ReferenceRun::Sentence(Box::new(OnTexts::measure(|text| {
                    let sentences = sentences(&text.read()?, settings.sentences);
                    Ok(SentenceReference::new(&encoder, sentences, &mut |_| ())?)
                })?))
            }
        };
        Ok(Some(Evaluator { files, reference }))
    }

    /// Runs the weights of `source` in the reference's place and compares.
    pub fn evaluate(&self, source: &dyn TensorSource) -> Result<ModelQuality> {
        Ok(
            match (&self.reference, Runnable::load(&self.files, source)?) {
                (
                    ReferenceRun::Language {
                        predictions,
                        answers,
                    },
                    Runnable::Language(model),
                ) => {
                    let texts = predictions.try_map(|reference| {
                        Ok(Predictions::from(reference.compare(&model, &mut |_| ())?))
                    })?;
                    let (own, text) = (Answers::of(&model)?, sample(&model)?);
                    ModelQuality::Language(LanguageQuality::new(texts, answers, &own, text))
                }
                (ReferenceRun::Sentence(references), Runnable::Sentence(encoder)) => {
                    ModelQuality::Sentence(references.try_map(|reference| {
                        Ok(reference.compare(&encoder, &mut |_| ())?.into())
                    })?)
                }
                _ => unreachable!("the same configuration gives the same kind of model"),
            },
        )
    }
}

/// The configuration and tokenizer of a checkpoint folder.
fn files_of(path: &Path) -> Result<Option<ModelFiles>> {
    let there = ["config.json", "tokenizer.json"].map(|name| path.join(name).is_file());
    if there != [true, true] {
        return Ok(None);
    }
    Ok(Some(ModelFiles::read(path)?))
}
