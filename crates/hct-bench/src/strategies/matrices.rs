//! The tables that are of no model: a low-rank matrix, and speeds.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::bench::spinner;
use super::low_rank::{self, LowRank};
use super::speed::{self, Speeds};
use super::targets;

/// What is measured on synthetic matrices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrices {
    /// A low-rank matrix with noise.
    pub low_rank: LowRank,
    /// Speeds; not measured to check.
    pub speed: Option<Speeds>,
}

impl Matrices {
    /// Measures them, with speeds or without.
    pub fn measure(with_speeds: bool) -> Result<Matrices> {
        let bar = spinner("matrices")?;
        bar.set_message("low rank");
        let low_rank = low_rank::measure()?;
        let speed = with_speeds.then(|| speed::measure(&bar)).transpose()?;
        bar.finish_and_clear();
        Ok(Matrices { low_rank, speed })
    }

    /// Their section.
    pub fn render(&self) -> String {
        let mut parts = vec![
            "## Synthetic matrices\n".to_owned(),
            low_rank::render(&self.low_rank),
        ];
        parts.extend(self.speed.as_ref().map(speed::render));
        parts.push(targets::of_matrices(&self.low_rank, self.speed.as_ref()));
        parts.join("\n")
    }
}
