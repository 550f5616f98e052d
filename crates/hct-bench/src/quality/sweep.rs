//! What is measured, and with what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use super::journal::Journal;
use super::report::{ModelReport, QualityRow};
use crate::evaluation::Settings;
use crate::given::Given;
use crate::model::Model;

/// Models under many contestants.
pub struct Sweep {
    pub models: Vec<Model>,
    /// Calibrations, of the only model.
    pub given: Vec<Given>,
    /// What the models are run on.
    pub settings: Settings,
    /// Where rows are kept as they are measured, those of the only model.
    pub journal: Option<PathBuf>,
    /// Rows that are not measured again, by model.
    pub kept: BTreeMap<String, Vec<ModelReport>>,
    /// Whether rows that are not there are measured; left out otherwise.
    pub measures: bool,
}

impl Sweep {
    /// The journal, opened.
    pub fn journal_of(&self, model: &Model) -> Result<Option<Journal>> {
        let path = self.journal.as_deref();
        path.map(|path| Journal::open(path, &model.key, &self.settings))
            .transpose()
    }

    /// The row of a contestant that is not measured again, if it is there, as it was measured with the
    /// same settings and on all kinds of text.
    pub fn kept(&self, model: &Model, name: &str, setting: &str) -> Option<&QualityRow> {
        let reports = self.kept.get(&model.key)?.iter();
        let mut rows = reports
            .filter(|report| report.settings == self.settings)
            .flat_map(|report| &report.rows);
        rows.find(|row| {
            let same = row.name == name && row.setting == setting;
            same && !row.quality.kinds().is_empty()
        })
    }
}
