//! Numbers for people.

use std::time::Duration;

pub use hct_model::{bits_per, ratio};

/// `17.3 MiB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1023.95 {
            return if unit == "B" {
                format!("{n} B")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `22.7 M`.
pub fn count(n: f64) -> String {
    match n {
        n if n < 9999.5 => format!("{n:.0}"),
        n if n < 999_950.0 => format!("{:.1} k", n / 1e3),
        n if n < 999_950_000.0 => format!("{:.1} M", n / 1e6),
        n => format!("{:.2} G", n / 1e9),
    }
}

/// `90,868,376`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with `decimals`, or a dash when there is none.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        "-".into()
    } else {
        format!("{value:.decimals$}")
    }
}

/// An error: scientific, a plain zero, or a dash when there is none.
pub fn scientific(value: f64) -> String {
    match value {
        v if v.is_nan() => "-".into(),
        0.0 => "0".into(),
        v => format!("{v:.3e}"),
    }
}

/// `1.23 s`.
pub fn time(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_right() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(90_868_376), "86.7 MiB");
        assert_eq!(count(999.0), "999");
        assert_eq!(count(22_713_216.0), "22.7 M");
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(123_456), "123,456");
        assert_eq!(grouped(90_868_376), "90,868,376");
        assert_eq!(scientific(0.0), "0");
        assert_eq!(scientific(f64::INFINITY), "inf");
        assert_eq!(fixed(f64::NAN, 2), "-");
    }
}
