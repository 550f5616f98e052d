//! Calibrating a model: from texts, its own among them, to a file of statistics.

use std::path::Path;

use hct_eval::{CalibrationOptions, CalibrationWindows, Model, calibrate};
use hct_model::{CalibrationInfo, text_hash};

use crate::counter::Counter;
use crate::failure::usage;
use crate::runnable::failed;

/// Tokens that are run at a time unless given.
pub const CONTEXT: usize = 512;

/// The same, or fewer where `model` takes no more.
pub fn usual_context(model: &Model) -> usize {
    match model {
        Model::Language(model) => CONTEXT.min(model.max_context()),
        Model::Sentence(_) => CONTEXT,
    }
}

/// What to calibrate on.
pub struct CalibrationRun {
    pub texts: Vec<String>,
    /// How many tokens the model is to write itself.
    pub self_text: Option<u32>,
    /// How many tokens to use at most.
    pub tokens: Option<u32>,
    /// Tokens that are run at a time.
    pub context: usize,
    pub seed: u64,
}

/// Texts as a model is run on them.
pub struct Prepared {
    pub windows: CalibrationWindows,
    /// The SHA-256 of each.
    pub hashes: Vec<String>,
}

impl CalibrationRun {
    /// Makes what `model` is run on.
    pub fn prepare(&self, model: &Model) -> anyhow::Result<Prepared> {
        let texts = self.texts.iter();
        let mut hashes: Vec<String> = texts.map(|text| text_hash(text.as_bytes())).collect();
        let own = self.own_text(model)?;
        if !own.is_empty() {
            let tokens = own.iter().flatten().flat_map(|token| token.to_le_bytes());
            hashes.push(text_hash(&tokens.collect::<Vec<u8>>()));
        }
        Ok(Prepared {
            windows: self.windows(model, own)?,
            hashes,
        })
    }

    /// Runs `model`, whose tensors have the hash `model_hash`, and writes the statistics to `output`.
    pub fn run(
        &self,
        model: &Model,
        model_hash: String,
        on: &Prepared,
        output: &Path,
        options: CalibrationOptions,
    ) -> anyhow::Result<CalibrationInfo> {
        let windows = &on.windows;
        let info = CalibrationInfo {
            model: model_hash,
            tokens: windows.tokens() as u64,
            windows: windows.count() as u64,
            context: self.context as u64,
            seed: self.seed,
            self_text: self.self_text.unwrap_or(0).into(),
            texts: on.hashes.clone(),
        };
        let bar = Counter::new("calibrating", "tokens", windows.tokens());
        let done = calibrate(model, windows, &info, output, options, &|done| {
            bar.set(done);
        });
        done.map_err(failed)?;
        Ok(info)
    }

    /// What the model writes itself.
    fn own_text(&self, model: &Model) -> anyhow::Result<Vec<Vec<u32>>> {
        let Some(count) = self.self_text else {
            return Ok(Vec::new());
        };
        let Model::Language(model) = model else {
            return Err(usage(
                "a sentence encoder writes no text; give some with --text, one that is like what \
                 it will be used on",
            ));
        };
        let bar = Counter::new("writing", "tokens", count as usize);
        let written = model.self_text(count as usize, self.context, self.seed, &mut |done| {
            bar.set(done);
        });
        written.map_err(failed)
    }

    fn windows(&self, model: &Model, own: Vec<Vec<u32>>) -> anyhow::Result<CalibrationWindows> {
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        let (context, seed) = (self.context, self.seed);
        let most = self.tokens.map(|tokens| tokens as usize);
        let windows = match model {
            Model::Language(model) => {
                CalibrationWindows::of_language_model(model, &texts, own, context, most, seed)
            }
            Model::Sentence(encoder) => {
                CalibrationWindows::of_sentence_encoder(encoder, &texts, context, most, seed)
            }
        };
        windows.map_err(failed)
    }
}
