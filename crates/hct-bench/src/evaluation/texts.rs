//! The texts that models are run on.

use std::fs;

use anyhow::{Context, Result};

use crate::repository::repository;

/// A text for evaluation.
pub struct Text {
    /// What it is called in tables.
    pub kind: &'static str,
    /// Where it is, from the repository's root.
    pub path: &'static str,
}

/// The text that tables with one column for a quantity are about.
pub const HANDBOOK: Text = Text {
    kind: "handbook",
    path: "assets/text/evaluation.txt",
};

/// The texts of other kinds.
pub const OTHERS: [Text; 3] = [
    Text {
        kind: "prose",
        path: "assets/text/prose.txt",
    },
    Text {
        kind: "code",
        path: "assets/text/code.txt",
    },
    Text {
        kind: "languages",
        path: "assets/text/languages.txt",
    },
];

impl Text {
    /// The text itself.
    pub fn read(&self) -> Result<String> {
        let path = repository().join(self.path);
        fs::read_to_string(path).with_context(|| format!("cannot read {}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Shorter lines, such as a brace or a heading, may well be everywhere.
    const LONG: usize = 40;

    fn long_lines(text: &str) -> HashSet<&str> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| line.len() >= LONG).collect()
    }

    #[test]
    fn nothing_that_is_evaluated_on_is_calibrated_on() {
        let folder = repository().join("assets/text");
        let mix = fs::read_dir(folder.join("calibration")).unwrap();
        let mut calibration: Vec<_> = mix.map(|entry| entry.unwrap().path()).collect();
        assert!(calibration.len() >= 5);
        calibration.push(folder.join("calibration.txt"));
        let calibration: Vec<String> = calibration
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        for evaluation in OTHERS.iter().chain([&HANDBOOK]) {
            let text = evaluation.read().unwrap();
            let evaluated = long_lines(&text);
            assert!(evaluated.len() > 20, "{}", evaluation.path);
            for other in &calibration {
                let both: Vec<_> = long_lines(other)
                    .intersection(&evaluated)
                    .copied()
                    .collect();
                assert!(both.is_empty(), "{}: {both:?}", evaluation.path);
            }
        }
    }
}
