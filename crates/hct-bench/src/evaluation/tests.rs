//! A made-up language model through the evaluator.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use indicatif::ProgressBar;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use super::model_quality::{LanguageQuality, ModelQuality};
use super::{Evaluator, Settings};
use crate::comparison::measure;
use crate::contestant::Ours;
use crate::model::Model;

/// Large enough that its matrices are coded with loss.
const WIDTH: usize = 64;

const SETTINGS: Settings = Settings {
    max_tokens: 48,
    context: 24,
    sentences: 8,
};

/// Writes a checkpoint folder of one layer; its numbers mean nothing, but are always the same.
fn write_model(folder: &Path, model_type: &str) {
    let mut state = 1u64;
    let mut draw = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let layer = |part: &str| format!("model.layers.0.{part}.weight");
    let mut names: Vec<String> = ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o"]
        .iter()
        .chain(&["mlp.gate", "mlp.up", "mlp.down"])
        .map(|part| layer(&format!("{part}_proj")))
        .collect();
    names.push("model.embed_tokens.weight".into());
    let norms = ["input_layernorm", "post_attention_layernorm"].map(layer);
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for name in names {
        let values = (0..WIDTH * WIDTH).map(&mut draw);
        let bytes = values.flat_map(|x: f32| x.to_le_bytes()).collect();
        tensors.push((name, vec![WIDTH, WIDTH], bytes));
    }
    for name in norms.into_iter().chain(["model.norm.weight".into()]) {
        let bytes = [1f32; WIDTH].iter().flat_map(|x| x.to_le_bytes()).collect();
        tensors.push((name, vec![WIDTH], bytes));
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize_to_file(views, None, &folder.join("model.safetensors")).unwrap();

    let common = ["?", "the", "of", "and", "to", "a", "in", "is", "capital"];
    let word = |i: usize| common.get(i).map_or(format!("w{i}"), |&w| w.to_owned());
    let words: BTreeMap<String, usize> = (0..WIDTH).map(|i| (word(i), i)).collect();
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "?" },
    });
    let config = json!({
        "model_type": model_type,
        "vocab_size": WIDTH,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "tie_word_embeddings": true,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

fn run(model: &Model, contestant: &Ours) -> LanguageQuality {
    let evaluator = Evaluator::of(model, &SETTINGS).unwrap().unwrap();
    let (matrices, bar) = (model.matrices().unwrap(), ProgressBar::hidden());
    let (row, _) = measure(model, &matrices, contestant, Some(&evaluator), &bar).unwrap();
    match row.quality {
        Some(ModelQuality::Language(quality)) => quality,
        other => panic!("a language model gave {other:?}"),
    }
}

#[test]
fn a_decoded_file_is_run_against_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), "llama");
    let model = Model::at(folder.path()).unwrap();

    let same = run(&model, &Ours::lossless());
    for (kind, same) in same.texts.by_kind() {
        let losses = (same.ppl_ratio, same.kld_mean, same.kld_p99);
        assert_eq!(losses, (1.0, 0.0, 0.0), "{kind}");
        assert_eq!((same.top1, same.top5, same.tokens), (1.0, 1.0, 46));
    }
    assert_eq!(same.texts.by_kind().len(), 4);
    assert_eq!(same.answers_right, same.answers_asked);

    let (fine, coarse) = (run(&model, &Ours::rdo(0.999)), run(&model, &Ours::rdo(0.9)));
    for ((kind, fine), (_, coarse)) in fine.texts.by_kind().iter().zip(coarse.texts.by_kind()) {
        assert!(
            0.0 < fine.kld_mean && fine.kld_mean < coarse.kld_mean,
            "{kind}"
        );
        assert!(coarse.top5 < fine.top5, "{kind}");
    }
}

#[test]
fn what_cannot_be_run_is_passed_over() {
    let sample = Model::sample().unwrap();
    assert!(Evaluator::of(&sample, &SETTINGS).unwrap().is_none());

    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), "of-another-kind");
    let model = Model::at(folder.path()).unwrap();
    assert!(Evaluator::of(&model, &SETTINGS).unwrap().is_none());
}
