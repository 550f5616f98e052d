//! Names from files, for people to read.

/// Whether a terminal would obey this character, or it would let one text look like another: control
/// characters, ends of lines and paragraphs, what turns the direction of writing, and what takes no
/// space.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text from a file with [unprintable](is_unprintable) characters escaped as Rust does: `\u{202e}`.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unprintable(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable("ü\u{202e}x\u{200b}"), "ü\\u{202e}x\\u{200b}");
        assert_eq!(
            printable("a\u{2028}\u{9b}\u{e0041}"),
            "a\\u{2028}\\u{9b}\\u{e0041}"
        );
        for plain in ["model.layers.0.weight", "重み", "וו", "a b\\c", "\u{1f600}"] {
            assert_eq!(printable(plain), plain);
        }
    }
}
