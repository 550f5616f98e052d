//! Calibrations as they are given on the command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hct_model::open_calibration;
use hct_strategies::Calibration;

/// A file of `hct calibrate`, and what tables call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub name: String,
    pub path: PathBuf,
}

impl FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Given, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(Given {
                name: name.to_owned(),
                path: path.into(),
            }),
            _ => Err("write NAME=FILE, such as mix=mix.hctcal".into()),
        }
    }
}

impl Given {
    /// The file, opened.
    pub fn open(&self) -> Result<Arc<dyn Calibration>> {
        let calibration = open_calibration(&self.path)
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(calibration.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_file_are_asked_for() {
        let given: Given = "the mix=a=b.hctcal".parse().unwrap();
        assert_eq!(
            (given.name.as_str(), given.path),
            ("the mix", "a=b.hctcal".into())
        );
        for wrong in ["mix.hctcal", "=mix.hctcal", "mix="] {
            assert!(wrong.parse::<Given>().is_err());
        }
    }
}
