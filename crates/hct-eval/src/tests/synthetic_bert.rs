//! A made-up encoder, against [`naive_bert`].

use super::made_up::{MadeUp, VOCABULARY, files};
use super::naive_bert::{self, Shape};
use crate::{Model, SentenceEncoder, SentenceReference};

pub const SHAPE: Shape = Shape {
    hidden: 24,
    inner: 40,
    layers: 2,
    heads: 3,
    epsilon: 1e-6,
};

pub fn weights() -> MadeUp {
    let mut model = MadeUp::default();
    let (hidden, inner) = (SHAPE.hidden, SHAPE.inner);
    for (table, rows) in [("word", VOCABULARY), ("position", 16), ("token_type", 2)] {
        let name = format!("embeddings.{table}_embeddings.weight");
        model.add(&name, &[rows, hidden], 0.0, 1.0);
    }
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in 0..SHAPE.layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, rows, columns) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", inner, hidden),
            ("output.dense", hidden, inner),
        ] {
            model.add(&name(&format!("{part}.weight")), &[rows, columns], 0.0, 0.5);
            model.add(&name(&format!("{part}.bias")), &[rows], 0.0, 0.5);
        }
        norms.push(name("attention.output.LayerNorm"));
        norms.push(name("output.LayerNorm"));
    }
    for norm in norms {
        model.add(&format!("{norm}.weight"), &[hidden], 1.0, 0.5);
        model.add(&format!("{norm}.bias"), &[hidden], 0.0, 0.5);
    }
    model
}

pub fn load(source: &MadeUp) -> SentenceEncoder {
    let config = serde_json::json!({
        "model_type": "bert",
        "vocab_size": VOCABULARY,
        "hidden_size": SHAPE.hidden,
        "intermediate_size": SHAPE.inner,
        "num_hidden_layers": SHAPE.layers,
        "num_attention_heads": SHAPE.heads,
        "max_position_embeddings": 16,
        "type_vocab_size": 2,
        "layer_norm_eps": SHAPE.epsilon,
        "hidden_act": "gelu",
    });
    match Model::load(&files(&config.to_string(), None), source).unwrap() {
        Model::Sentence(encoder) => encoder,
        Model::Language(_) => panic!("a BERT was taken for a decoder"),
    }
}

#[test]
fn bert_agrees_with_plain_loops() {
    let source = weights();
    let encoder = load(&source);
    let found = encoder.embed("w4 w30 w4 w11 w0").unwrap();
    let expected = naive_bert::embed(&source, &SHAPE, &[4, 30, 4, 11, 0]);
    for (&found, expected) in found.iter().zip(&expected) {
        assert!(
            (f64::from(found) - expected).abs() < 1e-5,
            "{found} {expected}"
        );
    }
}

#[test]
fn sentences_too_long_for_the_positions_are_cut_off() {
    let source = weights();
    let encoder = load(&source);
    let words = |count: usize| (0..count).map(|i| format!("w{i} ")).collect::<String>();
    assert_eq!(
        encoder.embed(&words(30)).unwrap(),
        encoder.embed(&words(16)).unwrap()
    );
    assert_ne!(
        encoder.embed(&words(16)).unwrap(),
        encoder.embed(&words(15)).unwrap()
    );
}

#[test]
fn a_damaged_encoder_is_found_worse_and_the_encoder_itself_is_not() {
    let mut source = weights();
    let encoder = load(&source);
    let sentences = (0..40).map(|i| format!("w{i} w{} w{} w7", i * i % 40, i * 7 % 31));
    let sentences: Vec<String> = sentences.collect();
    let reference = SentenceReference::new(&encoder, sentences, &mut |_| ()).unwrap();
    let same = reference.compare(&encoder, &mut |_| ()).unwrap();
    assert_eq!((same.cosine_mean, same.cosine_worst), (1.0, 1.0));
    assert_eq!((same.similarity_spearman, same.sentences), (1.0, 40));

    for (i, x) in source
        .get_mut("encoder.layer.1.output.dense.weight")
        .iter_mut()
        .enumerate()
    {
        *x += 0.1 * if i % 7 < 3 { 1.0 } else { -1.0 };
    }
    let worse = reference.compare(&load(&source), &mut |_| ()).unwrap();
    assert!(worse.cosine_worst < worse.cosine_mean && worse.cosine_mean < 1.0);
    assert!((0.8..1.0).contains(&worse.similarity_spearman), "{worse:?}");
}

#[test]
fn two_sentences_have_nothing_to_correlate() {
    let encoder = load(&weights());
    let sentences = vec!["w1".to_owned(), "w2".to_owned()];
    assert!(SentenceReference::new(&encoder, sentences, &mut |_| ()).is_err());
}
