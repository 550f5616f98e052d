//! What files say of how they were made: the version of hct and the spec.

use hct_core::MAX_PROVENANCE;
use hct_strategies::StrategySpec;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::parts::part::Part;

#[derive(Serialize)]
struct Provenance<'a> {
    hct: &'static str,
    spec: &'a StrategySpec,
    /// SHA-256 of the file of the calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<&'a str>,
    /// SHA-256 of the file of the plan, whose specs count before the one above.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
}

/// What a file made from `spec` says, by the calibration and the plan whose files have these hashes
/// if it goes by one; none where that is too long, of a huge importance map.
pub fn provenance(
    spec: &StrategySpec,
    calibration: Option<&str>,
    plan: Option<&str>,
) -> Option<String> {
    let provenance = Provenance {
        hct: env!("CARGO_PKG_VERSION"),
        spec,
        calibration,
        plan,
    };
    let text = serde_json::to_string(&provenance).ok()?;
    (text.len() <= MAX_PROVENANCE).then_some(text)
}

/// The same of a part of it: the last that it says is which. None where the text is no JSON object, or
/// would be too long.
pub fn with_part(text: &str, part: Part) -> Option<String> {
    with_field(text, &format!("{PART}{part}\""))
}

/// The same where the normalisations have been changed since, for the model to predict more like it did
/// on texts of these SHA-256, in hexadecimal, whatever they had been changed to before. None where the
/// text is no JSON object, or would be too long.
pub fn with_tuning(text: &str, texts: &[String]) -> Option<String> {
    let before = text.rsplit_once(TUNED).filter(|(_, texts)| {
        let texts = texts.strip_suffix('}');
        texts.is_some_and(|texts| serde_json::from_str::<Vec<String>>(texts).is_ok())
    });
    let untuned = before.map(|(object, _)| format!("{object}}}"));
    let texts = serde_json::to_string(texts).ok()?;
    with_field(
        untuned.as_deref().unwrap_or(text),
        &format!("{TUNED}{texts}"),
    )
}

/// A JSON object with one field more, which comes with its comma. None where the text is none, or would
/// be too long.
fn with_field(text: &str, field: &str) -> Option<String> {
    let object = text.strip_suffix('}').filter(|object| object.len() > 1)?;
    let text = format!("{object}{field}}}");
    (text.len() <= MAX_PROVENANCE).then_some(text)
}

const TUNED: &str = r#","tuned_on":"#;

/// What a part says, but for which part it is.
pub fn without_part(text: &str) -> String {
    let part = text.rsplit_once(PART).filter(|(_, part)| {
        part.strip_suffix(END)
            .is_some_and(|p| p.parse::<Part>().is_ok())
    });
    part.map_or_else(|| text.to_owned(), |(object, _)| format!("{object}}}"))
}

const PART: &str = r#","part":""#;
const END: &str = r#""}"#;

/// What a file says, which may be anything.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum MadeBy {
    /// JSON, its fields in their order.
    Json(Box<RawValue>),
    /// Some other text.
    Text(String),
}

impl MadeBy {
    /// Of the text in a file.
    pub fn of(text: &str) -> MadeBy {
        // A `Value` is JSON that others read, too: not nested too deeply, its numbers numbers.
        let json = serde_json::from_str::<Value>(text)
            .and_then(|_| RawValue::from_string(text.trim().to_owned()));
        match json {
            Ok(json) => MadeBy::Json(json),
            Err(_) => MadeBy::Text(text.to_owned()),
        }
    }

    /// The text, its fields in their order where it is JSON.
    pub fn text(&self) -> &str {
        match self {
            MadeBy::Json(json) => json.get(),
            MadeBy::Text(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hct_strategies::{ImportanceMap, StrategyName};

    #[test]
    fn anything_is_shown_and_nothing_obeyed() {
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        for text in [&deep, "{\"a\": 1e999}", "{", "\u{1b}"] {
            assert!(matches!(MadeBy::of(text), MadeBy::Text(_)));
            let shown = serde_json::to_string(&MadeBy::of(text)).unwrap();
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), *text);
        }
        // The order of an importance map counts.
        let ordered = r#"{"z":1,"a":{"y":0.5,"x":2}}"#;
        assert_eq!(
            serde_json::to_string(&MadeBy::of(ordered)).unwrap(),
            ordered
        );
    }

    #[test]
    fn which_part_it_is_comes_and_goes() {
        let part = "2/3".parse().unwrap();
        for whole in [r#"{"hct":"0.1.0","spec":{"strategy":"rdo"}}"#, r#"{"a":1}"#] {
            let of_part = with_part(whole, part).unwrap();
            assert!(matches!(MadeBy::of(&of_part), MadeBy::Json(_)), "{of_part}");
            assert!(of_part.ends_with(r#","part":"2/3"}"#), "{of_part}");
            assert_eq!(without_part(&of_part), whole);
            assert_eq!(without_part(whole), whole);
        }
        assert_eq!(with_part("by hand", part), None);
        let odd = r#"{"a":1,"part":"4/3"}"#;
        assert_eq!(without_part(odd), odd);
    }

    #[test]
    fn what_it_was_tuned_on_is_said() {
        let tuned = with_tuning(r#"{"hct":"0.1.0"}"#, &["ab".to_owned(), "cd".to_owned()]);
        let tuned = tuned.unwrap();
        assert_eq!(tuned, r#"{"hct":"0.1.0","tuned_on":["ab","cd"]}"#);
        let again = with_tuning(&tuned, &["ef".to_owned()]);
        assert_eq!(again.unwrap(), r#"{"hct":"0.1.0","tuned_on":["ef"]}"#);
        assert_eq!(with_tuning("by hand", &[]), None);
    }

    #[test]
    fn a_spec_too_long_to_carry_is_left_out() {
        let map = |patterns: usize| {
            let entries: Vec<_> = (0..patterns)
                .map(|i| format!("\"layer {i}\":0.5"))
                .collect();
            let map = ImportanceMap::from_json(&format!("{{{}}}", entries.join(","))).unwrap();
            let spec = StrategySpec::builder(StrategyName::Importance).importance_map(map);
            provenance(&spec.finish().unwrap(), None, None)
        };
        assert!(map(100).unwrap().contains("\"layer 99\":0.5"));
        assert_eq!(map(10_000), None);
    }
}
