//! What llama.cpp calls the tensors of checkpoints.

/// Parts of the layers, of the Llama and Qwen2 layouts and then of BERT's.
const PARTS: [(&str, &str); 13] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("attention.self.query", "attn_q"),
    ("attention.self.key", "attn_k"),
    ("attention.self.value", "attn_v"),
    ("attention.output.dense", "attn_output"),
    ("intermediate.dense", "ffn_up"),
    ("output.dense", "ffn_down"),
];

/// The name there of the matrix `name` of a checkpoint; `None` for what has no statistics.
pub(super) fn name_in_llama_cpp(name: &str) -> Option<String> {
    let name = name.strip_suffix(".weight")?;
    if name == "lm_head" {
        return Some("output.weight".to_owned());
    }
    let inner = name.strip_prefix("model.").or(name.strip_prefix("bert."));
    let inner = inner.unwrap_or(name);
    if matches!(inner, "embed_tokens" | "embeddings.word_embeddings") {
        return Some("token_embd.weight".to_owned());
    }
    let layer = inner
        .strip_prefix("layers.")
        .or(inner.strip_prefix("encoder.layer."))?;
    let (number, part) = layer.split_once('.')?;
    let number: u32 = number.parse().ok()?;
    let (_, part) = PARTS.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("blk.{number}.{part}.weight"))
}

#[cfg(test)]
mod tests {
    use super::name_in_llama_cpp;

    #[test]
    fn names_of_all_layouts() {
        for (ours, theirs) in [
            (
                "model.layers.12.self_attn.q_proj.weight",
                "blk.12.attn_q.weight",
            ),
            ("layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
            (
                "bert.encoder.layer.3.attention.output.dense.weight",
                "blk.3.attn_output.weight",
            ),
            (
                "encoder.layer.3.output.dense.weight",
                "blk.3.ffn_down.weight",
            ),
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("lm_head.weight", "output.weight"),
        ] {
            assert_eq!(name_in_llama_cpp(ours).as_deref(), Some(theirs));
        }
        for other in [
            "model.layers.0.input_layernorm.weight",
            "model.layers.x.mlp.up_proj.weight",
            "model.layers.0.self_attn.q_proj.bias",
            "model.norm.weight",
        ] {
            assert_eq!(name_in_llama_cpp(other), None);
        }
    }
}
