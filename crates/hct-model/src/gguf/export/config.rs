//! What a model is: config.json as the metadata of llama.cpp.

use serde_json::{Map, Value};

use super::fault::ExportFault;
use crate::gguf::GgufValue;

pub(super) const CONFIG: &str = "config.json";

/// A configuration, read.
pub(super) struct Config {
    pub architecture: Architecture,
    json: Map<String, Value>,
}

/// The layouts that are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    Llama,
    Qwen2,
}

impl Config {
    pub fn read(json: Map<String, Value>) -> Result<Config, ExportFault> {
        let architecture = match text(&json, CONFIG, "model_type")? {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            other => {
                let model_type = other.to_owned();
                return Err(ExportFault::Architecture { model_type });
            }
        };
        Ok(Config { architecture, json })
    }

    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    /// Heads of queries.
    pub fn heads(&self) -> Result<u32, ExportFault> {
        self.integer("num_attention_heads")
    }

    /// Heads of keys and of values.
    pub fn heads_kv(&self) -> Result<u32, ExportFault> {
        match self.json.get("num_key_value_heads") {
            None | Some(Value::Null) => self.heads(),
            Some(_) => self.integer("num_key_value_heads"),
        }
    }

    /// Width of a head.
    fn head_width(&self) -> Result<u32, ExportFault> {
        match self.json.get("head_dim") {
            None | Some(Value::Null) => {
                let width = self.integer("hidden_size")?.checked_div(self.heads()?);
                width.ok_or_else(|| self.none("num_attention_heads", "above 0"))
            }
            Some(_) => self.integer("head_dim"),
        }
    }

    /// Tokens that there are embeddings for.
    pub fn vocabulary(&self) -> Result<u32, ExportFault> {
        self.integer("vocab_size")
    }

    /// The metadata of the model, without its tokenizer. `name` is what it is called.
    pub fn metadata(&self, name: &str) -> Result<Vec<(String, GgufValue)>, ExportFault> {
        let architecture = match self.architecture {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
        };
        let text = |text: &str| GgufValue::String(text.into());
        let mut out = vec![
            ("general.architecture".to_owned(), text(architecture)),
            ("general.type".to_owned(), text("model")),
            ("general.name".to_owned(), text(name)),
        ];
        let mut put = |key: &str, value| out.push((format!("{architecture}.{key}"), value));
        let integer = |key| self.integer(key).map(GgufValue::U32);
        put("block_count", integer("num_hidden_layers")?);
        put("context_length", integer("max_position_embeddings")?);
        put("embedding_length", integer("hidden_size")?);
        put("feed_forward_length", integer("intermediate_size")?);
        put("attention.head_count", GgufValue::U32(self.heads()?));
        put("attention.head_count_kv", GgufValue::U32(self.heads_kv()?));
        put("rope.freq_base", GgufValue::F32(self.rope_base()?));
        let epsilon = self.number("rms_norm_eps")?;
        put(
            "attention.layer_norm_rms_epsilon",
            GgufValue::F32(epsilon as f32),
        );
        put("vocab_size", GgufValue::U32(self.vocabulary()?));
        let width = self.head_width()?;
        put("rope.dimension_count", GgufValue::U32(width));
        if width.checked_mul(self.heads()?) != Some(self.integer("hidden_size")?) {
            put("attention.key_length", GgufValue::U32(width));
            put("attention.value_length", GgufValue::U32(width));
        }
        match self.scaling()? {
            Some(Scaling::Linear { factor }) => {
                put("rope.scaling.type", text("linear"));
                put("rope.scaling.factor", GgufValue::F32(factor as f32));
            }
            Some(Scaling::Llama3 { .. }) | None => {}
        }
        Ok(out)
    }

    /// What every rotary frequency is divided by, as the tensor that llama.cpp takes it from; `None`
    /// where nothing is, or all are alike.
    pub fn rope_factors(&self) -> Result<Option<Vec<f32>>, ExportFault> {
        let Some(Scaling::Llama3 {
            factor,
            low,
            high,
            context,
        }) = self.scaling()?
        else {
            return Ok(None);
        };
        let (base, width) = (f64::from(self.rope_base()?), self.head_width()?);
        // Long waves are stretched by the factor, short ones are not, and between there is a ramp: the
        // "llama3" of the transformers library.
        let factors = (0..width / 2).map(|i| {
            let exponent = 2.0 * f64::from(i) / f64::from(width);
            let wave = 2.0 * std::f64::consts::PI * libm::pow(base, exponent);
            let turns = context / wave;
            let stretch = if turns > high {
                1.0
            } else if turns < low {
                factor
            } else {
                let ramp = (turns - low) / (high - low);
                1.0 / ((1.0 - ramp) / factor + ramp)
            };
            stretch as f32
        });
        Ok(Some(factors.collect()))
    }

