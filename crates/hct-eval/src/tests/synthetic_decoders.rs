//! Made-up decoders, against [`naive_llama`].

use super::made_up::{MadeUp, VOCABULARY, files};
use super::naive_llama::{self, Shape};
use crate::decoder::{BatchCache, Cache};
use crate::{Error, LanguageModel, Model, Reference, perplexity};

const TOKENS: [u32; 9] = [3, 17, 3, 39, 0, 8, 21, 21, 5];

pub fn llama() -> Shape {
    Shape {
        hidden: 24,
        inner: 36,
        layers: 3,
        heads: 6,
        kv_heads: 2,
        head_dim: 8,
        theta: 500.0,
        epsilon: 1e-5,
        qkv_bias: false,
        tied: false,
    }
}

pub fn qwen2() -> Shape {
    Shape {
        heads: 4,
        kv_heads: 1,
        head_dim: 6,
        theta: 1e6,
        qkv_bias: true,
        tied: true,
        ..llama()
    }
}

pub fn weights(shape: &Shape) -> MadeUp {
    let mut model = MadeUp::default();
    let (hidden, inner) = (shape.hidden, shape.inner);
    let embeddings = [VOCABULARY, hidden];
    model.add("model.embed_tokens.weight", &embeddings, 0.0, 1.0);
    if !shape.tied {
        model.add("lm_head.weight", &embeddings, 0.0, 1.0);
    }
    for layer in 0..shape.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            model.add(&name(&format!("{norm}.weight")), &[hidden], 1.0, 0.5);
        }
        for (part, heads) in [
            ("q", shape.heads),
            ("k", shape.kv_heads),
            ("v", shape.kv_heads),
        ] {
            let (part, rows) = (format!("self_attn.{part}_proj"), heads * shape.head_dim);
            model.add(&name(&format!("{part}.weight")), &[rows, hidden], 0.0, 0.5);
            if shape.qkv_bias {
                model.add(&name(&format!("{part}.bias")), &[rows], 0.0, 1.0);
            }
        }
        let columns = shape.heads * shape.head_dim;
        model.add(
            &name("self_attn.o_proj.weight"),
            &[hidden, columns],
            0.0,
            0.3,
        );
        model.add(&name("mlp.gate_proj.weight"), &[inner, hidden], 0.0, 0.5);
        model.add(&name("mlp.up_proj.weight"), &[inner, hidden], 0.0, 0.5);
        model.add(&name("mlp.down_proj.weight"), &[hidden, inner], 0.0, 0.3);
    }
    model.add("model.norm.weight", &[hidden], 1.0, 0.5);
    model
}

pub fn load(shape: &Shape, source: &MadeUp, start: Option<&str>) -> LanguageModel {
    match try_load(shape, source, start).unwrap() {
        Model::Language(model) => model,
        Model::Sentence(_) => panic!("a decoder was taken for an encoder"),
    }
}

fn try_load(shape: &Shape, source: &MadeUp, start: Option<&str>) -> Result<Model, Error> {
    let config = serde_json::json!({
        "model_type": if shape.qkv_bias { "qwen2" } else { "llama" },
        "vocab_size": VOCABULARY,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": 64,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "tie_word_embeddings": shape.tied,
        "hidden_act": "silu",
    });
    Model::load(&files(&config.to_string(), start), source)
}

fn logits(model: &LanguageModel, parts: &[&[u32]]) -> Vec<Vec<f32>> {
    let mut cache = Cache::default();
    let hidden = parts
        .iter()
        .map(|part| model.decoder.hidden(part, &mut cache).unwrap());
    let logits = hidden.map(|hidden| model.decoder.head().logits(&hidden).unwrap());
    logits
        .flat_map(|logits| logits.to_vec2().unwrap())
        .collect()
}

