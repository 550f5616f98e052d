//! The tokenizer kept in a GGUF file's metadata, as a Hugging Face `tokenizer.json`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::gguf::Gguf;

/// GGUF token type of tokens matched whole and dropped from decoded text.
const CONTROL: i32 = 3;
/// GGUF token type of tokens matched whole but shown.
const USER_DEFINED: i32 = 4;

/// Writes `tokenizer.json` and the small files that go with it.
pub fn convert(gguf: &Gguf, folder: &Path) -> Result<()> {
    let (model, pre) = (
        gguf.text("tokenizer.ggml.model")?,
        gguf.text("tokenizer.ggml.pre")?,
    );
    ensure!(
        (model, pre) == ("gpt2", "smollm"),
        "only SmolLM's byte-level BPE tokenizer can be converted, not {model}/{pre}"
    );
    let tokens = gguf.texts("tokenizer.ggml.tokens")?;
    let types = gguf.integers("tokenizer.ggml.token_type")?;
    let merges = gguf.texts("tokenizer.ggml.merges")?;
    let token = |role: &str| -> Result<&str> {
        let id = gguf.integer(&format!("tokenizer.ggml.{role}_token_id"))?;
        tokens
            .get(id)
            .copied()
            .with_context(|| format!("no token has the {role} id {id}"))
    };
    let roles = json!({
        "bos_token": token("bos")?,
        "eos_token": token("eos")?,
        "unk_token": token("unknown")?,
        "pad_token": token("padding")?,
    });
    let mut config = json!({
        "tokenizer_class": "GPT2Tokenizer",
        "add_prefix_space": false,
        "clean_up_tokenization_spaces": false,
        "model_max_length": gguf.integer("llama.context_length")?,
        "chat_template": gguf.text("tokenizer.chat_template")?,
    });
    if let (Value::Object(config), Value::Object(roles)) = (&mut config, &roles) {
        config.extend(roles.clone());
    }
    let tokenizer = tokenizer_json(&tokens, &types, &merges)?;
    fs::write(
        folder.join("tokenizer.json"),
        serde_json::to_vec(&tokenizer)?,
    )?;
    fs::write(
        folder.join("tokenizer_config.json"),
        serde_json::to_vec_pretty(&config)?,
    )?;
    fs::write(
        folder.join("special_tokens_map.json"),
        serde_json::to_vec_pretty(&roles)?,
    )?;
    Ok(())
}

fn tokenizer_json(tokens: &[&str], types: &[i32], merges: &[&str]) -> Result<Value> {
    ensure!(
        tokens.len() == types.len(),
        "the GGUF file does not give every token a type"
    );
    let vocabulary: Map<String, Value> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| (token.to_string(), json!(id)))
        .collect();
    ensure!(
        vocabulary.len() == tokens.len(),
        "the GGUF file lists a token twice"
    );
    let whole = |kind: i32| kind == CONTROL || kind == USER_DEFINED;
    let added: Vec<Value> = tokens
        .iter()
        .zip(types)
        .enumerate()
        .filter(|&(_, (_, &kind))| whole(kind))
        .map(|(id, (token, &kind))| {
            json!({
                "id": id,
                "content": token,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": kind == CONTROL,
            })
        })
        .collect();
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                { "type": "Digits", "individual_digits": true },
                byte_level(false),
            ],
        },
        "post_processor": null,
        "decoder": byte_level(true),
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": vocabulary,
            "merges": merges,
        },
    }))
}

fn byte_level(add_prefix_space: bool) -> Value {
    json!({
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": true,
        "use_regex": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_tokens_become_special_added_tokens() {
        let made = tokenizer_json(&["<|end|>", "a", "b", "ab"], &[3, 1, 1, 1], &["a b"]).unwrap();
        let added = made["added_tokens"].as_array().unwrap();
        assert_eq!(added.len(), 1);
        assert_eq!(
            (&added[0]["content"], &added[0]["special"]),
            (&json!("<|end|>"), &json!(true))
        );
        assert_eq!(made["model"]["vocab"]["ab"], 3);
        assert_eq!(made["model"]["merges"], json!(["a b"]));
    }

    #[test]
    fn inconsistent_lists_are_errors() {
        assert!(tokenizer_json(&["a"], &[1, 1], &[]).is_err());
        assert!(tokenizer_json(&["a", "a"], &[1, 1], &[]).is_err());
    }
}
