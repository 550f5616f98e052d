//! Rows given on the command line.

use std::ops::Range;
use std::str::FromStr;

/// `A..B`, `A..` or `..B`: from A up to, not including, B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRange {
    start: u64,
    end: Option<u64>,
}

impl RowRange {
    /// The rows of a tensor that has `rows`, unless some are not there.
    pub fn within(self, rows: u64) -> Option<Range<u64>> {
        let end = self.end.unwrap_or(rows);
        (self.start <= end && end <= rows).then_some(self.start..end)
    }
}

impl FromStr for RowRange {
    type Err = String;

    fn from_str(text: &str) -> Result<RowRange, String> {
        let form = || "give rows as A..B: from A (counted from 0) up to, not including, B";
        let (start, end) = text.split_once("..").ok_or_else(form)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| form().to_owned());
        let range = RowRange {
            start: if start.is_empty() { 0 } else { number(start)? },
            end: (!end.is_empty()).then(|| number(end)).transpose()?,
        };
        match range.end.is_some_and(|end| end < range.start) {
            true => Err("the rows end before they begin".into()),
            false => Ok(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_from_one_up_to_another() {
        let within = |text: &str, rows| text.parse::<RowRange>().unwrap().within(rows);
        assert_eq!(within("3..7", 7), Some(3..7));
        assert_eq!(within("3..8", 7), None);
        assert_eq!(within("3..", 7), Some(3..7));
        assert_eq!(within("7..", 7), Some(7..7));
        assert_eq!(within("8..", 7), None);
        assert_eq!(within("..2", 7), Some(0..2));
        assert_eq!(within("..", 7), Some(0..7));
        for wrong in [
            "", "3", "3-4", "a..b", "-1..2", "4..3", "1..2..3", "1...3", "1..=3",
        ] {
            assert!(wrong.parse::<RowRange>().is_err(), "{wrong}");
        }
    }
}
