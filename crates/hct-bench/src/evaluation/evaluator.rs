//! Running models against the model they were made from.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use hct_eval::{Error, Model as Runnable, ModelFiles, Reference, SentenceReference, sentences};
use hct_model::{CheckpointSource, TensorSource};

use super::model_quality::{LanguageQuality, ModelQuality};
use super::questions::{Answers, sample};
use super::settings::{Settings, TEXT};
use crate::model::Model;
use crate::repository::repository;

/// A checkpoint's own run on the evaluation text, to compare candidates with.
pub struct Evaluator {
    files: ModelFiles,
    reference: ReferenceRun,
}

enum ReferenceRun {
    Language {
        predictions: Box<Reference>,
        answers: Answers,
    },
    Sentence(SentenceReference),
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
        let text = fs::read_to_string(repository().join(TEXT))
            .with_context(|| format!("cannot read {TEXT}"))?;
        let reference = match runnable {
            Runnable::Language(model) => {
                let windows = model.windows(&text, settings.context, Some(settings.max_tokens))?;
                ReferenceRun::Language {
                    predictions: Box::new(Reference::new(&model, windows, &mut |_| ())?),
                    answers: Answers::of(&model)?,
                }
            }
            Runnable::Sentence(encoder) => {
                let sentences = sentences(&text, settings.sentences);
                ReferenceRun::Sentence(SentenceReference::new(&encoder, sentences, &mut |_| ())?)
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
                    let report = predictions.compare(&model, &mut |_| ())?;
                    let (own, text) = (Answers::of(&model)?, sample(&model)?);
                    ModelQuality::Language(LanguageQuality::new(&report, answers, &own, text))
                }
                (ReferenceRun::Sentence(reference), Runnable::Sentence(encoder)) => {
                    ModelQuality::Sentence(reference.compare(&encoder, &mut |_| ())?.into())
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
