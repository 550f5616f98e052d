//! Byte counts as people write them on a command line: `1048576`, `64MiB`, `4GB`.

/// Parses a byte count with an optional binary (`KiB`) or decimal (`KB`) suffix.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(digits_end);
    let unit: u64 = match suffix.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        other => {
            return Err(format!(
                "unknown size suffix `{other}`; use KiB, MiB, GiB, KB, MB or GB"
            ));
        }
    };
    let count: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` is not a whole number of bytes, e.g. 4GiB"))?;
    count
        .checked_mul(unit)
        .ok_or_else(|| format!("`{text}` does not fit in 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn suffixes() {
        assert_eq!(parse("512"), Ok(512));
        assert_eq!(parse("4GiB"), Ok(4 << 30));
        assert_eq!(parse("3 mb"), Ok(3_000_000));
        assert_eq!(parse("1k"), Ok(1024));
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["", "GiB", "-1", "4.5GiB", "1TiBx", "99999999999999GiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
