//! Plots: what is lost against the bits, on the handbook and elsewhere.

use anyhow::Result;

use super::report::Section;
use crate::evaluation::ModelQuality;
use crate::quality::{Panel, panels_svg};

/// The plot of a model, as SVG.
pub fn svg(key: &str, section: &Section) -> Result<String> {
    let first = section.curves.rows.first().map(|row| &row.quality);
    let titles = match first {
        Some(ModelQuality::Sentence(_)) => ["1 − Spearman, handbook", "mean of other kinds"],
        _ => ["KL divergence, nats, handbook", "mean of other kinds"],
    };
    let panel = |title, loss| Panel {
        title,
        floor: 1e-6,
        loss,
    };
    let panels = [
        panel(titles[0], |q| Some((q.loss().handbook, 0.0))),
        panel(titles[1], |q| Some((q.loss().mean_elsewhere(|&x| x)?, 0.0))),
    ];
    panels_svg(key, &section.curves, &panels)
}
