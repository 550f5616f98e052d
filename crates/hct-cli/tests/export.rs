//! Models as GGUF files that llama.cpp runs, and GGUF files as models.

mod common;

use std::fs;
use std::path::Path;

use common::llama::{WORDS, make};
use common::{hct, put, succeed};
use hct_model::{GgufArray, GgufHeader, GgufValue};
use serde_json::json;
use tempfile::TempDir;

/// A tokenizer of byte pairs in the model's place.
fn put_tokenizer(dir: &Path) {
    let words = (0..WORDS - 2).map(|i| (format!("w{i}"), json!(i)));
    let tokenizer = json!({
        "added_tokens": [{ "id": WORDS - 2, "content": "<s>", "special": true }],
        "pre_tokenizer": { "type": "ByteLevel", "use_regex": true },
        "model": { "type": "BPE", "vocab": words.collect::<serde_json::Map<_, _>>(),
            "merges": ["w 1", "w 2"] },
    });
    put(dir, "m/tokenizer.json", tokenizer.to_string().as_bytes());
    let settings = json!({ "bos_token": "<s>", "chat_template": "{{ messages }}" });
    put(
        dir,
        "m/tokenizer_config.json",
        settings.to_string().as_bytes(),
    );
}

/// What `hct diff` says of all weights.
fn rel_mse(dir: &Path, a: &str, b: &str) -> f64 {
    let diff = succeed(dir, &format!("diff {a} {b} --json")).json();
    diff["total"]["rel_mse"].as_f64().unwrap()
}

#[test]
fn a_model_is_exported_from_a_folder_and_from_an_hct_file() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    put_tokenizer(dir);
    succeed(dir, "compress m -o m.hct --strategy lossless");
    for (kind, least, most) in [
        ("f16", 0.0, 1e-7),
        ("bf16", 1e-7, 1e-5),
        ("q8_0", 1e-6, 1e-4),
        ("q4_0", 1e-4, 1e-2),
    ] {
        succeed(dir, &format!("export m -o a.gguf --type {kind} --force"));
        succeed(
            dir,
            &format!("export m.hct -o b.gguf --type {kind} --force --json"),
        );
        // But for what the model is called.
        assert_eq!(rel_mse(dir, "a.gguf", "b.gguf"), 0.0, "{kind}");
        for against in ["m", "m.hct"] {
            let error = rel_mse(dir, against, "a.gguf");
            assert!((least..most).contains(&error), "{kind}: {error}");
        }
        // The other way, and as an HCT file.
        assert!(rel_mse(dir, "a.gguf", "m") < most);
        succeed(dir, "compress a.gguf -o g.hct --strategy lossless --force");
        assert_eq!(rel_mse(dir, "a.gguf", "g.hct"), 0.0);
        assert!(
            (least..most).contains(&rel_mse(dir, "m", "g.hct")),
            "{kind}"
        );
    }
    let file = fs::read(dir.join("b.gguf")).unwrap();
    let header = GgufHeader::parse(&file, file.len() as u64).unwrap();
    let text = |key: &str| header.value(key).and_then(GgufValue::text);
    assert_eq!(text("general.name"), Some("m"));
    assert_eq!(text("tokenizer.ggml.pre"), Some("gpt-2"));
    assert_eq!(text("tokenizer.chat_template"), Some("{{ messages }}"));
    let integer = |key: &str| header.value(key).and_then(GgufValue::integer);
    assert_eq!(integer("llama.attention.head_count_kv"), Some(2));
    assert_eq!(
        integer("tokenizer.ggml.bos_token_id"),
        Some(WORDS as i128 - 2)
    );
    let Some(GgufValue::Array(GgufArray::String(tokens))) = header.value("tokenizer.ggml.tokens")
    else {
        panic!("there are no tokens")
    };
    assert_eq!(
        (tokens.len(), &tokens[WORDS - 1][..]),
        (WORDS, &b"[PAD95]"[..])
    );
    // Of the tied head there is none, and no key is forgotten.
    assert!(header.tensors.iter().all(|t| t.name != "output.weight"));
    assert_eq!(header.tensors.len(), 11);
}

#[test]
fn an_exported_model_is_run_as_the_checkpoint_is() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    // Its own tokenizer knows the words of the text.
    fs::copy(dir.join("m/tokenizer.json"), dir.join("tokenizer.json")).unwrap();
    put_tokenizer(dir);
    let mut last = -1.0;
    for (kind, most) in [("bf16", 0.001), ("q8_0", 0.003), ("q4_0", 0.5)] {
        succeed(dir, &format!("export m -o {kind}.gguf --type {kind}"));
        succeed(
            dir,
            &format!("compress {kind}.gguf -o {kind}.hct --strategy lossless"),
        );
        fs::copy(dir.join("tokenizer.json"), dir.join("m/tokenizer.json")).unwrap();
        let eval = "eval m --text text.txt --context 32 --json --against";
        let report = succeed(dir, &format!("{eval} {kind}.gguf")).json();
        let kld = report["kld_mean"].as_f64().unwrap();
        assert!(kld > last && kld < most, "{kind}: {report}");
        last = kld;
        assert_eq!(succeed(dir, &format!("{eval} {kind}.hct")).json(), report);
        put_tokenizer(dir);
    }
}

#[test]
fn what_cannot_be_exported_is_said_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    let export = "export m -o a.gguf";
    hct(dir, export).fails(1, &["tokenizer is not of byte pairs"]);
    put_tokenizer(dir);
    let text = fs::read_to_string(dir.join("m/tokenizer.json")).unwrap();
    let unknown = text.replace("\"ByteLevel\"", "\"Metaspace\"");
    put(dir, "m/tokenizer.json", unknown.as_bytes());
    hct(dir, export).fails(1, &["--tokenizer-pre"]);
    succeed(dir, &format!("{export} --tokenizer-pre default"));
    hct(dir, export).fails(2, &["--force"]);
    fs::remove_file(dir.join("a.gguf")).unwrap();
    put(dir, "m/config.json", br#"{"model_type":"bert"}"#);
    hct(dir, export).fails(1, &["\"bert\"", "llama and qwen2"]);
    fs::remove_file(dir.join("m/config.json")).unwrap();
    hct(dir, export).fails(1, &["config.json"]);
    let left: Vec<_> = fs::read_dir(dir).unwrap().collect();
    // The model and its text.
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn blocks_are_coded_as_numbers_where_asked_for() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    make(dir);
    put_tokenizer(dir);
    succeed(dir, "export m -o q.gguf --type q8_0");
    for (dtype, most) in [("=f32", 0.0), ("", 1e-7), ("=bf16", 1e-5)] {
        let run =
            format!("compress q.gguf -o m.hct --force --strategy lossless --dequantize{dtype}");
        succeed(dir, &run);
        succeed(dir, "verify m.hct");
        succeed(dir, "decompress m.hct -o back.gguf --force");
        for back in ["m.hct", "back.gguf"] {
            let error = rel_mse(dir, "q.gguf", back);
            assert!(error <= most, "{dtype}: {error}");
        }
    }
    // By strategy, to fewer bits than blocks have.
    succeed(
        dir,
        "compress q.gguf -o m.hct --force --dequantize --cosine 0.99",
    );
    let cosine = &succeed(dir, "diff q.gguf m.hct --json").json()["total"]["cosine"];
    assert!(
        (0.989..0.9999).contains(&cosine.as_f64().unwrap()),
        "{cosine}"
    );
    hct(dir, "compress m -o x.hct --dequantize").fails(2, &["no GGUF file"]);
    hct(dir, "compress q.gguf -o x.hct --dequantize=f64").fails(2, &["f64"]);
}
