//! Rows as they are measured, so that an interrupted sweep can go on.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::report::QualityRow;
use crate::evaluation::Settings;

/// A file with a row a line, each with what it was measured on.
pub struct Journal {
    path: PathBuf,
    model: String,
    settings: Settings,
    rows: Vec<QualityRow>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    model: String,
    settings: Settings,
    row: QualityRow,
}

impl Journal {
    /// The rows that `path` has, if it is there: all have to be of `model`, measured with `settings`.
    pub fn open(path: &Path, model: &str, settings: &Settings) -> Result<Journal> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let mut rows = Vec::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("{} is no journal of rows", path.display()))?;
            ensure!(
                line.model == model && line.settings == *settings,
                "{} is of another model or other settings: give another file",
                path.display()
            );
            rows.push(line.row);
        }
        Ok(Journal {
            path: path.to_owned(),
            model: model.to_owned(),
            settings: *settings,
            rows,
        })
    }

    /// The row of a contestant, if it is there.
    pub fn row(&self, name: &str, setting: &str) -> Option<&QualityRow> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.name == name && row.setting == setting)
    }

    /// Adds a row.
    pub fn add(&mut self, row: &QualityRow) -> Result<()> {
        let line = Line {
            model: self.model.clone(),
            settings: self.settings,
            row: row.clone(),
        };
        let mut line = serde_json::to_string(&line)?;
        line.push('\n');
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        self.rows.push(row.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ModelQuality, OnTexts, SentenceQuality};

    const SETTINGS: Settings = Settings {
        max_tokens: 4,
        context: 3,
        sentences: 2,
    };

    fn row(name: &str, bytes: u64) -> QualityRow {
        let quality = SentenceQuality {
            cosine_mean: f64::NAN,
            cosine_worst: 0.5,
            similarity_spearman: 0.25,
            sentences: 2,
        };
        QualityRow {
            name: name.into(),
            setting: "3.0 bits per weight".into(),
            bytes,
            cosine: 0.75,
            rel_mse: 0.125,
            blocks: [].into(),
            encode_seconds: Some(1.5),
            quality: ModelQuality::Sentence(OnTexts::measure(|_| Ok(quality.clone())).unwrap()),
        }
    }

    #[test]
    fn what_was_added_is_there_for_the_same_sweep_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let mut journal = Journal::open(&path, "a model", &SETTINGS).unwrap();
        assert!(journal.row("rdo", "3.0 bits per weight").is_none());
        journal.add(&row("rdo", 5)).unwrap();
        journal.add(&row("other", 7)).unwrap();

        let again = Journal::open(&path, "a model", &SETTINGS).unwrap();
        for journal in [&journal, &again] {
            let found = |name| {
                journal
                    .row(name, "3.0 bits per weight")
                    .map(|row| row.bytes)
            };
            assert_eq!((found("rdo"), found("other")), (Some(5), Some(7)));
            assert!(journal.row("rdo", "4.0 bits per weight").is_none());
        }
        assert!(Journal::open(&path, "another model", &SETTINGS).is_err());
        let others = Settings {
            context: 4,
            ..SETTINGS
        };
        assert!(Journal::open(&path, "a model", &others).is_err());
        fs::write(&path, "{").unwrap();
        assert!(Journal::open(&path, "a model", &SETTINGS).is_err());
    }
}
