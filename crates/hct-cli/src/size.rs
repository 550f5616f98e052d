//! Sizes as people write them, and what that is in bits per weight.

use hct_model::{Checkpoint, CheckpointSource, bits_for_size};
use hct_strategies::SpecOption;

use crate::failure::usage;
use crate::strategy_args::Steer;
use crate::units;

/// Bytes of `60MB`, `1.5 GiB`, `800kB` or `123456`: units of a thousand, or of 1,024 with an `i`.
///
/// # Errors
/// What to write instead.
pub fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let factor = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        "ki" => 1024.0,
        "mi" => 1_048_576.0,
        "gi" => 1_073_741_824.0,
        "ti" => 1_099_511_627_776.0,
        _ => f64::NAN,
    };
    let size = number.parse().map_or(f64::NAN, |n: f64| n * factor);
    // 2^53: beyond it not every number of bytes is a number.
    match (1.0..=9_007_199_254_740_992.0).contains(&size) {
        true => Ok(size as u64),
        false => Err("give bytes, or a number with a unit such as 60MB or 1.5GiB".to_owned()),
    }
}

/// The bits per weight at which a file takes no more than `size` bytes.
pub fn steer(checkpoint: &Checkpoint, size: u64) -> anyhow::Result<Steer> {
    let bits = bits_for_size(checkpoint.weights(), size);
    match SpecOption::BitsPerWeight.check(bits) {
        Ok(()) => Ok(Steer(SpecOption::BitsPerWeight, bits)),
        Err(_) => Err(usage(format!(
            "--size {} is {} bits per weight here; give {}",
            units::bytes(size),
            units::fixed(bits, 3),
            SpecOption::BitsPerWeight.advice()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_or_binary() {
        for (text, size) in [
            ("1", 1),
            ("123456", 123_456),
            ("60MB", 60_000_000),
            ("60 m", 60_000_000),
            ("1.5GiB", 3 << 29),
            ("2kib", 2048),
            ("0.5TB", 500_000_000_000),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in [
            "",
            "MB",
            "-1",
            "0",
            "1e9",
            "nan",
            "inf",
            "5 parsecs",
            "1.2.3MB",
            "99999TiB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