    fn rope_base(&self) -> Result<f32, ExportFault> {
        match self.json.get("rope_theta") {
            // The default of the layouts.
            None | Some(Value::Null) => Ok(10_000.0),
            Some(_) => Ok(self.number("rope_theta")? as f32),
        }
    }

    fn scaling(&self) -> Result<Option<Scaling>, ExportFault> {
        let scaling = match self.json.get("rope_scaling") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(scaling)) => scaling,
            Some(_) => return Err(self.none("rope_scaling", "an object")),
        };
        let kind = scaling.get("rope_type").or(scaling.get("type"));
        let number = |key: &str| {
            let number = scaling.get(key).and_then(Value::as_f64);
            number.ok_or_else(|| self.none(&format!("rope_scaling.{key}"), "a number"))
        };
        match kind.and_then(Value::as_str) {
            Some("default") => Ok(None),
            Some("linear") => Ok(Some(Scaling::Linear {
                factor: number("factor")?,
            })),
            Some("llama3") => Ok(Some(Scaling::Llama3 {
                factor: number("factor")?,
                low: number("low_freq_factor")?,
                high: number("high_freq_factor")?,
                context: number("original_max_position_embeddings")?,
            })),
            other => Err(ExportFault::RopeScaling {
                kind: other.unwrap_or_default().to_owned(),
            }),
        }
    }

    fn integer(&self, key: &str) -> Result<u32, ExportFault> {
        let value = self.json.get(key).and_then(Value::as_u64);
        let value = value.and_then(|n| u32::try_from(n).ok());
        value.ok_or_else(|| self.none(key, "a whole number"))
    }

    fn number(&self, key: &str) -> Result<f64, ExportFault> {
        let value = self.json.get(key).and_then(Value::as_f64);
        value.ok_or_else(|| self.none(key, "a number"))
    }

    fn none(&self, key: &str, wanted: &'static str) -> ExportFault {
        ExportFault::NoValue {
            file: CONFIG,
            key: key.to_owned(),
            wanted,
        }
    }
}

/// How positions beyond those of training are reached.
enum Scaling {
    Linear {
        factor: f64,
    },
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        context: f64,
    },
}

/// A text of a JSON object.
pub(super) fn text<'a>(
    json: &'a Map<String, Value>,
    file: &'static str,
    key: &str,
) -> Result<&'a str, ExportFault> {
    let text = json.get(key).and_then(Value::as_str);
    text.ok_or_else(|| ExportFault::NoValue {
        file,
        key: key.to_owned(),
        wanted: "a text",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(more: &Value) -> Config {
        let mut json = json!({
            "model_type": "llama", "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "vocab_size": 10,
        });
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        Config::read(json.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn widths_of_heads_that_are_not_usual_are_said() {
        let said = |config: &Config, key: &str| {
            let metadata = config.metadata("m").unwrap();
            let pair = metadata.into_iter().find(|(k, _)| k == key);
            pair.map(|(_, value)| value.integer().unwrap())
        };
        let usual = config(&json!({}));
        assert_eq!(said(&usual, "llama.rope.dimension_count"), Some(16));
        assert_eq!(said(&usual, "llama.attention.key_length"), None);
        let wide = config(&json!({ "head_dim": 32 }));
        assert_eq!(said(&wide, "llama.rope.dimension_count"), Some(32));
        assert_eq!(said(&wide, "llama.attention.key_length"), Some(32));
    }

    #[test]
    fn positions_are_scaled_as_configured_or_refused() {
        assert_eq!(config(&json!({})).rope_factors(), Ok(None));
        let scaling = json!({ "rope_scaling": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }});
        let factors = config(&scaling).rope_factors().unwrap().unwrap();
        assert_eq!(factors.len(), 8);
        // The first wave is 6.3 positions long, ten of them in 64; the last 20,000.
        assert_eq!((factors[0], factors[7]), (1.0, 8.0));
        assert!(factors[1] > 1.0 && factors[1] < 8.0);
        let other = config(&json!({ "rope_scaling": { "type": "yarn", "factor": 2.0 } }));
        let refused = ExportFault::RopeScaling {
            kind: "yarn".into(),
        };
        assert_eq!(other.metadata("m"), Err(refused));
    }
}
