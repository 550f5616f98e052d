//! A small made-up Llama checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::{Made, f32_bytes, put, safetensors, weights};

/// Words that it knows.
pub const WORDS: usize = 96;
/// Its width.
pub const HIDDEN: usize = 64;
const INNER: usize = 96;

/// A matrix, spread so that the model has opinions.
fn matrix(name: &'static str, rows: usize, columns: usize, seed: u64) -> Made {
    let values = weights(rows * columns, seed);
    let values: Vec<f32> = values.iter().map(|x| x * 8.0).collect();
    Made {
        name,
        dtype: "F32",
        shape: vec![rows, columns],
        bytes: f32_bytes(&values),
    }
}

fn norm(name: &'static str) -> Made {
    Made {
        name,
        dtype: "F32",
        shape: vec![HIDDEN],
        bytes: f32_bytes(&[1.0; HIDDEN]),
    }
}

/// One layer, four heads on two pairs of keys and values, tied embeddings.
fn llama() -> Vec<u8> {
    safetensors(&[
        matrix("model.embed_tokens.weight", WORDS, HIDDEN, 1),
        norm("model.layers.0.input_layernorm.weight"),
        norm("model.layers.0.post_attention_layernorm.weight"),
        matrix("model.layers.0.self_attn.q_proj.weight", 64, HIDDEN, 2),
        matrix("model.layers.0.self_attn.k_proj.weight", 32, HIDDEN, 3),
        matrix("model.layers.0.self_attn.v_proj.weight", 32, HIDDEN, 4),
        matrix("model.layers.0.self_attn.o_proj.weight", HIDDEN, 64, 5),
        matrix("model.layers.0.mlp.gate_proj.weight", INNER, HIDDEN, 6),
        matrix("model.layers.0.mlp.up_proj.weight", INNER, HIDDEN, 7),
        matrix("model.layers.0.mlp.down_proj.weight", HIDDEN, INNER, 8),
        norm("model.norm.weight"),
    ])
}

/// A folder `m` with the model, and a text of its words.
pub fn make(dir: &Path) {
    put(dir, "m/model.safetensors", &llama());
    let config = json!({
        "model_type": "llama", "vocab_size": WORDS, "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "tie_word_embeddings": true, "hidden_act": "silu",
    });
    put(dir, "m/config.json", config.to_string().as_bytes());
    let words: BTreeMap<String, usize> = (0..WORDS).map(|i| (format!("w{i}"), i)).collect();
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "w0" },
    });
    put(dir, "m/tokenizer.json", tokenizer.to_string().as_bytes());
    let text: String = (0..200).map(|i| format!("w{} ", i * i % 89)).collect();
    put(dir, "text.txt", text.as_bytes());
}
