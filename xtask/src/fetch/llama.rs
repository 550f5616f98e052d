//! A Llama model in GGUF form, as a Hugging Face checkpoint folder.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use half::f16;
use safetensors::Dtype;
use serde_json::json;

use super::gguf::Gguf;
use crate::tensor_file::{self, TensorSpec};

/// Writes `model.safetensors`, `config.json` and `generation_config.json`.
///
/// The weights are stored as F16. Measured over SmolLM2's dequantised matrices, rounding to F16
/// has a relative error of 1.9e-4 (root mean square), to BF16 1.3e-3; the norms are exact in both.
/// The largest weight is 9.25, far from F16's limit of 65504.
pub fn convert(gguf: &Gguf, folder: &Path) -> Result<()> {
    let architecture = gguf.text("general.architecture")?;
    ensure!(
        architecture == "llama",
        "only Llama models can be converted, not {architecture}"
    );
    let heads = Heads {
        query: gguf.integer("llama.attention.head_count")?,
        key: gguf.integer("llama.attention.head_count_kv")?,
    };

    let mut sources = HashMap::new();
    let mut specs = Vec::new();
    for (gguf_name, shape) in gguf.shapes()? {
        let name = checkpoint_name(&gguf_name)
            .with_context(|| format!("no checkpoint name is known for the tensor {gguf_name}"))?;
        specs.push(TensorSpec::new(name.clone(), &shape));
        sources.insert(name, gguf_name);
    }
    tensor_file::sort(&mut specs);
    let tied = !sources.contains_key("lm_head.weight");

    let mut out = BufWriter::new(File::create(folder.join("model.safetensors"))?);
    let metadata = BTreeMap::from([("format", "pt".to_string())]);
    tensor_file::write_header(&mut out, Dtype::F16, &metadata, &specs)?;
    for spec in &specs {
        let gguf_name = &sources[&spec.name];
        let weights = heads.restore_order(gguf_name, &spec.shape, gguf.weights(gguf_name)?)?;
        write_f16(&mut out, &weights).with_context(|| format!("cannot write {}", spec.name))?;
    }
    out.flush()?;
    write_configs(gguf, tied, folder)
}

fn write_f16<W: Write>(out: &mut W, weights: &[f32]) -> Result<()> {
    for &weight in weights {
        let stored = f16::from_f32(weight);
        ensure!(
            stored.is_finite(),
            "the weight {weight} does not fit in F16"
        );
        out.write_all(&stored.to_le_bytes())?;
    }
    Ok(())
}

