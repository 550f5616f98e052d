//! One measurement on every text.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::texts::{HANDBOOK, OTHERS, Text};

/// What was measured on the handbook, and on texts of other kinds.
///
/// In JSON the handbook's fields stand by themselves, as in documents from when it was the only
/// text; those have nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnTexts<T> {
    /// On the handbook.
    #[serde(flatten)]
    pub handbook: T,
    /// On the others, by kind.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<String, T>,
}

impl<T> OnTexts<T> {
    /// Measures on every text.
    pub fn measure(mut measure: impl FnMut(&Text) -> Result<T>) -> Result<OnTexts<T>> {
        let handbook = measure(&HANDBOOK)?;
        let others = OTHERS.iter();
        let elsewhere = others
            .map(|text| Ok((text.kind.to_owned(), measure(text)?)))
            .collect::<Result<_>>()?;
        Ok(OnTexts {
            handbook,
            elsewhere,
        })
    }

    /// Goes on from what was measured.
    pub fn try_map<U>(&self, mut next: impl FnMut(&T) -> Result<U>) -> Result<OnTexts<U>> {
        let elsewhere = self.elsewhere.iter();
        Ok(OnTexts {
            handbook: next(&self.handbook)?,
            elsewhere: elsewhere
                .map(|(kind, value)| Ok((kind.clone(), next(value)?)))
                .collect::<Result<_>>()?,
        })
    }

    /// The same of something else.
    pub fn map<U>(&self, next: impl Fn(&T) -> U) -> OnTexts<U> {
        let elsewhere = self.elsewhere.iter();
        OnTexts {
            handbook: next(&self.handbook),
            elsewhere: elsewhere
                .map(|(kind, value)| (kind.clone(), next(value)))
                .collect(),
        }
    }

    /// Every kind that was measured, the handbook first and the others in their usual order.
    pub fn by_kind(&self) -> Vec<(&'static str, &T)> {
        let others = OTHERS.iter();
        let others = others.filter_map(|text| Some((text.kind, self.elsewhere.get(text.kind)?)));
        [(HANDBOOK.kind, &self.handbook)]
            .into_iter()
            .chain(others)
            .collect()
    }

    /// The mean of `value` over all kinds but the handbook. None without any.
    pub fn mean_elsewhere(&self, value: impl Fn(&T) -> f64) -> Option<f64> {
        let count = self.elsewhere.len();
        (count > 0).then(|| self.elsewhere.values().map(value).sum::<f64>() / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Loss {
        kld: f64,
    }

    fn loss(text: &Text) -> Result<Loss> {
        Ok(Loss {
            kld: text.kind.len() as f64,
        })
    }

    #[test]
    fn each_kind_has_its_own_and_the_handbook_is_not_in_the_mean() {
        let all = OnTexts::measure(loss).unwrap();
        let kinds: Vec<_> = all.by_kind().into_iter().map(|(k, l)| (k, l.kld)).collect();
        assert_eq!(
            kinds,
            [
                ("handbook", 8.0),
                ("prose", 5.0),
                ("code", 4.0),
                ("languages", 9.0)
            ]
        );
        assert_eq!(all.mean_elsewhere(|l| l.kld), Some(6.0));
        let doubled = all.map(|l| 2.0 * l.kld);
        assert_eq!(all.try_map(|l| Ok(2.0 * l.kld)).unwrap(), doubled);
        assert_eq!(doubled.mean_elsewhere(|&l| l), Some(12.0));
    }

    #[test]
    fn documents_with_one_text_are_still_read() {
        let old: OnTexts<Loss> = serde_json::from_str(r#"{"kld": 0.5}"#).unwrap();
        assert_eq!(
            (old.handbook.kld, old.mean_elsewhere(|l| l.kld)),
            (0.5, None)
        );
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"kld":0.5}"#);
        let all = OnTexts::measure(loss).unwrap();
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<OnTexts<Loss>>(&text).unwrap(), all);
    }
}
