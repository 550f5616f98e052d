//! Numbers as cells of the tables.

use std::time::Duration;

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

/// A text, a dash in place of none.
pub fn or_dash(text: &str) -> String {
    if text.is_empty() { "–" } else { text }.into()
}

/// A small share in percent, two digits.
pub fn percent_fine(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Millions of something per second, in two digits or so.
pub fn speed(millions: f64) -> String {
    if millions < 10.0 {
        format!("{millions:.1}")
    } else {
        format!("{millions:.0}")
    }
}

/// A count with commas.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Millions of `n` things per second.
pub fn millions(n: u64, time: Duration) -> f64 {
    n as f64 / 1e6 / time.as_secs_f64()
}

/// A number and its standard error.
pub fn plus_minus(value: f64, error: f64) -> String {
    format!("{value:.4} ± {error:.4}")
}

/// Some of all.
pub fn fraction(some: usize, all: usize) -> String {
    format!("{some} of {all}")
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
