//! A tokenizer: tokenizer.json and tokenizer_config.json as the metadata of llama.cpp.

use serde_json::{Map, Value};

use super::config::Config;
use super::fault::ExportFault;
use crate::gguf::{GgufArray, GgufValue};

const TOKENIZER: &str = "tokenizer.json";

/// Types of tokens in GGUF.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Ways of splitting text by a pattern, and their names in llama.cpp.
const PATTERNS: [(&str, &str); 2] = [
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "qwen2",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "llama-bpe",
    ),
];

/// Metadata of a tokenizer; `settings` is tokenizer_config.json, empty where there is none, and
/// `splitting` the name of the way it splits text, where that is given.
pub(super) fn metadata(
    tokenizer: &Map<String, Value>,
    settings: &Map<String, Value>,
    config: &Config,
    splitting: Option<&str>,
) -> Result<Vec<(String, GgufValue)>, ExportFault> {
    let model = tokenizer.get("model").and_then(Value::as_object);
    let model = model.ok_or(ExportFault::Tokenizer)?;
    let is = |key: &str, value: &str| model.get(key).and_then(Value::as_str) == Some(value);
    let falls_back = model.get("byte_fallback").and_then(Value::as_bool);
    if !is("type", "BPE") || falls_back == Some(true) {
        return Err(ExportFault::Tokenizer);
    }
    let splitting = match splitting.or_else(|| name_of_splitting(tokenizer)) {
        Some(name) => name,
        None => return Err(ExportFault::Splitting),
    };
    let (tokens, types) = tokens(tokenizer, model, config.vocabulary()? as usize)?;
    let text = |text: &str| GgufValue::String(text.into());
    let mut out: Vec<(String, GgufValue)> = Vec::new();
    let mut put = |key: &str, value| out.push((format!("tokenizer.ggml.{key}"), value));
    put("model", text("gpt2"));
    put("pre", text(splitting));
    let roles = [
        ("bos", "bos"),
        ("eos", "eos"),
        ("unknown", "unk"),
        ("padding", "pad"),
    ];
    let ids = roles.map(|(theirs, ours)| (theirs, special_id(ours, config, settings, &tokens)));
    let begins = ids[0].1.map(|bos| tokens[bos as usize].clone());
    put("add_space_prefix", GgufValue::Bool(false));
    put(
        "add_bos_token",
        GgufValue::Bool(adds_bos(tokenizer, settings, begins.as_deref())),
    );
    for (role, id) in ids {
        if let Some(id) = id {
            put(&format!("{role}_token_id"), GgufValue::U32(id));
        }
    }
    let tokens = tokens.into_iter().map(String::into_bytes).collect();
    put("tokens", GgufValue::Array(GgufArray::String(tokens)));
    put("token_type", GgufValue::Array(GgufArray::I32(types)));
    let merges = merges(model)?;
    put("merges", GgufValue::Array(GgufArray::String(merges)));
    if let Some(template) = settings.get("chat_template").and_then(Value::as_str) {
        out.push(("tokenizer.chat_template".to_owned(), text(template)));
    }
    Ok(out)
}

/// What llama.cpp calls the way text is split before pairs are merged.
fn name_of_splitting(tokenizer: &Map<String, Value>) -> Option<&'static str> {
    let splitter = tokenizer.get("pre_tokenizer")?;
    let steps: Vec<&Value> = match splitter.get("pretokenizers").and_then(Value::as_array) {
        Some(steps) => steps.iter().collect(),
        None => vec![splitter],
    };
    let kind = |step: &Value| step.get("type").and_then(Value::as_str).map(str::to_owned);
    let kinds: Vec<Option<String>> = steps.iter().map(|step| kind(step)).collect();
    let kinds: Vec<&str> = kinds.iter().map(|k| k.as_deref().unwrap_or("")).collect();
    let by_words = |step: &Value| step.get("use_regex").and_then(Value::as_bool) != Some(false);
    match kinds[..] {
        ["ByteLevel"] if by_words(steps[0]) => Some("gpt-2"),
        ["Digits", "ByteLevel"]
            if steps[0].get("individual_digits").and_then(Value::as_bool) == Some(true)
                && by_words(steps[1]) =>
        {
            Some("smollm")
        }
        ["Split", "ByteLevel"] if !by_words(steps[1]) => {
            let pattern = steps[0].get("pattern")?.get("Regex")?.as_str()?;
            let known = PATTERNS.iter().find(|(known, _)| *known == pattern);
            known.map(|(_, name)| *name)
        }
        _ => None,
    }
}

