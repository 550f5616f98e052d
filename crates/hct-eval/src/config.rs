//! The parts of `config.json` that decide how a model is run; anything that would change the
//! forward pass and is not implemented is refused rather than ignored.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

pub(crate) enum Config {
    Decoder(DecoderConfig),
    Encoder(EncoderConfig),
}

impl Config {
    pub fn parse(json: &[u8]) -> Result<Config, Error> {
        #[derive(Deserialize)]
        struct Kind {
            model_type: String,
        }
        let Kind { model_type } = serde_json::from_slice(json).map_err(Error::ConfigJson)?;
        match model_type.as_str() {
            "llama" => DecoderConfig::parse(json, false).map(Config::Decoder),
            "qwen2" => DecoderConfig::parse(json, true).map(Config::Decoder),
            "bert" => EncoderConfig::parse(json).map(Config::Encoder),
            _ => Err(Error::Architecture { model_type }),
        }
    }
}

/// A decoder of the Llama or Qwen2 layout.
#[derive(Deserialize)]
pub(crate) struct DecoderConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    pub max_position_embeddings: usize,
    #[serde(default = "default_rms_norm_eps")]
    pub rms_norm_eps: f64,
    #[serde(default)]
    pub tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    #[serde(default)]
    eos_token_id: EndTokens,
    pub bos_token_id: Option<u32>,
    rope_theta: Option<f64>,
    rope_parameters: Option<RopeParameters>,
    rope_scaling: Option<Value>,
    hidden_act: Option<Value>,
    #[serde(default)]
    use_sliding_window: bool,
    quantization_config: Option<Value>,
    #[serde(skip)]
    is_qwen2: bool,
}

/// How newer versions of the transformers library write the rotary settings.
#[derive(Deserialize)]
struct RopeParameters {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum EndTokens {
    #[default]
    None,
    One(u32),
    Many(Vec<u32>),
}

fn default_rms_norm_eps() -> f64 {
    1e-6
}

impl DecoderConfig {
    fn parse(json: &[u8], is_qwen2: bool) -> Result<DecoderConfig, Error> {
        let mut config: DecoderConfig = serde_json::from_slice(json).map_err(Error::ConfigJson)?;
        config.is_qwen2 = is_qwen2;
        refuse_unless(&config.hidden_act, "hidden_act", "silu")?;
        refuse_unless(&config.quantization_config, "quantization_config", "null")?;
        if let Some(scaling) = &config.rope_scaling {
            let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
            refuse_unless(&kind.or(Some(scaling)).cloned(), "rope_scaling", "default")?;
        }
        if let Some(kind) = config
            .rope_parameters
            .as_ref()
            .and_then(|rope| rope.rope_type.clone())
        {
            refuse_unless(&Some(Value::String(kind)), "rope_type", "default")?;
        }
        if config.is_qwen2 && config.use_sliding_window {
            let (setting, value) = ("use_sliding_window", "true".to_owned());
            return Err(Error::Setting { setting, value });
        }

        let heads = config.num_attention_heads;
        if heads == 0 || config.kv_heads() == 0 || !heads.is_multiple_of(config.kv_heads()) {
            return Err(Error::Sizes(
                "the attention heads are not a multiple of the key/value heads",
            ));
        }
        if config.head_dim() == 0 || !config.head_dim().is_multiple_of(2) {
            return Err(Error::Sizes("the head dimension is not even"));
        }
        Ok(config)
    }

    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    pub fn head_dim(&self) -> usize {
        self.head_dim
            .unwrap_or(self.hidden_size / self.num_attention_heads)
    }

    pub fn rope_theta(&self) -> f64 {
        let newer = self.rope_parameters.as_ref().and_then(|r| r.rope_theta);
        self.rope_theta.or(newer).unwrap_or(10_000.0)
    }

    /// Whether the query, key and value projections have biases.
    pub fn qkv_bias(&self) -> bool {
        self.is_qwen2 || self.attention_bias
    }

    /// Whether the attention's output projection has a bias.
    pub fn output_bias(&self) -> bool {
        !self.is_qwen2 && self.attention_bias
    }

