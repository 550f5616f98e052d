//! Numbers as cells of the tables.

use crate::measure::Row;

/// Bits per weight, three digits.
pub fn bits(bytes: u64, weights: u64) -> String {
    format!("{:.3}", bits_per_weight(bytes, weights))
}

/// Bits per weight.
pub fn bits_per_weight(bytes: u64, weights: u64) -> f64 {
    8.0 * bytes as f64 / weights as f64
}

/// A cosine, five digits; cut rather than rounded, so that only 1 reads as 1.
pub fn cosine(value: f64) -> String {
    // A little slack, for decimal fractions that f64 has from below.
    format!("{:.5}", (value * 1e5 + 1e-6).floor() / 1e5)
}

/// A cosine that there may be none of.
pub fn optional_cosine(value: Option<f64>) -> String {
    value.map_or("–".into(), cosine)
}

/// A relative mean squared error.
pub fn error(rel_mse: f64) -> String {
    if rel_mse == 0.0 {
        "0".into()
    } else {
        format!("{rel_mse:.5}")
    }
}

/// A share in percent, one digit.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A tensor's name in code.
pub fn code(name: &str) -> String {
    format!("`{name}`")
}

/// The strategy of a row.
pub fn strategy(row: &Row) -> String {
    row.strategy.clone()
}

/// The preset of a row, a dash for a strategy without.
pub fn preset(row: &Row) -> String {
    if row.preset.is_empty() {
        "–".into()
    } else {
        row.preset.clone()
    }
}

/// The share of a row's matrix bytes that one section takes.
pub fn section(row: &Row, name: &str) -> f64 {
    row.sections.get(name).copied().unwrap_or(0) as f64 / row.matrix_bytes as f64
}

/// A small share in percent, two digits.
pub fn percent_fine(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_cut() {
        assert_eq!(cosine(0.999_999), "0.99999");
        assert_eq!(cosine(1.0), "1.00000");
        for exact in ["0.99100", "0.98500", "0.99990", "0.70000", "0.29000"] {
            assert_eq!(cosine(exact.parse().unwrap()), exact);
        }
    }
}
