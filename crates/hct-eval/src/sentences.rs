//! The sentences of a text, for encoders.

/// The first `most` sentences of a text.
///
/// Paragraphs end at blank lines. A sentence ends at its paragraph's end, or after `.`, `!`, `?` or
/// `…` and any closing quotes or brackets, where white space and then anything but a small letter
/// follows; but not before it has four words, so that titles and initials start no new one.
pub fn sentences(text: &str, most: usize) -> Vec<String> {
    let lines = text.lines().map(str::trim).collect::<Vec<_>>();
    let paragraphs = lines.split(|line| line.is_empty());
    let paragraphs = paragraphs.map(|lines| lines.join(" "));
    let sentences = paragraphs.flat_map(|paragraph| split_paragraph(&paragraph));
    sentences.take(most).collect()
}

fn split_paragraph(paragraph: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut all = paragraph.split_whitespace().peekable();
    while let Some(word) = all.next() {
        words.push(word);
        let goes_on = all
            .peek()
            .is_some_and(|next| next.starts_with(char::is_lowercase));
        if words.len() >= 4 && ends_sentence(word) && !goes_on {
            sentences.push(words.join(" "));
            words.clear();
        }
    }
    if !words.is_empty() {
        sentences.push(words.join(" "));
    }
    sentences
}

fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', '”', '’', ')', ']'])
        .ends_with(['.', '!', '?', '…'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        let text = "This was written by Dr. Smith, i.e. by him. “It was the best of times!” He \
                    said so in 1859.\nDid he\nreally say that?\n\n A new paragraph (short)\n\nEnd.";
        assert_eq!(
            sentences(text, 100),
            [
                "This was written by Dr.",
                "Smith, i.e. by him.",
                "“It was the best of times!”",
                "He said so in 1859.",
                "Did he really say that?",
                "A new paragraph (short)",
                "End.",
            ]
        );
        assert_eq!(sentences(text, 2).len(), 2);
        assert_eq!(sentences("Dr. No is here. So what.", 9).len(), 2);
    }
}