/// The tokens by their numbers and their types. There are as many as embeddings, at least.
fn tokens(
    tokenizer: &Map<String, Value>,
    model: &Map<String, Value>,
    embeddings: usize,
) -> Result<(Vec<String>, Vec<i32>), ExportFault> {
    let none = |key: &str, wanted| ExportFault::NoValue {
        file: TOKENIZER,
        key: key.to_owned(),
        wanted,
    };
    let vocabulary = model.get("vocab").and_then(Value::as_object);
    let vocabulary = vocabulary.ok_or_else(|| none("model.vocab", "an object"))?;
    let added = tokenizer.get("added_tokens").and_then(Value::as_array);
    let mut known: Vec<(usize, &str, i32)> = Vec::new();
    for (token, id) in vocabulary {
        known.push((
            number(id).ok_or_else(|| none(token, "a number"))?,
            token,
            NORMAL,
        ));
    }
    for token in added.into_iter().flatten() {
        let id = token.get("id").and_then(number);
        let content = token.get("content").and_then(Value::as_str);
        let (Some(id), Some(content)) = (id, content) else {
            return Err(none("added_tokens", "a list of tokens"));
        };
        let special = token.get("special").and_then(Value::as_bool) == Some(true);
        known.push((id, content, if special { CONTROL } else { USER_DEFINED }));
    }
    // A vocabulary has few numbers that are not taken; one that names a far one is none.
    let most = embeddings.max(known.len());
    let mut tokens: Vec<String> = (0..embeddings).map(|id| format!("[PAD{id}]")).collect();
    let mut types = vec![UNUSED; embeddings];
    for (id, token, kind) in known {
        if id >= most {
            return Err(none("model.vocab", "numbered without gaps"));
        }
        while tokens.len() <= id {
            tokens.push(format!("[PAD{}]", tokens.len()));
            types.push(UNUSED);
        }
        token.clone_into(&mut tokens[id]);
        types[id] = kind;
    }
    Ok((tokens, types))
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok())
}

/// The pairs in the order in which they are merged, the two with a space between.
fn merges(model: &Map<String, Value>) -> Result<Vec<Vec<u8>>, ExportFault> {
    let merge = |merge: &Value| match merge {
        Value::String(pair) => Some(pair.clone()),
        Value::Array(pair) => match &pair[..] {
            [Value::String(left), Value::String(right)] => Some(format!("{left} {right}")),
            _ => None,
        },
        _ => None,
    };
    let merges = model.get("merges").and_then(Value::as_array);
    let merges = merges.and_then(|all| {
        all.iter()
            .map(|pair| merge(pair).map(String::into_bytes))
            .collect()
    });
    merges.ok_or_else(|| ExportFault::NoValue {
        file: TOKENIZER,
        key: "model.merges".to_owned(),
        wanted: "a list of pairs",
    })
}

/// The number of the token of a role: what the configuration says, or the token that the settings name.
fn special_id(
    role: &str,
    config: &Config,
    settings: &Map<String, Value>,
    tokens: &[String],
) -> Option<u32> {
    let said = config.json().get(&format!("{role}_token_id"));
    // A model may end in several ways, of which the first is the usual one.
    let said = said.and_then(|id| id.as_array().map_or(Some(id), |ids| ids.first()));
    let said = said.and_then(number);
    let named = settings.get(&format!("{role}_token"));
    let named = named.and_then(|token| token.get("content").or(Some(token))?.as_str());
    let named = named.and_then(|name| tokens.iter().position(|token| token == name));
    let id = said.or(named).filter(|&id| id < tokens.len())?;
    u32::try_from(id).ok()
}

