//! What compression costs a language model: its perplexity before and after, at three qualities.
//!
//! `cargo run --release -p hct-eval --example before_and_after` makes up a small Llama with random
//! weights. It knows nothing, so only what changes says anything. For a real one:
//! `cargo run --release -p hct-eval --example before_and_after -- FOLDER TEXT_FILE`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use hct_core::Dtype;
use hct_eval::{LanguageModel, Model, ModelFiles, Reference};
use hct_model::{
    Checkpoint, CheckpointSource, CompressOptions, HctModel, Header, Safetensors, ShardWriter,
    TensorInfo, TensorSource, encode,
};
use hct_strategies::{Quality, RdoEncoder};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [] => compare(&made_up_weights()?, &made_up_files(), &made_up_text()),
        [folder, text] => {
            let text = std::fs::read_to_string(text)?;
            let folder = Path::new(folder);
            compare(
                &Checkpoint::open(folder)?,
                &ModelFiles::read(folder)?,
                &text,
            )
        }
        _ => Err("give nothing, or the folder of a checkpoint and a text".into()),
    }
}

fn compare(
    checkpoint: &impl CheckpointSource,
    files: &ModelFiles,
    text: &str,
) -> Result<(), Box<dyn Error>> {
    let before = load(files, checkpoint)?;
    let windows = before.windows(text, 64, Some(2048))?;
    let reference = Reference::new(&before, windows, &mut |_| ())?;
    drop(before);
    let options = CompressOptions {
        side_files: false,
        provenance: None,
        base: None,
        hashes: false,
    };
    println!("  cosine  bits/weight  perplexity  was  KL divergence  same top token");
    for cosine in [0.99, 0.999, 0.9999] {
        let strategy = RdoEncoder::new(Quality::Cosine(cosine));
        let (file, report) = encode(checkpoint, Vec::new(), &strategy, options, &())?;
        let compressed = HctModel::new("in memory", &file)?;
        let after = reference.compare(&load(files, &compressed)?, &mut |_| ())?;
        println!(
            "{cosine:8}  {:11.3}  {:10.3}  {:.3}  {:13.6}  {:13.1} %",
            report.bits_per_weight(),
            after.perplexity,
            after.reference_perplexity,
            after.kld_mean,
            100.0 * after.top1,
        );
    }
    Ok(())
}

fn load(files: &ModelFiles, source: &dyn TensorSource) -> Result<LanguageModel, Box<dyn Error>> {
    match Model::load(files, source)? {
        Model::Language(model) => Ok(model),
        Model::Sentence(_) => Err("this model does not predict tokens".into()),
    }
}

const WORDS: usize = 512;
const HIDDEN: u64 = 128;
const INNER: u64 = 320;

/// A safetensors file in memory: one layer, four heads.
fn made_up_weights() -> Result<Safetensors<Vec<u8>>, hct_model::Error> {
    let layer = "model.layers.0";
    let tensors: Vec<TensorInfo> = [
        ("model.embed_tokens".to_owned(), vec![WORDS as u64, HIDDEN]),
        (format!("{layer}.input_layernorm"), vec![HIDDEN]),
        (format!("{layer}.post_attention_layernorm"), vec![HIDDEN]),
        (format!("{layer}.self_attn.q_proj"), vec![HIDDEN, HIDDEN]),
        (format!("{layer}.self_attn.k_proj"), vec![HIDDEN, HIDDEN]),
        (format!("{layer}.self_attn.v_proj"), vec![HIDDEN, HIDDEN]),
        (format!("{layer}.self_attn.o_proj"), vec![HIDDEN, HIDDEN]),
        (format!("{layer}.mlp.gate_proj"), vec![INNER, HIDDEN]),
        (format!("{layer}.mlp.up_proj"), vec![INNER, HIDDEN]),
        (format!("{layer}.mlp.down_proj"), vec![HIDDEN, INNER]),
        ("model.norm".to_owned(), vec![HIDDEN]),
    ]
    .into_iter()
    .map(|(module, shape)| TensorInfo {
        name: format!("{module}.weight"),
        dtype: Dtype::F32,
        shape,
    })
    .collect();
    let header = Header::of(&tensors).expect("the names differ and the sizes are sane");
    let mut writer = ShardWriter::new("model.safetensors", header, Vec::new())?;
    let mut numbers = bell_shaped();
    for (i, tensor) in tensors.iter().enumerate() {
        let elements = tensor.shape.iter().product::<u64>() as usize;
        let bytes: Vec<u8> = match tensor.shape[..] {
            [_] => [1f32.to_le_bytes(); HIDDEN as usize].concat(),
            _ => numbers
                .by_ref()
                .take(elements)
                .flat_map(f32::to_le_bytes)
                .collect(),
        };
        writer.write(i, &bytes)?;
    }
    Safetensors::new("in memory", [("model.safetensors", writer.finish()?)])
}

fn made_up_files() -> ModelFiles {
    let config = json!({
        "model_type": "llama", "vocab_size": WORDS, "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 4, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "tie_word_embeddings": true, "hidden_act": "silu",
    });
    let words: BTreeMap<String, usize> = (0..WORDS).map(|i| (format!("w{i}"), i)).collect();
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "w0" },
    });
    ModelFiles {
        config: config.to_string().into_bytes(),
        tokenizer: tokenizer.to_string().into_bytes(),
    }
}

fn made_up_text() -> String {
    (0..1000).map(|i| format!("w{} ", i * i % 509)).collect()
}

/// The same numbers every time.
fn bell_shaped() -> impl Iterator<Item = f32> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(move || 0.2 * (uniform() + uniform() + uniform()))
}
