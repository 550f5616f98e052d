//! Every contestant on one fine-tune.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hct_model::TensorSource;
use indicatif::{ProgressBar, ProgressStyle};

use super::agreement::Agreement;
use super::entrants;
use super::noise;
use super::pairs::PairSource;
use super::report::{DeltaRow, Least, PairReport};
use super::search;
use crate::contestant::{Contestant, Label};
use crate::evaluation::{Evaluator, ModelQuality, Settings};
use crate::pair::Pair;

/// Opens or makes the fine-tune and measures everything.
pub fn measure(source: &PairSource, settings: &Settings) -> Result<PairReport> {
    with_subject(source, Some(settings), |subject| {
        subject.report(source, settings)
    })
}

/// What gives back every bit, measured again: for a change that moves nothing else.
pub fn exact_again(source: &PairSource, old: PairReport) -> Result<PairReport> {
    let exact = with_subject(source, None, Subject::exact)?;
    Ok(PairReport { exact, ..old })
}

/// Opens or makes the fine-tune, and runs it if there are `settings` for that.
fn with_subject<T>(
    source: &PairSource,
    settings: Option<&Settings>,
    measure: impl FnOnce(&Subject) -> Result<T>,
) -> Result<T> {
    let style = "{prefix} {elapsed} {spinner} {msg}";
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(source.key);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_message("opening it");
    let folder = tempfile::tempdir().context("no room for a temporary folder")?;
    let pair = source.open(folder.path())?;
    bar.set_message("running it as it is");
    let subject = Subject {
        matrices: pair.model.matrices()?,
        evaluator: settings
            .map(|settings| Evaluator::of(&pair.model, settings))
            .transpose()?
            .flatten(),
        pair,
        bar,
    };
    let measured = measure(&subject)?;
    subject.bar.finish_and_clear();
    Ok(measured)
}

struct Subject {
    pair: Pair,
    matrices: Vec<usize>,
    evaluator: Option<Evaluator>,
    bar: ProgressBar,
}

impl Subject {
    fn report(&self, source: &PairSource, settings: &Settings) -> Result<PairReport> {
        let (base, moved) = self.base()?;
        let exact = self.exact()?;
        let lossy = entrants::lossy(source.large);
        let lossy = lossy.iter().map(|c| self.row(&**c));
        Ok(PairReport {
            dtype: self.pair.model.dtypes(&self.matrices),
            weights: self.pair.model.weights(),
            moved,
            independent_bits: noise::independent_bits(&self.pair, &self.matrices)?,
            settings: *settings,
            exact,
            lossy: lossy.collect::<Result<_>>()?,
            least: match base.quality {
                Some(ModelQuality::Sentence(_)) => Some(Least {
                    alone: search::least(0.9, 0.9999, |c| self.row(&entrants::alone(c)))?,
                    on_base: search::least(0.05, 0.995, |c| self.row(&entrants::on_base(c)))?,
                }),
                _ => None,
            },
            base,
        })
    }

    /// What gives back every bit.
    fn exact(&self) -> Result<Vec<DeltaRow>> {
        let exact = entrants::exact();
        let rows = exact.iter().map(|c| {
            let row = self.row(&**c)?;
            ensure!(row.rel_mse == 0.0, "{} is not lossless", row.name);
            Ok(row)
        });
        rows.collect()
    }

    /// The base in the fine-tune's place, and how far the fine-tune moved from it.
    fn base(&self) -> Result<(DeltaRow, f64)> {
        let original = &self.pair.original;
        let sums = Agreement::of(&self.pair, &self.matrices, original)?;
        let row = self.judged(Label::of("the base itself"), 0, original, &sums)?;
        Ok((row, sums.relative_move()))
    }

    fn row(&self, contestant: &dyn Contestant<Pair>) -> Result<DeltaRow> {
        let label = contestant.label();
        let said = format!("{} {}", label.name, label.setting);
        self.bar.set_message(said.clone());
        let coded = contestant.encode(&self.pair)?;
        let decoded = contestant.decode(&coded, &self.pair)?;
        let sums = Agreement::of(&self.pair, &self.matrices, decoded.source())?;
        let exact = self.is_exact(decoded.source())?;
        ensure!(
            exact || sums.rel_mse() > 0.0,
            "{said} changes what is no matrix"
        );
        self.judged(label, coded.bytes(), decoded.source(), &sums)
    }

    fn judged(
        &self,
        label: Label,
        bytes: u64,
        source: &dyn TensorSource,
        sums: &Agreement,
    ) -> Result<DeltaRow> {
        let evaluator = self.evaluator.as_ref().filter(|_| sums.rel_mse() > 0.0);
        Ok(DeltaRow {
            on_base: label.name.contains("base") || label.name.contains("XOR"),
            name: label.name,
            setting: label.setting,
            bytes,
            cosine: sums.cosine(),
            rel_mse: sums.rel_mse(),
            delta_cosine: sums.delta_cosine(),
            quality: evaluator.map(|e| e.evaluate(source)).transpose()?,
        })
    }

    /// Whether every bit of every tensor is back.
    fn is_exact(&self, source: &dyn TensorSource) -> Result<bool> {
        let own = &self.pair.model.checkpoint;
        for (i, info) in own.tensors().iter().enumerate() {
            let found = source.tensors().iter().position(|t| t == info);
            let number = found.with_context(|| format!("{} is lost", info.name))?;
            if own.read(i)? != source.read(number)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