    /// The tokens that end a text.
    pub fn end_tokens(&self) -> &[u32] {
        match &self.eos_token_id {
            EndTokens::None => &[],
            EndTokens::One(token) => std::slice::from_ref(token),
            EndTokens::Many(tokens) => tokens,
        }
    }
}

/// An encoder of the BERT layout.
#[derive(Deserialize)]
pub(crate) struct EncoderConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub layer_norm_eps: f64,
    hidden_act: Option<Value>,
    position_embedding_type: Option<Value>,
    quantization_config: Option<Value>,
}

impl EncoderConfig {
    fn parse(json: &[u8]) -> Result<EncoderConfig, Error> {
        let config: EncoderConfig = serde_json::from_slice(json).map_err(Error::ConfigJson)?;
        refuse_unless(&config.hidden_act, "hidden_act", "gelu")?;
        let positions = &config.position_embedding_type;
        refuse_unless(positions, "position_embedding_type", "absolute")?;
        refuse_unless(&config.quantization_config, "quantization_config", "null")?;
        let heads = config.num_attention_heads;
        if heads == 0 || !config.hidden_size.is_multiple_of(heads) {
            return Err(Error::Sizes(
                "the hidden size is not a multiple of the attention heads",
            ));
        }
        Ok(config)
    }

    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

/// Refuses a setting that is there and is not the one value that is implemented.
fn refuse_unless(value: &Option<Value>, setting: &'static str, only: &str) -> Result<(), Error> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(value)) if value == only => Ok(()),
        Some(value) => Err(Error::Setting {
            setting,
            value: value.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llama(extra: &str) -> Result<Config, Error> {
        let sizes = r#""vocab_size": 8, "hidden_size": 12, "intermediate_size": 16,
            "num_hidden_layers": 1, "num_attention_heads": 3, "max_position_embeddings": 32"#;
        Config::parse(format!("{{\"model_type\": \"llama\", {sizes}{extra}}}").as_bytes())
    }

    #[test]
    fn what_changes_the_forward_pass_is_refused() {
        assert!(llama("").is_ok());
        assert!(llama(r#", "rope_scaling": null"#).is_ok());
        assert!(llama(r#", "rope_scaling": {"rope_type": "default"}"#).is_ok());
        for extra in [
            r#", "rope_scaling": {"rope_type": "llama3", "factor": 8.0}"#,
            r#", "rope_scaling": {"type": "linear", "factor": 2.0}"#,
            r#", "rope_parameters": {"rope_type": "yarn"}"#,
            r#", "hidden_act": "gelu""#,
            r#", "quantization_config": {"bits": 4}"#,
        ] {
            assert!(
                matches!(llama(extra), Err(Error::Setting { .. })),
                "{extra}"
            );
        }
        assert!(matches!(
            Config::parse(br#"{"model_type": "mamba"}"#),
            Err(Error::Architecture { .. })
        ));
    }

    #[test]
    fn impossible_heads_are_refused() {
        for extra in [
            r#", "num_key_value_heads": 2"#,
            r#", "num_key_value_heads": 0"#,
            r#", "head_dim": 3"#,
        ] {
            assert!(matches!(llama(extra), Err(Error::Sizes(_))), "{extra}");
        }
    }

    #[test]
    fn end_tokens_are_one_or_many() {
        let ends = |extra| match llama(extra) {
            Ok(Config::Decoder(config)) => config.end_tokens().to_vec(),
            _ => panic!("{extra}"),
        };
        assert_eq!(ends(""), [0; 0]);
        assert_eq!(ends(r#", "eos_token_id": null"#), [0; 0]);
        assert_eq!(ends(r#", "eos_token_id": 2"#), [2]);
        assert_eq!(ends(r#", "eos_token_id": [2, 5]"#), [2, 5]);
    }

    #[test]
    fn rope_theta_is_found_where_either_version_puts_it() {
        let theta = |extra| match llama(extra) {
            Ok(Config::Decoder(config)) => config.rope_theta(),
            _ => panic!("{extra}"),
        };
        assert_eq!(theta(""), 10_000.0);
        assert_eq!(theta(r#", "rope_theta": 5e5"#), 5e5);
        assert_eq!(theta(r#", "rope_parameters": {"rope_theta": 1e6}"#), 1e6);
    }
}
