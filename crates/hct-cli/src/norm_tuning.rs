//! Tuning the normalisations of a file that has been coded.

use std::path::Path;

use hct_eval::{Model, tune_norms};
use hct_model::{Amendments, AtomicFile, amend, with_tuning};
use serde::Serialize;

use crate::calibration_run::Prepared;
use crate::counter::Counter;
use crate::failure::usage;
use crate::progress::Bar;
use crate::runnable::{Runnable, failed};
use crate::units;

/// What tuning did.
#[derive(Clone, Debug, Serialize)]
pub struct Tuning {
    /// Tensors that were changed.
    pub tensors: usize,
    /// Mean KL divergence on tokens that were held back, nats.
    pub kld_before: f64,
    /// The same with what was tuned.
    pub kld_after: f64,
    /// Tokens that were learnt from.
    pub tokens: usize,
    /// Tokens that were held back.
    pub held_back_tokens: usize,
}

/// What the weights of normalisations are to be.
#[derive(Clone, Default)]
pub struct Tuned {
    /// By tensors of the file; none where that helps nothing.
    pub amendments: Amendments,
    /// The SHA-256 of each text.
    pub texts: Vec<String>,
}

impl Tuning {
    /// A line of a table: what, how much, and on what.
    pub fn row(&self) -> (&'static str, String, String) {
        let on = units::grouped(self.held_back_tokens as u64);
        let note = match self.tensors {
            0 => format!("KL divergence on {on} tokens of the text held back: nothing gained"),
            tensors => format!(
                "KL divergence on {on} tokens of the text held back, was {}; {tensors} tensors",
                units::fixed(self.kld_before, 5)
            ),
        };
        ("norms tuned", units::fixed(self.kld_after, 5), note)
    }
}

/// Finds what the normalisations of the file `coded`, at `path`, are to be for it to predict as
/// `original` does.
pub fn tune(
    original: &Model,
    coded: &Runnable,
    path: &Path,
    on: &Prepared,
) -> anyhow::Result<(Tuned, Tuning)> {
    coded.load_with(path, |model, source| {
        let (Model::Language(original), Model::Language(mut model)) = (original, model) else {
            return Err(usage(
                "sentence encoders are not tuned, only language models are",
            ));
        };
        let windows = &on.windows;
        let bar = Counter::new("tuning", "tokens", windows.tokens());
        let tuned = tune_norms(original, &mut model, source, windows, &|done| bar.set(done));
        let tuned = tuned.map_err(failed)?;
        let tuning = Tuning {
            tensors: tuned.tensors.len(),
            kld_before: tuned.before,
            kld_after: tuned.after,
            tokens: tuned.tokens,
            held_back_tokens: tuned.held_back,
        };
        let tuned = Tuned {
            amendments: tuned.tensors.into_iter().collect(),
            texts: on.hashes.clone(),
        };
        Ok((tuned, tuning))
    })
}

/// Writes the file `coded` to `output` with these normalisations; gives its bytes.
pub fn write(coded: &Runnable, tuned: &Tuned, output: &Path, force: bool) -> anyhow::Result<u64> {
    let Some(model) = coded.hct_file() else {
        return Err(usage("only .hct files can be tuned"));
    };
    let said = model.index().provenance.as_deref();
    let longer = said.filter(|_| !tuned.amendments.is_empty());
    let longer = longer.and_then(|said| with_tuning(said, &tuned.texts));
    let records = model.index().tensors.iter();
    let bar = Bar::new("writing", records.map(|t| t.payload_bytes()).sum());
    let file = AtomicFile::create(output)?;
    let file = amend(
        model,
        &tuned.amendments,
        file,
        longer.as_deref().or(said),
        &bar,
    )?;
    file.finish(force)?;
    Ok(output.metadata()?.len())
}