/// Whether texts begin with the token `bos`.
fn adds_bos(
    tokenizer: &Map<String, Value>,
    settings: &Map<String, Value>,
    bos: Option<&str>,
) -> bool {
    if let Some(said) = settings.get("add_bos_token").and_then(Value::as_bool) {
        return said;
    }
    let Some(processor) = tokenizer.get("post_processor") else {
        return false;
    };
    let steps = processor.get("processors").and_then(Value::as_array);
    let steps = steps.map_or_else(|| vec![processor], |steps| steps.iter().collect());
    let first = |step: &Value| {
        let token = step.get("single")?.get(0)?.get("SpecialToken")?;
        token.get("id")?.as_str().map(str::to_owned)
    };
    let mut firsts = steps.into_iter().filter_map(first);
    bos.is_some() && firsts.any(|token| Some(&token[..]) == bos)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn config() -> Config {
        Config::read(object(&json!({
            "model_type": "llama", "vocab_size": 6, "bos_token_id": 3, "eos_token_id": [4, 3],
        })))
        .unwrap()
    }

    fn tokenizer() -> Value {
        json!({
            "added_tokens": [
                { "id": 3, "content": "<s>", "special": true },
                { "id": 4, "content": "<tool>", "special": false },
            ],
            "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
                { "type": "Digits", "individual_digits": true }, { "type": "ByteLevel" },
            ]},
            "post_processor": { "type": "TemplateProcessing", "single": [
                { "SpecialToken": { "id": "<s>", "type_id": 0 } },
            ]},
            "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 },
                "merges": [["a", "b"]] },
        })
    }

    fn made(tokenizer: &Value, settings: &Value) -> Result<Vec<(String, GgufValue)>, ExportFault> {
        metadata(&object(tokenizer), &object(settings), &config(), None)
    }

    #[test]
    fn tokens_types_merges_and_roles_are_kept() {
        let all = made(
            &tokenizer(),
            &json!({ "unk_token": "a", "pad_token": { "content": "<s>" } }),
        );
        let all: std::collections::BTreeMap<_, _> = all.unwrap().into_iter().collect();
        let of = |key: &str| all[&format!("tokenizer.ggml.{key}")].clone();
        let texts = |texts: &[&str]| {
            GgufValue::Array(GgufArray::String(
                texts.iter().map(|t| t.as_bytes().into()).collect(),
            ))
        };
        assert_eq!(
            of("tokens"),
            texts(&["a", "b", "ab", "<s>", "<tool>", "[PAD5]"])
        );
        assert_eq!(
            of("token_type"),
            GgufValue::Array(GgufArray::I32(vec![1, 1, 1, 3, 4, 5]))
        );
        assert_eq!(of("merges"), texts(&["a b"]));
        assert_eq!(of("pre"), GgufValue::String("smollm".into()));
        assert_eq!(of("add_bos_token"), GgufValue::Bool(true));
        for (role, id) in [("bos", 3), ("eos", 4), ("unknown", 0), ("padding", 3)] {
            assert_eq!(
                of(&format!("{role}_token_id")),
                GgufValue::U32(id),
                "{role}"
            );
        }
    }

    #[test]
    fn ways_of_splitting_are_told_apart_or_asked_for() {
        let split = |splitter: Value| {
            let mut tokenizer = tokenizer();
            tokenizer["pre_tokenizer"] = splitter;
            name_of_splitting(&object(&tokenizer))
        };
        let by = |pattern: &str| {
            json!({ "type": "Sequence", "pretokenizers": [
                { "type": "Split", "pattern": { "Regex": pattern } },
                { "type": "ByteLevel", "use_regex": false },
            ]})
        };
        assert_eq!(
            split(json!({ "type": "ByteLevel", "use_regex": true })),
            Some("gpt-2")
        );
        for (pattern, name) in PATTERNS {
            assert_eq!(split(by(pattern)), Some(name));
        }
        assert_eq!(split(by("x")), None);
        let mut unknown = tokenizer();
        unknown["pre_tokenizer"] = by("x");
        assert_eq!(made(&unknown, &json!({})), Err(ExportFault::Splitting));
        let given = metadata(&object(&unknown), &Map::new(), &config(), Some("mine")).unwrap();
        assert!(given.contains(&(
            "tokenizer.ggml.pre".into(),
            GgufValue::String("mine".into())
        )));
    }

    #[test]
    fn tokenizers_of_other_kinds_and_far_numbers_are_refused() {
        let mut other = tokenizer();
        other["model"]["byte_fallback"] = json!(true);
        assert_eq!(made(&other, &json!({})), Err(ExportFault::Tokenizer));
        let mut far = tokenizer();
        far["model"]["vocab"]["z"] = json!(4_000_000_000_u64);
        assert!(matches!(
            made(&far, &json!({})),
            Err(ExportFault::NoValue { .. })
        ));
    }
}
