//! Documents that are regenerated in part: Markdown sections between comment markers, and JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::repository::docs;

/// A Markdown file with sections that commands write and text that people write.
pub struct Document {
    text: String,
}

impl Document {
    /// The file at `path`, or an empty one.
    pub fn read(path: &Path) -> Result<Document> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Document { text })
    }

    /// The text of a section, if the document has it.
    pub fn section(&self, key: &str) -> Option<&str> {
        let (start, end) = self.find(key)?;
        Some(&self.text[start..end])
    }

    /// Replaces a section, or appends it.
    pub fn set(&mut self, key: &str, body: &str) {
        match self.find(key) {
            Some((start, end)) => self.text.replace_range(start..end, body),
            None => {
                if !self.text.is_empty() {
                    self.text.push('\n');
                }
                self.text
                    .push_str(&format!("{}{body}{}\n", begin(key), end(key)));
            }
        }
    }

    /// Writes the file, and its folder if that is not there.
    pub fn write(&self, path: &Path) -> Result<()> {
        write(path, &self.text)
    }

    fn find(&self, key: &str) -> Option<(usize, usize)> {
        let (begin, end) = (begin(key), end(key));
        let start = self.text.find(&begin)? + begin.len();
        let len = self.text[start..].find(&end)?;
        Some((start, start + len))
    }
}

/// What was measured for a document, as its JSON holds it; the Markdown and the plots follow.
pub trait Report: Default + Serialize + DeserializeOwned {
    /// Names in `docs` of the Markdown and of the JSON.
    const MARKDOWN: &'static str;
    const JSON: &'static str;

    /// Sections of the Markdown by key, in reading order.
    fn sections(&self) -> Vec<(String, String)>;

    /// Plots by name.
    ///
    /// # Errors
    /// When one cannot be drawn.
    fn plots(&self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

/// What the JSON holds.
pub fn load<R: Report>() -> Result<R> {
    read_json(&docs(R::JSON))
}

/// Changes the JSON, and rewrites the Markdown and the plots.
pub fn update<R: Report>(change: impl FnOnce(&mut R)) -> Result<()> {
    let mut report: R = load()?;
    change(&mut report);
    write_json(&docs(R::JSON), &report)?;
    render::<R>()
}

/// Rewrites the Markdown and the plots from the JSON. Measures nothing.
pub fn render<R: Report>() -> Result<()> {
    let report: R = read_json(&docs(R::JSON))?;
    let mut document = Document::read(&docs(R::MARKDOWN))?;
    for (key, section) in report.sections() {
        document.set(&key, &section);
    }
    document.write(&docs(R::MARKDOWN))?;
    for (name, svg) in report.plots()? {
        write(&docs(&name), &svg)?;
    }
    println!("written: docs/{} and its plots", R::MARKDOWN);
    Ok(())
}

/// Fails unless the Markdown and the plots are what the JSON makes. Measures nothing.
pub fn check<R: Report>() -> Result<()> {
    const ADVICE: &str = "run `cargo xtask compare --render` and commit what changed";
    let report: R = read_json(&docs(R::JSON))?;
    let (markdown, json) = (R::MARKDOWN, R::JSON);
    let document = Document::read(&docs(markdown))?;
    for (key, section) in report.sections() {
        ensure!(
            document.section(&key) == Some(section.as_str()),
            "docs/{markdown} and docs/{json} disagree on {key}; {ADVICE}"
        );
    }
    for (name, svg) in report.plots()? {
        let drawn = fs::read_to_string(docs(&name)).unwrap_or_default();
        ensure!(
            drawn == svg,
            "docs/{name} is not what docs/{json} makes; {ADVICE}"
        );
    }
    Ok(())
}

fn begin(key: &str) -> String {
    format!("<!-- begin {key} (generated) -->\n")
}

fn end(key: &str) -> String {
    format!("<!-- end {key} -->")
}

/// Reads a JSON document, or gives the default where there is none.
pub fn read_json<T: DeserializeOwned + Default>(path: &Path) -> Result<T> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} is of another version: remove it", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a JSON document, indented, with a newline at its end.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write(path, &(serde_json::to_string_pretty(value)? + "\n"))
}

/// Writes a text file, and its folder if that is not there.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_stays() {
        let mut doc = Document {
            text: "by hand\n".into(),
        };
        doc.set("a", "one\n");
        doc.set("b", "two\n");
        doc.set("a", "three\n");
        assert_eq!(doc.section("a"), Some("three\n"));
        assert_eq!(doc.section("b"), Some("two\n"));
        assert_eq!(doc.section("c"), None);
        assert!(doc.text.starts_with("by hand\n"));
    }
}
