//! The figures first published for the strategies, beside ours.

use super::entrants::TARGET;
use super::report::ModelReport;
use super::strategy::StrategyRow;
use crate::text::cells::{self, percent};
use crate::text::table::table;

/// Renders the table.
pub fn render(report: &ModelReport) -> String {
    let figures = Figures(report);
    let lines = [
        (
            "uniform",
            "2.2x at 99.1 %",
            figures.ratio_at("uniform", "classic"),
            figures.ratio_at("uniform", "viable"),
            "Values and positions are entropy-coded and scales are FP16 here, and INT4 has a scale \
             per 32 values; the published ratio names no dtype, ours is to the checkpoint's own.",
        ),
        (
            "adaptive",
            "embeddings crushed to 5 % at a 99 % target",
            figures.adaptive("classic"),
            figures.adaptive("viable"),
            "How many coefficients a share of the energy takes depends on the tensor: few where \
             means dominate, as the least retentions below show. The viable preset measures cosines \
             after coding, rows apart from their mean.",
        ),
        (
            "svd",
            "no gain on square matrices",
            figures.svd_classic(),
            figures.svd_viable(),
            "The same result: trained attention matrices are not of low rank. The viable preset \
             takes no factors that do not pay.",
        ),
        (
            "hybrid",
            "as SVD",
            figures.ratio_at("hybrid", "classic"),
            figures.ratio_at("hybrid", "viable"),
            "The attention matrices spoil the whole; routed by measured cost they do not.",
        ),
        (
            "mixed",
            "82 % of the bytes were indices",
            figures.positions("mixed", "classic"),
            figures.positions("mixed", "viable"),
            "Positions are an entropy-coded mask, at most a bit per weight and layer, not an \
             integer per coefficient; the viable base needs none.",
        ),
        (
            "importance",
            "8 bytes per coefficient",
            figures.bytes_of("importance", "classic"),
            figures.bytes_of("importance", "viable"),
            "Masks and blocks in place of index–value pairs; the viable preset stores nothing for \
             its scores.",
        ),
        (
            "mlp-only",
            "1.57x at 92.5 %",
            figures.ratio_at("mlp-only", "classic"),
            figures.ratio_at("mlp-only", "viable"),
            "What is not an MLP is coded losslessly rather than kept as it is, and MLPs are kept at \
             a better quality.",
        ),
        (
            "hybrid-layers",
            "gain in quality, not compression",
            figures.ratio_at("hybrid-layers", "classic"),
            figures.ratio_at("hybrid-layers", "viable"),
            "The lossless first and last layers decide: of few layers they are most of the file, in a \
             deep model the layers between save more than they cost.",
        ),
    ];
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .map(|(strategy, published, classic, viable, cause)| {
            vec![
                strategy.into(),
                published.into(),
                classic,
                viable,
                cause.into(),
            ]
        })
        .collect();
    let head = [
        "strategy",
        "published",
        "classic, here",
        "viable, here",
        "why",
    ];
    format!(
        "### Beside the figures first published\n\nRatios to {} with the cosine over all matrices.\
         \n\n{}",
        report.dtype,
        table("lllll", &head, &rows)
    )
}

/// What the measured rows say.
struct Figures<'a>(&'a ModelReport);

impl Figures<'_> {
    fn row(&self, strategy: &str, preset: &str) -> Option<&StrategyRow> {
        let mut rows = self.0.strategies.iter();
        rows.find(|r| r.row.strategy == strategy && r.row.preset == preset)
    }

    fn say(&self, strategy: &str, preset: &str, what: impl Fn(&StrategyRow) -> String) -> String {
        self.row(strategy, preset).map_or("–".into(), what)
    }

    fn ratio(&self, row: &StrategyRow) -> f64 {
        self.0.input_bytes as f64 / row.row.file_bytes as f64
    }

    fn ratio_at(&self, strategy: &str, preset: &str) -> String {
        self.say(strategy, preset, |row| {
            format!("{:.2}x at {}", self.ratio(row), percent(row.row.cosine))
        })
    }

    /// Retention of embeddings at the target that was published.
    fn adaptive(&self, preset: &str) -> String {
        let mut rows = self.0.adaptive.iter();
        let row = rows.find(|r| r.row.preset == preset && r.target == TARGET);
        let Some(row) = row else {
            return "–".into();
        };
        match row.embedding_retention {
            Some(kept) => format!(
                "embeddings keep {}, their worst rows at {}",
                percent(kept),
                cells::optional_cosine(row.row.worst_row)
            ),
            None => "no embeddings".into(),
        }
    }

    fn svd_classic(&self) -> String {
        let ranks = self.0.svd.iter().flat_map(|svd| &svd.ranks);
        let parts: Vec<String> = ranks
            .map(|row| format!("rank {}: {}", row.rank, percent(row.cosine)))
            .collect();
        if parts.is_empty() {
            "no attention".into()
        } else {
            parts.join(", ")
        }
    }

    fn svd_viable(&self) -> String {
        let Some(svd) = &self.0.svd else {
            return "no attention".into();
        };
        let chosen = &svd.chosen;
        let saved = 1.0 - chosen.bytes as f64 / chosen.rdo_bytes as f64;
        format!(
            "factors for {} of {} attention matrices, {:.2} % fewer bytes there than `rdo`",
            chosen.ranks.len(),
            svd.matrices,
            100.0 * saved
        )
    }

    fn positions(&self, strategy: &str, preset: &str) -> String {
        self.say(strategy, preset, |row| {
            let share = row.row.section("positions");
            format!("{} of the bytes are positions", percent(share))
        })
    }

    fn bytes_of(&self, strategy: &str, preset: &str) -> String {
        self.say(strategy, preset, |row| {
            let bits = cells::bits_per_weight(row.row.matrix_bytes, self.0.matrix_weights);
            format!(
                "{:.2} bytes per weight at {}",
                bits / 8.0,
                percent(row.row.cosine)
            )
        })
    }
}
