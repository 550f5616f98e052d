//! How much each tensor matters, as the user says or as its role suggests.

use std::collections::{HashMap, HashSet};
use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::names::{Role, role};

/// Most globs and regexes of a map: each is tried on every tensor name.
const MAX_PATTERNS: usize = 1024;
/// Most bytes that one of them takes once compiled.
const MAX_COMPILED: usize = 1 << 20;

/// A score from 0 (expendable) to 1 (vital) for every tensor name.
#[derive(Clone, Debug, Default)]
pub struct ImportanceMap {
    /// Patterns and scores as they were given.
    entries: Vec<(String, f64)>,
    exact: HashMap<String, f64>,
    /// In the order of the file.
    patterns: Vec<(Regex, f64)>,
}

/// Maps are equal when the same patterns have the same scores in the same order.
impl PartialEq for ImportanceMap {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

/// The object that [`ImportanceMap::from_json`] reads.
impl Serialize for ImportanceMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(pattern, score)| (pattern, score)))
    }
}

/// What is wrong with an importance map.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportanceMapError {
    /// Not JSON, or JSON of another shape.
    #[error(
        "the importance map is not a JSON object; write it like {{\"*.mlp.*\": 0.4, \"lm_head.weight\": 1}}"
    )]
    Json(#[source] serde_json::Error),
    /// A score is not a number from 0 to 1.
    #[error("pattern {pattern:?} has the score {score}; give it a number from 0 to 1")]
    Score {
        /// The pattern.
        pattern: String,
        /// Its score as JSON.
        score: String,
    },
    /// A pattern is not a regex, or too large a one.
    #[error("pattern {pattern:?} cannot be used; correct it, or write a glob without the slashes")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What the regex engine says.
        source: regex::Error,
    },
    /// More globs and regexes than anybody needs.
    #[error("the map has more than {most} globs and regexes; write exact names, or join some")]
    TooMany {
        /// What is allowed.
        most: usize,
    },
    /// A pattern is there twice.
    #[error("pattern {0:?} is there twice; remove one of the two")]
    Duplicate(String),
}

impl ImportanceMap {
    /// The map that looks at roles alone. Embeddings, heads, norms and biases score 0.95; value and
    /// output projections 0.80; query and key projections, fused ones too, 0.75; MLPs 0.50, and so
    /// does what is not recognised.
    pub fn by_role() -> Self {
        Self::default()
    }

    /// Reads a map from a JSON object of patterns and scores from 0 to 1. A pattern is
    /// - the exact name of a tensor: `model.embed_tokens.weight`;
    /// - a glob of the whole name, where `*` is any run of characters, dots too, and `?` is any one
    ///   character: `*.mlp.*`;
    /// - a regex between slashes, found anywhere in the name: `/layers\.(0|1)\./`.
    ///
    /// An exact name wins, then the first pattern that matches; a name that none matches is scored
    /// [by its role](Self::by_role).
    ///
    /// # Errors
    /// When the text is no such object, a score is not from 0 to 1, a regex is bad, or a pattern
    /// is there twice, or there are more than 1024 globs and regexes.
    pub fn from_json(text: &str) -> Result<Self, ImportanceMapError> {
        let entries = serde_json::from_str(text).map_err(ImportanceMapError::Json)?;
        Self::from_entries(entries)
    }

    pub(crate) fn from_entries(Entries(entries): Entries) -> Result<Self, ImportanceMapError> {
        let mut map = Self::default();
        let mut seen = HashSet::new();
        for (pattern, value) in entries {
            if !seen.insert(pattern.clone()) {
                return Err(ImportanceMapError::Duplicate(pattern));
            }
            let Some(score) = value.as_f64().filter(|s| (0.0..=1.0).contains(s)) else {
                return Err(ImportanceMapError::Score {
                    pattern,
                    score: value.to_string(),
                });
            };
            match regex_of(&pattern) {
                None => {
                    map.exact.insert(pattern.clone(), score);
                }
                Some(_) if map.patterns.len() == MAX_PATTERNS => {
                    return Err(ImportanceMapError::TooMany { most: MAX_PATTERNS });
                }
                Some(Ok(regex)) => map.patterns.push((regex, score)),
                Some(Err(source)) => return Err(ImportanceMapError::Pattern { pattern, source }),
            }
            map.entries.push((pattern, score));
        }
        Ok(map)
    }

