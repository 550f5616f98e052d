//! Specs as JSON.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::error::SpecError;
use super::options::SpecOption;
use super::settings::{SpecBuilder, StrategySpec};
use crate::importance_map::Entries;
use crate::named::excerpt;
use crate::{Effort, ImportanceMap, Preset, StrategyName};

/// Most bytes of JSON that a spec may take: 1 MiB.
pub const MAX_SPEC: usize = 1 << 20;

const STRATEGY: &str = "strategy";

impl StrategySpec {
    /// Reads a spec from a JSON object with the field `strategy` and options by their
    /// [names](SpecOption::name), such as
    /// `{"strategy": "importance", "retention": 0.9, "importance_map": {"*.mlp.*": 0.4}}`.
    ///
    /// # Errors
    /// When the text is no such object or too long, or its options are wrong: see [`SpecError`].
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        if text.len() > MAX_SPEC {
            return Err(SpecError::TooLong {
                bytes: text.len(),
                most: MAX_SPEC,
            });
        }
        let fields: Fields = serde_json::from_str(text).map_err(SpecError::Json)?;
        fields.spec()
    }

    /// The spec as JSON on one line: every option that counts, in the order of
    /// [`SpecOption::ALL`]. Reading it gives the same spec, and equal specs give the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers are finite and keys are strings")
    }
}

impl Serialize for StrategySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let s = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(STRATEGY, s.strategy.name())?;
        for &option in SpecOption::ALL.iter().filter(|&&o| s.has(o)) {
            let name = option.name();
            match option {
                SpecOption::Preset => map.serialize_entry(name, &s.preset.map(Preset::name))?,
                SpecOption::Effort => map.serialize_entry(name, &s.effort.map(Effort::name))?,
                SpecOption::Rank => map.serialize_entry(name, &s.rank)?,
                SpecOption::Fragments => map.serialize_entry(name, &s.fragments)?,
                SpecOption::ImportanceMap => map.serialize_entry(name, &s.importance_map)?,
                _ => map.serialize_entry(name, &s.number(option))?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for StrategySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        fields.spec().map_err(D::Error::custom)
    }
}

/// The fields as the text has them: in order, repeated ones too.
struct Fields(Vec<(String, Field)>);

enum Field {
    /// An importance map, whose order matters.
    Map(Entries),
    Other(Value),
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of options")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let field = match name == SpecOption::ImportanceMap.name() {
                true => Field::Map(map.next_value()?),
                false => Field::Other(map.next_value()?),
            };
            fields.push((name, field));
        }
        Ok(Fields(fields))
    }
}

impl Fields {
    fn spec(self) -> Result<StrategySpec, SpecError> {
        let mut strategy = None;
        let mut seen = HashSet::new();
        let mut builder = StrategySpec::builder(StrategyName::default());
        for (name, field) in self.0 {
            let option = SpecOption::ALL.iter().find(|o| o.name() == name);
            let known = match option {
                Some(option) => option.name(),
                None if name == STRATEGY => STRATEGY,
                None => {
                    let name = excerpt(&name);
                    return Err(SpecError::UnknownOption { name });
                }
            };
            if !seen.insert(known) {
                return Err(SpecError::Repeated { name: known });
            }
            match (option, field) {
                (Some(&option), field) => builder = with(builder, option, field)?,
                (None, Field::Other(value)) => strategy = Some(text(&value).parse()?),
                // Only fields of that name are read as maps.
                (None, Field::Map(_)) => {}
            }
        }
        builder.0.strategy = strategy.ok_or(SpecError::NoStrategy)?;
        builder.finish()
    }
}

fn with(builder: SpecBuilder, option: SpecOption, field: Field) -> Result<SpecBuilder, SpecError> {
    let value = match field {
        Field::Map(entries) => {
            let map = ImportanceMap::from_entries(entries)?;
            return Ok(builder.importance_map(map));
        }
        Field::Other(value) => value,
    };
    let wrong = || option.wrong(&value.to_string());
    let number = || value.as_f64().ok_or_else(wrong);
    let whole = || {
        let n = value.as_u64().and_then(|n| usize::try_from(n).ok());
        n.ok_or_else(wrong)
    };
    Ok(match option {
        SpecOption::Preset => builder.preset(text(&value).parse::<Preset>()?),
        SpecOption::Retention => builder.retention(number()?),
        SpecOption::Cosine => builder.cosine(number()?),
        SpecOption::RelMse => builder.rel_mse(number()?),
        SpecOption::Step => builder.step(number()?),
        SpecOption::BitsPerWeight => builder.bits_per_weight(number()?),
        SpecOption::DeltaCosine => builder.delta_cosine(number()?),
        SpecOption::Effort => builder.effort(text(&value).parse::<Effort>()?),
        SpecOption::Rank => builder.rank(whole()?),
        SpecOption::Fp16Ratio => builder.fp16_ratio(number()?),
        SpecOption::Fragments => builder.fragments(whole()?),
        SpecOption::ImportanceMap => return Err(wrong()),
    })
}

/// The text of a string, or of the JSON of anything else.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
