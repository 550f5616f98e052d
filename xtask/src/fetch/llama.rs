//! A Llama model in GGUF form, as a Hugging Face checkpoint folder.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use half::f16;
use hct_model::{GgufType, TensorSource};
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
    let view = gguf.as_checkpoint()?;
    let mut specs = Vec::new();
    let mut numbers = HashMap::new();
    for (number, info) in view.tensors().iter().enumerate() {
        let shape = info.shape.iter().map(|&d| usize::try_from(d));
        let shape: Vec<usize> = shape.collect::<Result<_, _>>()?;
        specs.push(TensorSpec::new(info.name.clone(), &shape));
        numbers.insert(info.name.clone(), number);
    }
    tensor_file::sort(&mut specs);
    let tied = !numbers.contains_key("lm_head.weight");

    let mut out = BufWriter::new(File::create(folder.join("model.safetensors"))?);
    let metadata = BTreeMap::from([("format", "pt".to_string())]);
    tensor_file::write_header(&mut out, Dtype::F16, &metadata, &specs)?;
    for spec in &specs {
        let number = numbers[&spec.name];
        let kind = GgufType::Plain(view.tensors()[number].dtype);
        let weights = kind.dequantize(&view.read(number)?);
        let weights = weights.with_context(|| format!("{} is of {kind}", spec.name))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_beyond_f16_are_refused() {
        assert!(write_f16(&mut Vec::new(), &[1.0, 70000.0]).is_err());
    }
}