    /// Whether it is all [by role](Self::by_role).
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The score of the tensor `name`, from 0 to 1.
    pub fn score(&self, name: &str) -> f64 {
        if let Some(&score) = self.exact.get(name) {
            return score;
        }
        let matching = self.patterns.iter().find(|(regex, _)| regex.is_match(name));
        matching.map_or_else(|| score_of_role(role(name)), |&(_, score)| score)
    }
}

fn score_of_role(role: Role) -> f64 {
    match role {
        Role::Embedding | Role::Head | Role::Norm | Role::Bias => 0.95,
        Role::Value | Role::Output => 0.80,
        Role::Query | Role::Key | Role::QueryKeyValue => 0.75,
        Role::Mlp | Role::Other => 0.50,
    }
}

/// The regex that `pattern` stands for; `None` when it is an exact name.
fn regex_of(pattern: &str) -> Option<Result<Regex, regex::Error>> {
    let inner = pattern.strip_prefix('/').and_then(|p| p.strip_suffix('/'));
    if let Some(regex) = inner {
        return Some(compiled(regex));
    }
    if !pattern.contains(['*', '?']) {
        return None;
    }
    let mut regex = String::from(r"(?s)\A");
    for c in pattern.chars() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            _ => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(r"\z");
    Some(compiled(&regex))
}

fn compiled(regex: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(regex).size_limit(MAX_COMPILED).build()
}