fn assert_close(found: &[Vec<f32>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    let flat = expected.iter().flatten();
    let spread = flat.clone().fold(0f64, |most, x| most.max(x.abs()));
    assert!(
        spread > 1.0,
        "logits this small ({spread}) would agree anyway"
    );
    for (&found, &expected) in found.iter().flatten().zip(flat) {
        assert!(
            (f64::from(found) - expected).abs() < 1e-4,
            "{found} {expected}"
        );
    }
}

#[test]
fn llama_and_qwen2_agree_with_plain_loops() {
    for shape in [llama(), qwen2()] {
        let source = weights(&shape);
        let expected = naive_llama::logits(&source, &shape, &TOKENS);
        assert_close(&logits(&load(&shape, &source, None), &[&TOKENS]), &expected);
    }
}

#[test]
fn tokens_given_bit_by_bit_give_the_same() {
    for shape in [llama(), qwen2()] {
        let source = weights(&shape);
        let expected = naive_llama::logits(&source, &shape, &TOKENS);
        let model = load(&shape, &source, None);
        let parts: [&[u32]; 4] = [&TOKENS[..4], &TOKENS[4..5], &TOKENS[5..8], &TOKENS[8..]];
        assert_close(&logits(&model, &parts), &expected);
    }
}

#[test]
fn tokens_of_many_texts_at_once_give_the_same() {
    for shape in [llama(), qwen2()] {
        let model = load(&shape, &weights(&shape), None);
        // More than are kept apart.
        let texts: Vec<Vec<u32>> = (0..3)
            .map(|text| (0..40).map(|i| (i * i + 7 * text) % 40).collect())
            .collect();
        let mut cache = BatchCache::default();
        let mut last = Vec::new();
        for at in 0..40 {
            let tokens: Vec<u32> = texts.iter().map(|text| text[at]).collect();
            let hidden = model.decoder.step(&tokens, &mut cache).unwrap();
            last.push(hidden.to_vec2::<f32>().unwrap());
        }
        for (number, text) in texts.iter().enumerate() {
            let hidden = model.decoder.hidden(text, &mut Cache::default()).unwrap();
            for (at, row) in hidden.to_vec2::<f32>().unwrap().iter().enumerate() {
                for (a, b) in row.iter().zip(&last[at][number]) {
                    assert!((a - b).abs() < 1e-4, "{number} {at}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn a_model_writes_the_same_text_for_a_seed() {
    let shape = llama();
    let model = load(&shape, &weights(&shape), Some("w39"));
    let mut told = 0;
    let texts = model
        .self_text(100, 24, 3, &mut |done| told = done)
        .unwrap();
    assert_eq!(told, 100);
    assert_eq!(
        texts.iter().map(Vec::len).collect::<Vec<_>>(),
        [24, 24, 24, 24, 4]
    );
    assert!(texts.iter().all(|text| text[0] == 39));
    assert!(texts[0] != texts[4] && texts[0][1..] != texts[1][1..]);
    let again = |count, seed| model.self_text(count, 24, seed, &mut |_| ()).unwrap();
    assert_eq!(again(100, 3), texts);
    // What the others of a batch are does not matter.
    assert_eq!(again(48, 3), texts[..2]);
    assert_ne!(again(48, 4), texts[..2]);
    assert!(model.self_text(100, 65, 3, &mut |_| ()).is_err());
}

#[test]
fn perplexity_is_that_of_plain_loops_and_windows_begin_with_bos() {
    let shape = llama();
    let source = weights(&shape);
    let model = load(&shape, &source, Some("w39"));
    let windows = model
        .windows("w3 w17 w5 w8 w21 w2 w6 w7 w1", 5, None)
        .unwrap();
    assert_eq!(windows.scored(), 9);
    let mut loss = 0.0;
    for window in [&[39, 3, 17, 5, 8][..], &[39, 21, 2, 6, 7], &[39, 1]] {
        let rows = naive_llama::logits(&source, &shape, window);
        for (row, &next) in rows.iter().zip(&window[1..]) {
            loss -= naive_llama::softmax(row)[next as usize].ln();
        }
    }
    let mut told = Vec::new();
    let found = perplexity(&model, &windows, &mut |done| told.push(done)).unwrap();
    let expected = (loss / 9.0).exp();
    assert!(
        (found.perplexity / expected - 1.0).abs() < 1e-5,
        "{found:?} {expected}"
    );
    assert_eq!((found.tokens, told), (9, vec![8, 9]));
}

#[test]
fn a_damaged_candidate_is_found_worse_and_the_model_itself_is_not() {
    let shape = qwen2();
    let mut source = weights(&shape);
    let model = load(&shape, &source, None);
    let text = (0..60)
        .map(|i| format!("w{} ", i * i % 37))
        .collect::<String>();
    let windows = model.windows(&text, 16, None).unwrap();
    let reference = Reference::new(&model, windows, &mut |_| ()).unwrap();
    let same = reference.compare(&model, &mut |_| ()).unwrap();
    assert_eq!((same.kld_mean, same.kld_p99), (0.0, 0.0));
    assert_eq!((same.top1, same.top5, same.logit_cosine), (1.0, 1.0, 1.0));
    assert_eq!(
        (same.ppl_ratio, same.ppl_ratio_se, same.tokens),
        (1.0, 0.0, 56)
    );

    let mut last = same.kld_mean;
    for damage in [0.01, 0.3] {
        let name = "model.layers.1.mlp.up_proj.weight";
        for (i, x) in source.get_mut(name).iter_mut().enumerate() {
            *x += damage * if i % 2 == 0 { 1.0 } else { -1.0 };
        }
        let damaged = load(&shape, &source, None);
        let report = reference.compare(&damaged, &mut |_| ()).unwrap();
        assert!(report.kld_mean > last && report.kld_p99 > report.kld_mean);
        assert!(report.logit_cosine < 1.0 && report.ppl_ratio_se > 0.0);
        assert_eq!(report.reference_perplexity, same.perplexity);
        last = report.kld_mean;
    }
}

#[test]
fn a_context_the_model_cannot_take_is_refused() {
    let shape = llama();
    let source = weights(&shape);
    let model = load(&shape, &source, Some("w1"));
    for context in [2, 65] {
        assert!(
            model.windows("w1 w2 w3 w4", context, None).is_err(),
            "{context}"
        );
    }
    assert_eq!(
        model.windows("w1 w2 w3 w4", 64, Some(3)).unwrap().scored(),
        3
    );
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_refused() {
    let source = weights(&qwen2());
    let wants_head = Shape {
        tied: false,
        ..qwen2()
    };
    match try_load(&wants_head, &source, None) {
        Err(Error::TensorMissing { name }) => assert_eq!(name, "lm_head.weight"),
        _ => panic!("a missing head was not noticed"),
    }
    let narrower = Shape {
        inner: 32,
        ..qwen2()
    };
    assert!(matches!(
        try_load(&narrower, &source, None),
        Err(Error::TensorShape { expected, .. }) if expected == [32, 24]
    ));
}

#[test]
fn what_the_tokenizer_knows_and_the_model_does_not_is_an_error() {
    let shape = llama();
    let model = load(&shape, &weights(&shape), None);
    let outside = model.decoder.hidden(&[3, 40], &mut Cache::default());
    assert!(matches!(
        outside,
        Err(Error::TokenOutOfVocabulary { token: 40, .. })
    ));
}

#[test]
fn generation_takes_the_most_probable_token_each_time() {
    let shape = llama();
    let source = weights(&shape);
    let mut tokens = vec![5, 9];
    for _ in 0..6 {
        let rows = naive_llama::logits(&source, &shape, &tokens);
        let last = rows.last().unwrap().iter().zip(0u32..);
        tokens.push(last.max_by(|a, b| a.0.total_cmp(b.0)).unwrap().1);
    }
    let expected = tokens[2..].iter().map(|token| format!(" w{token}"));
    let model = load(&shape, &source, None);
    assert_eq!(
        model.generate("w5 w9", 6).unwrap(),
        expected.collect::<String>()
    );
    assert!(model.generate("", 6).is_err(), "nothing to go on from");
    assert!(
        model.generate("w5 w9", 63).is_err(),
        "more than there are positions"
    );
}
