//! What files say of how they were made, on one line.

use hct_model::MadeBy;

use crate::table::printable;

/// Characters of it that tables show.
const SHOWN: usize = 400;

/// One line for tables, its end left out where it is long.
pub fn line(made_by: &MadeBy) -> String {
    let text = made_by.text();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => printable(&text[..end]) + "… (--json has the rest)",
        None => printable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_is_shown_on_one_line() {
        let line = |text: &str| line(&MadeBy::of(text));
        assert_eq!(line("{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(line("\u{1b}[2J\n\u{202e}x"), "\\u{1b}[2J\\n\\u{202e}x");
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        assert!(line(&deep).len() < 500 && line(&deep).contains("--json"));
    }
}