/// The entries of a JSON object as the file has them: in order, repeated keys too.
pub(crate) struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of patterns and scores")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> ImportanceMap {
        ImportanceMap::from_json(text).unwrap()
    }

    fn error(text: &str) -> ImportanceMapError {
        ImportanceMap::from_json(text).unwrap_err()
    }

    #[test]
    fn roles_have_their_scores() {
        for map in [
            ImportanceMap::by_role(),
            ImportanceMap::default(),
            map("{}"),
        ] {
            for (name, score) in [
                ("model.embed_tokens.weight", 0.95),
                ("lm_head.weight", 0.95),
                ("model.norm.weight", 0.95),
                ("model.layers.0.self_attn.q_proj.bias", 0.95),
                ("model.layers.0.self_attn.v_proj.weight", 0.80),
                ("model.layers.0.self_attn.o_proj.weight", 0.80),
                ("model.layers.0.self_attn.q_proj.weight", 0.75),
                ("model.layers.0.self_attn.k_proj.weight", 0.75),
                ("h.0.attn.c_attn.weight", 0.75),
                ("model.layers.0.mlp.up_proj.weight", 0.50),
                ("unheard_of", 0.50),
            ] {
                assert_eq!(map.score(name), score, "{name}");
            }
        }
    }

    #[test]
    fn an_exact_name_wins_wherever_it_stands() {
        let map = map(r#"{"*": 0.1, "/.*/": 0.2, "lm_head.weight": 0.3}"#);
        assert_eq!(map.score("lm_head.weight"), 0.3);
        assert_eq!(map.score("lm_head.weigh"), 0.1);
    }

    #[test]
    fn the_first_pattern_of_the_file_wins() {
        // In neither order of the alphabet.
        let text = r#"{"b.*": 0.2, "/^[ab]/": 0.3, "*": 0.4}"#;
        assert_eq!(map(text).score("b.c"), 0.2);
        assert_eq!(map(text).score("a.c"), 0.3);
        assert_eq!(map(text).score("z"), 0.4);
        let text = r#"{"*": 0.4, "b.*": 0.2}"#;
        assert_eq!(map(text).score("b.c"), 0.4);
    }

    #[test]
    fn a_name_that_nothing_matches_is_scored_by_its_role() {
        let map = map(r#"{"*.mlp.*": 0.4, "lm_head": 0.1}"#);
        assert_eq!(map.score("model.layers.0.self_attn.q_proj.weight"), 0.75);
        assert_eq!(map.score("lm_head.weight"), 0.95);
    }

    #[test]
    fn a_glob_spans_dots_and_the_whole_name() {
        let map = map(r#"{"*.mlp.*": 0.4, "h.?.w": 0.3, "(a+*": 0.2}"#);
        assert_eq!(map.score("model.layers.0.mlp.up_proj.weight"), 0.4);
        assert_eq!(map.score("h.7.w"), 0.3);
        assert_eq!(map.score("h.é.w"), 0.3);
        for name in ["h.12.w", "h..w", "h.7.w2", "xh.7.w", "h.7xw", "mlp.x"] {
            assert_eq!(map.score(name), 0.5, "{name}");
        }
        // What would be syntax in a regex stands for itself, and a line end is a character.
        assert_eq!(map.score("(a+\nb"), 0.2);
        assert_eq!(map.score("aab"), 0.5);
    }

    #[test]
    fn a_regex_is_found_anywhere() {
        let map = map(r#"{"/layers\\.(0|1)\\./": 0.9, "/^h\\.\\d+$/": 0.1, "/(?i)embed/": 0.2}"#);
        assert_eq!(map.score("model.layers.1.mlp.up_proj.weight"), 0.9);
        assert_eq!(map.score("model.layers.11.mlp.up_proj.weight"), 0.5);
        assert_eq!(map.score("h.12"), 0.1);
        assert_eq!(map.score("xh.12"), 0.5);
        assert_eq!(map.score("tokenEmbed"), 0.2);
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in [
            "",
            "[]",
            "0.5",
            r#"["a"]"#,
            r#"{"a": }"#,
            r#"{"a": 1} x"#,
            r#"{"a": 1e999}"#,
        ] {
            let error = error(text);
            assert!(
                matches!(error, ImportanceMapError::Json(_)),
                "{text}: {error}"
            );
            keeps_to_itself(&error);
        }
        assert!(error("[]").to_string().contains(r#"{"*.mlp.*": 0.4"#));
    }

    #[test]
    fn a_score_out_of_range_names_its_pattern() {
        for score in ["-0.001", "1.001", "\"0.5\"", "null", "{\"b\":1}"] {
            let error = error(&format!(r#"{{"a": 0.5, "*.mlp.*": {score}}}"#));
            assert!(matches!(error, ImportanceMapError::Score { .. }), "{error}");
            assert!(error.to_string().contains("\"*.mlp.*\""), "{error}");
            assert!(error.to_string().contains(score), "{error}");
        }
        let map = map(r#"{"none": 0, "all": 1}"#);
        assert_eq!((map.score("none"), map.score("all")), (0.0, 1.0));
    }

    #[test]
    fn a_bad_regex_names_its_pattern() {
        for pattern in ["/(/", "/a{2,1}/", "/(a{1000}){1000}/"] {
            let error = error(&format!(r#"{{"{pattern}": 0.5}}"#));
            assert!(
                matches!(error, ImportanceMapError::Pattern { .. }),
                "{error}"
            );
            assert!(error.to_string().contains(pattern), "{error}");
            keeps_to_itself(&error);
        }
    }

    /// What is behind an error is in its chain, not in its message.
    fn keeps_to_itself(error: &ImportanceMapError) {
        let behind = std::error::Error::source(error).unwrap().to_string();
        assert!(!error.to_string().contains(&behind), "{error}");
    }

    #[test]
    fn a_pattern_may_stand_once() {
        for pattern in ["lm_head.weight", "*.mlp.*", "/mlp/"] {
            let error = error(&format!(
                r#"{{"{pattern}": 0.5, "x": 0.1, "{pattern}": 0.5}}"#
            ));
            assert!(
                matches!(&error, ImportanceMapError::Duplicate(p) if p == pattern),
                "{error}"
            );
        }
    }

    #[test]
    fn a_single_slash_is_a_name() {
        assert_eq!(map(r#"{"/": 0.1}"#).score("/"), 0.1);
        assert_eq!(map(r#"{"/": 0.1}"#).score("a/b"), 0.5);
    }
}