fn write_configs(gguf: &Gguf, tied: bool, folder: &Path) -> Result<()> {
    let bos = gguf.integer("tokenizer.ggml.bos_token_id")?;
    let eos = gguf.integer("tokenizer.ggml.eos_token_id")?;
    let pad = gguf.integer("tokenizer.ggml.padding_token_id")?;
    let config = json!({
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": false,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "pad_token_id": pad,
        "hidden_act": "silu",
        "hidden_size": gguf.integer("llama.embedding_length")?,
        "intermediate_size": gguf.integer("llama.feed_forward_length")?,
        "max_position_embeddings": gguf.integer("llama.context_length")?,
        "mlp_bias": false,
        "model_type": "llama",
        "num_attention_heads": gguf.integer("llama.attention.head_count")?,
        "num_hidden_layers": gguf.integer("llama.block_count")?,
        "num_key_value_heads": gguf.integer("llama.attention.head_count_kv")?,
        "rms_norm_eps": gguf.decimal("llama.attention.layer_norm_rms_epsilon")?,
        "rope_theta": gguf.decimal("llama.rope.freq_base")?,
        "tie_word_embeddings": tied,
        "torch_dtype": "float16",
        "use_cache": true,
        "vocab_size": gguf.integer("llama.vocab_size")?,
    });
    let generation = json!({ "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad });
    fs::write(
        folder.join("config.json"),
        serde_json::to_vec_pretty(&config)?,
    )?;
    fs::write(
        folder.join("generation_config.json"),
        serde_json::to_vec_pretty(&generation)?,
    )?;
    Ok(())
}

/// The checkpoint's name for a GGUF tensor.
fn checkpoint_name(gguf_name: &str) -> Option<String> {
    let whole = match gguf_name {
        "token_embd.weight" => Some("model.embed_tokens.weight"),
        "output_norm.weight" => Some("model.norm.weight"),
        "output.weight" => Some("lm_head.weight"),
        _ => None,
    };
    if let Some(name) = whole {
        return Some(name.to_string());
    }
    let (layer, part) = gguf_name.strip_prefix("blk.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let part = match part.strip_suffix(".weight")? {
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        "attn_norm" => "input_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        _ => return None,
    };
    Some(format!("model.layers.{layer}.{part}.weight"))
}

/// How many attention heads the query and key projections have.
struct Heads {
    query: usize,
    key: usize,
}

impl Heads {
    /// Puts the rows of query and key projections back into the checkpoint's order.
    fn restore_order(&self, name: &str, shape: &[usize], weights: Vec<f32>) -> Result<Vec<f32>> {
        let heads = match name.rsplit('.').nth(1) {
            Some("attn_q") => self.query,
            Some("attn_k") => self.key,
            _ => return Ok(weights),
        };
        match *shape {
            [rows, columns] if heads > 0 && columns > 0 && rows % (2 * heads) == 0 => {
                Ok(halves_from_pairs(&weights, heads, rows / heads, columns))
            }
            _ => bail!("{name} of shape {shape:?} cannot be split into {heads} heads"),
        }
    }
}

/// Undoes GGUF's interleaving of the rows that rotary embedding rotates together.
///
/// In the checkpoint, row `i` of a head is rotated with row `i + head_rows / 2`; GGUF stores such
/// two rows side by side.
fn halves_from_pairs(weights: &[f32], heads: usize, head_rows: usize, columns: usize) -> Vec<f32> {
    let mut restored = Vec::with_capacity(weights.len());
    for head in 0..heads {
        for half in 0..2 {
            for pair in 0..head_rows / 2 {
                let row = head * head_rows + 2 * pair + half;
                restored.extend_from_slice(&weights[row * columns..][..columns]);
            }
        }
    }
    restored
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What GGUF's converter does: `reshape(heads, 2, rows / 2, columns).swapaxes(1, 2)`.
    fn pairs_from_halves(
        weights: &[f32],
        heads: usize,
        head_rows: usize,
        columns: usize,
    ) -> Vec<f32> {
        let mut stored = vec![0.0; weights.len()];
        let half_rows = head_rows / 2;
        for head in 0..heads {
            for half in 0..2 {
                for pair in 0..half_rows {
                    for column in 0..columns {
                        let from = ((head * 2 + half) * half_rows + pair) * columns + column;
                        let to = ((head * half_rows + pair) * 2 + half) * columns + column;
                        stored[to] = weights[from];
                    }
                }
            }
        }
        stored
    }

    #[test]
    fn row_order_is_restored() {
        let (heads, head_rows, columns) = (3, 8, 5);
        let original: Vec<f32> = (0..heads * head_rows * columns).map(|n| n as f32).collect();
        let stored = pairs_from_halves(&original, heads, head_rows, columns);
        assert_ne!(stored, original);
        assert_eq!(
            halves_from_pairs(&stored, heads, head_rows, columns),
            original
        );
    }

    #[test]
    fn only_query_and_key_rows_move() {
        let heads = Heads { query: 1, key: 2 };
        let rows: Vec<f32> = (0..8).map(|n| n as f32).collect();
        let order = |name| heads.restore_order(name, &[8, 1], rows.clone());
        assert_eq!(order("blk.0.attn_v.weight").unwrap(), rows);
        assert_eq!(
            order("blk.0.attn_q.weight").unwrap(),
            [0., 2., 4., 6., 1., 3., 5., 7.]
        );
        assert_eq!(
            order("blk.0.attn_k.weight").unwrap(),
            [0., 2., 1., 3., 4., 6., 5., 7.]
        );
        assert!(
            heads
                .restore_order("blk.0.attn_q.weight", &[7, 1], rows.clone())
                .is_err()
        );
    }

    #[test]
    fn names() {
        let cases = [
            ("token_embd.weight", "model.embed_tokens.weight"),
            ("output_norm.weight", "model.norm.weight"),
            ("output.weight", "lm_head.weight"),
            (
                "blk.0.attn_q.weight",
                "model.layers.0.self_attn.q_proj.weight",
            ),
            (
                "blk.7.attn_k.weight",
                "model.layers.7.self_attn.k_proj.weight",
            ),
            (
                "blk.29.attn_v.weight",
                "model.layers.29.self_attn.v_proj.weight",
            ),
            (
                "blk.1.attn_output.weight",
                "model.layers.1.self_attn.o_proj.weight",
            ),
            (
                "blk.2.ffn_gate.weight",
                "model.layers.2.mlp.gate_proj.weight",
            ),
            ("blk.3.ffn_up.weight", "model.layers.3.mlp.up_proj.weight"),
            (
                "blk.4.ffn_down.weight",
                "model.layers.4.mlp.down_proj.weight",
            ),
            (
                "blk.5.attn_norm.weight",
                "model.layers.5.input_layernorm.weight",
            ),
            (
                "blk.6.ffn_norm.weight",
                "model.layers.6.post_attention_layernorm.weight",
            ),
        ];
        for (gguf, checkpoint) in cases {
            assert_eq!(checkpoint_name(gguf).as_deref(), Some(checkpoint));
        }
        for unknown in [
            "rope_freqs.weight",
            "blk.x.attn_q.weight",
            "blk.0.attn_q.bias",
            "blk.0",
        ] {
            assert_eq!(checkpoint_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn weights_beyond_f16_are_refused() {
        assert!(write_f16(&mut Vec::new(), &[1.0, 70000.0]).is_err());
    }
}
