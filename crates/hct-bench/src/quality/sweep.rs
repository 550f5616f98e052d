//! What is measured, and with what.

use std::path::PathBuf;

use anyhow::Result;

use super::journal::Journal;
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
}

impl Sweep {
    /// The journal, opened.
    pub fn journal_of(&self, model: &Model) -> Result<Option<Journal>> {
        let path = self.journal.as_deref();
        path.map(|path| Journal::open(path, &model.key, &self.settings))
            .transpose()
    }
}
