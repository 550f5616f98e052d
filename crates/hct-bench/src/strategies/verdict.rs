//! The rule that rows of the strategy table are judged by.

use super::entrants::Aim;
use super::strategy::StrategyRow;
use crate::text::cells::{bits_per_weight, cosine};

/// The rule, as the document states it.
pub const RULE: &str = "\
- **verdict**, against viable `uniform` of the same model: *pays* at least its cosine over all
  matrices, to 1e-5, with at least 10 % fewer bits per weight of the matrices; *viable* at least
  its cosine with no more bits; *route* for `mlp-only` and `hybrid-layers`, which keep tensors
  lossless by design; *meets* and *misses* for rows with a target of their own, by whether every
  tensor reaches it; *fails* otherwise, with the bits that it needs more where the cosine is
  reached, and where it is not with what came out worst: a tensor, or the 1st percentile of
  embedding rows.
";

/// Cosines that differ by less count as the same.
const SAME: f64 = 1e-5;
/// A share of the reference's bits that pays.
pub const PAYS: f64 = 0.90;

/// What came of a row.
pub fn verdict(row: &StrategyRow, reference: &StrategyRow, weights: u64) -> String {
    let bits = |row: &StrategyRow| bits_per_weight(row.row.matrix_bytes, weights);
    let (ours, theirs) = (bits(row), bits(reference));
    let saved = 100.0 * (1.0 - ours / theirs);
    match row.aim {
        Aim::Reference => return "reference".into(),
        Aim::Lossless => return "lossless".into(),
        Aim::Every(target) if row.row.worst_cosine >= target => {
            return format!("meets {target}");
        }
        Aim::Every(target) => return format!("misses {target}"),
        Aim::Equal | Aim::AsDescribed => {}
    }
    if is_route(&row.row.strategy) {
        return format!("route, {ours:.2} bits");
    }
    if row.row.cosine < reference.row.cosine - SAME {
        return match row.row.worst_row {
            Some(worst) if worst < row.row.worst_cosine => {
                format!("fails: rows at {}", cosine(worst))
            }
            _ => format!("fails: a tensor at {}", cosine(row.row.worst_cosine)),
        };
    }
    if ours <= PAYS * theirs {
        format!("pays: {saved:.1} % fewer bits")
    } else if row.row.matrix_bytes == reference.row.matrix_bytes {
        "viable: the same bits".into()
    } else if ours <= theirs {
        format!("viable: {saved:.1} % fewer bits")
    } else {
        format!("fails: {:.3} bits more", ours - theirs)
    }
}

/// Whether a strategy keeps tensors lossless by design.
pub fn is_route(strategy: &str) -> bool {
    matches!(strategy, "mlp-only" | "hybrid-layers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::{Row, Speed};

    fn row(strategy: &str, aim: Aim, matrix_bytes: u64, cosine: f64) -> StrategyRow {
        StrategyRow {
            aim,
            row: Row {
                strategy: strategy.into(),
                preset: "viable".into(),
                setting: String::new(),
                matrix_bytes,
                file_bytes: matrix_bytes,
                sections: Default::default(),
                cosine,
                rel_mse: 1.0 - cosine * cosine,
                worst_cosine: cosine - 0.01,
                worst_tensor: "w".into(),
                worst_row: Some(cosine - 0.02),
                quality: None,
                speed: Speed::default(),
            },
        }
    }

    #[test]
    fn the_rule_looks_at_quality_then_at_bits() {
        let reference = row("uniform", Aim::Reference, 500, 0.995);
        let judge = |row: StrategyRow| verdict(&row, &reference, 1000);
        assert_eq!(judge(reference.clone()), "reference");
        assert!(judge(row("svd", Aim::Equal, 450, 0.995)).starts_with("pays: 10.0 %"));
        assert!(judge(row("svd", Aim::Equal, 451, 0.995)).starts_with("viable"));
        let same = judge(row("uniform", Aim::AsDescribed, 500, 0.995));
        assert_eq!(same, "viable: the same bits");
        assert!(judge(row("svd", Aim::Equal, 501, 0.996)).starts_with("fails: 0.008 bits"));
        assert_eq!(
            judge(row("svd", Aim::Equal, 10, 0.9)),
            "fails: rows at 0.88000"
        );
        assert_eq!(
            judge(row("mlp-only", Aim::Equal, 900, 0.9)),
            "route, 7.20 bits"
        );
        assert_eq!(judge(row("rdo", Aim::Every(0.98), 9, 0.991)), "meets 0.98");
        assert_eq!(judge(row("rdo", Aim::Every(0.99), 9, 0.991)), "misses 0.99");
    }
}
