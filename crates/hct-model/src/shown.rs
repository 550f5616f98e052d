//! Paths and URLs as they may be shown.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// What stands in the place of what is not shown.
const HIDDEN: &str = "…";

/// A path as messages and names have it: of a URL without what may be a secret, a query (as signed URLs
/// have) and a user's name and password.
pub fn shown(path: &Path) -> Cow<'_, Path> {
    match path.to_str().map(without_secrets) {
        Some(Cow::Owned(text)) => Cow::Owned(PathBuf::from(text)),
        _ => Cow::Borrowed(path),
    }
}

/// A text in which every URL is without them.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out += before;
        let end = after.find(ends_url).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        put_url(url, &mut out);
        rest = behind;
    }
    out += rest;
    match out == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(out),
    }
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')')
}

/// A URL from behind its scheme on.
fn put_url(url: &str, out: &mut String) {
    let (place, query) = match url.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (url, None),
    };
    let host = place.find('/').unwrap_or(place.len());
    match place[..host].rfind('@') {
        Some(at) => {
            *out += HIDDEN;
            *out += &place[at..];
        }
        None => *out += place,
    }
    if let Some(query) = query {
        *out += "?";
        *out += HIDDEN;
        // Of an error's text, not of the URL.
        if query.ends_with([':', ',', ';']) {
            *out += &query[query.len() - 1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for plain in [
            "m.hct",
            "what?",
            "https://a.b/c.hct",
            "s3://models/m@1.hct",
            "",
        ] {
            assert_eq!(shown(Path::new(plain)), Path::new(plain));
        }
        let said = "cannot read https://me:pw@a.b/c.hct?X-Sig=ab%2F1&t=2: error for url (http://a.b/?s=1) at 3";
        assert_eq!(
            without_secrets(said),
            "cannot read https://…@a.b/c.hct?…: error for url (http://a.b/?…) at 3"
        );
        assert_eq!(
            without_secrets("\"http://a/m?x\" y?"),
            "\"http://a/m?…\" y?"
        );
    }
}
