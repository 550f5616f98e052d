//! Which tensor of a base goes with which, where their names differ.

use std::collections::HashSet;

use crate::json_pairs::{JsonPairs, first_duplicate};

/// What ends a rule for all names that begin alike.
const ANY: char = '*';

/// Names of tensors, or beginnings of names, and what a base calls them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseMap {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// As it is written.
    text: String,
    /// The name, or its beginning.
    own: String,
    /// The same in the base.
    base: String,
    prefix: bool,
}

/// Why a text is no map, or one that does not go with a checkpoint and its base.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseMapError {
    /// It is not a JSON object of strings.
    #[error("it is not a JSON object of strings")]
    Json(#[source] serde_json::Error),
    /// A rule comes twice.
    #[error("{0:?} is there twice")]
    Duplicate(String),
    /// One side of a rule is for all names that begin alike, the other is not.
    #[error("{rule:?}: {base:?}: either both end in * or none does")]
    OneSided {
        /// The left side.
        rule: String,
        /// The right side.
        base: String,
    },
    /// A rule is for a tensor that the checkpoint does not have.
    #[error("the checkpoint has no tensor {rule:?}; correct the name or leave the rule out")]
    NoTensor {
        /// The left side of the rule.
        rule: String,
    },
    /// A rule leads to no tensor of the base, or to one of another dtype or shape.
    #[error(
        "{rule:?} is to be coded against {base:?}, and the base has no tensor of that name, dtype and shape"
    )]
    NoBase {
        /// The left side of the rule.
        rule: String,
        /// The name it leads to.
        base: String,
    },
    /// A rule for names that begin alike leads to nothing in the base for any of them.
    #[error(
        "{rule:?} leads from no tensor of the checkpoint to one of the base of the same dtype and shape"
    )]
    Useless {
        /// The left side of the rule.
        rule: String,
    },
}

/// Most rules of a map: each is held against each tensor.
const MAX_RULES: usize = 1 << 16;

impl BaseMap {
    /// Reads a JSON object of names of tensors to those of the base. A name that ends in `*`
    /// stands for all that begin so, and what it is mapped to, which ends in `*` as well, for the
    /// same with another beginning: `{"model.*": "encoder.*"}`. Names come before beginnings,
    /// longer beginnings before shorter ones.
    ///
    /// # Errors
    /// When `text` is no such object.
    pub fn from_json(text: &str) -> Result<BaseMap, BaseMapError> {
        let JsonPairs::<MAX_RULES>(pairs) =
            serde_json::from_str(text).map_err(BaseMapError::Json)?;
        if let Some(twice) = first_duplicate(pairs.iter().map(|(rule, _)| rule.as_str())) {
            return Err(BaseMapError::Duplicate(twice.to_owned()));
        }
        let mut rules = Vec::with_capacity(pairs.len());
        for (rule, base) in pairs {
            rules.push(match (rule.strip_suffix(ANY), base.strip_suffix(ANY)) {
                (Some(own), Some(other)) => Rule {
                    own: own.to_owned(),
                    base: other.to_owned(),
                    text: rule,
                    prefix: true,
                },
                (None, None) => Rule {
                    own: rule.clone(),
                    text: rule,
                    base,
                    prefix: false,
                },
                _ => return Err(BaseMapError::OneSided { rule, base }),
            });
        }
        rules.sort_by_key(|rule| (rule.prefix, std::cmp::Reverse(rule.own.len())));
        Ok(BaseMap { rules })
    }

    /// For each of `names` what `find` makes of its number and its name in the base, if a rule
    /// gives it one.
    ///
    /// # Errors
    /// When a rule is for no name, or leads to nothing.
    pub(super) fn apply(
        &self,
        names: &[&str],
        find: impl Fn(usize, &str) -> Option<usize>,
    ) -> Result<Vec<Option<usize>>, BaseMapError> {
        let mut found = vec![None; names.len()];
        let mut ruled = HashSet::new();
        for rule in &self.rules {
            let text = || rule.text.clone();
            let (mut any, mut used) = (false, false);
            for (i, name) in names.iter().enumerate() {
                let rest = match rule.prefix {
                    true => name.strip_prefix(rule.own.as_str()),
                    false => (*name == rule.own).then_some(""),
                };
                let Some(rest) = rest else { continue };
                any = true;
                // An earlier rule is the more exact one.
                if !ruled.insert(i) {
                    used = true;
                    continue;
                }
                found[i] = find(i, &format!("{}{rest}", rule.base));
                used |= found[i].is_some();
            }
            match (rule.prefix, any, used) {
                (_, true, true) => {}
                (true, ..) => return Err(BaseMapError::Useless { rule: text() }),
                (false, false, _) => return Err(BaseMapError::NoTensor { rule: text() }),
                (false, true, false) => {
                    return Err(BaseMapError::NoBase {
                        rule: text(),
                        base: rule.base.clone(),
                    });
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules make of names, in a base of these names.
    fn apply(
        json: &str,
        names: &[&str],
        base: &[&str],
    ) -> Result<Vec<Option<usize>>, BaseMapError> {
        let find = |_, name: &str| base.iter().position(|b| *b == name);
        BaseMap::from_json(json)?.apply(names, find)
    }

    #[test]
    fn exact_names_come_before_beginnings_and_long_ones_before_short() {
        let json = r#"{"*": "x.*", "a.*": "y.*", "a.b": "z"}"#;
        let found = apply(
            json,
            &["a.b", "a.c", "d", "e"],
            &["x.d", "y.c", "z", "x.a.b"],
        );
        assert_eq!(found.unwrap(), [Some(2), Some(1), Some(0), None]);
        assert_eq!(apply("{}", &["a"], &["a"]).unwrap(), [None]);
    }

    #[test]
    fn rules_that_lead_nowhere_are_refused() {
        let error = |json| apply(json, &["a", "m.b"], &["a", "n.b"]).unwrap_err();
        assert!(matches!(error("[]"), BaseMapError::Json(_)));
        assert!(matches!(error(r#"{"a": 1}"#), BaseMapError::Json(_)));
        assert!(matches!(
            error(r#"{"a":"a","a":"b"}"#),
            BaseMapError::Duplicate(_)
        ));
        assert!(matches!(
            error(r#"{"m.*":"n"}"#),
            BaseMapError::OneSided { .. }
        ));
        assert!(matches!(
            error(r#"{"c":"a"}"#),
            BaseMapError::NoTensor { .. }
        ));
        assert!(matches!(error(r#"{"a":"c"}"#), BaseMapError::NoBase { .. }));
        assert!(matches!(
            error(r#"{"m.*":"o.*"}"#),
            BaseMapError::Useless { .. }
        ));
        assert!(matches!(
            error(r#"{"k.*":"n.*"}"#),
            BaseMapError::Useless { .. }
        ));
    }
}
