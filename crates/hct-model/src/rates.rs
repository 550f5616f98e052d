//! Ratios as reports have them.

/// `n` of `per`, or NaN (JSON: null) when there are none.
pub fn ratio(n: f64, per: f64) -> f64 {
    if per == 0.0 { f64::NAN } else { n / per }
}

/// Bits per weight of so many bytes; NaN where there are no weights.
pub fn bits_per(bytes: u64, weights: u64) -> f64 {
    ratio(8.0 * bytes as f64, weights as f64)
}
