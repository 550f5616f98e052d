//! What llama.cpp calls the tensors of checkpoints, and the reverse.

/// Tensors outside of the layers, of the Llama and Qwen2 layouts: in a checkpoint, in GGUF.
const WHOLE: [(&str, &str); 3] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
];

/// Parts of the layers, likewise.
const PARTS: [(&str, &str); 9] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
];

/// Matrices of BERT's layers, of which only importance matrices are read.
const BERT_PARTS: [(&str, &str); 6] = [
    ("attention.self.query", "attn_q"),
    ("attention.self.key", "attn_k"),
    ("attention.self.value", "attn_v"),
    ("attention.output.dense", "attn_output"),
    ("intermediate.dense", "ffn_up"),
    ("output.dense", "ffn_down"),
];

/// The name in GGUF of a checkpoint's tensor; `None` for what no layout has.
pub(crate) fn name_in_gguf(name: &str) -> Option<String> {
    let (stem, kind) = stem_and_kind(name)?;
    if let Some((_, theirs)) = WHOLE.iter().find(|(ours, _)| *ours == stem) {
        return Some(format!("{theirs}.{kind}"));
    }
    let inner = stem.strip_prefix("model.").or(stem.strip_prefix("bert."));
    let inner = inner.unwrap_or(stem);
    if matches!(inner, "embed_tokens" | "embeddings.word_embeddings") {
        return Some(format!("token_embd.{kind}"));
    }
    let (layer, parts) = match inner.strip_prefix("layers.") {
        Some(layer) => (layer, &PARTS[..]),
        None => (inner.strip_prefix("encoder.layer.")?, &BERT_PARTS[..]),
    };
    let (number, part) = layer.split_once('.')?;
    let number = layer_number(number)?;
    let (_, part) = parts.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("blk.{number}.{part}.{kind}"))
}

/// The name in a checkpoint of the Llama and Qwen2 layouts of a tensor in GGUF; `None` for what those
/// do not have.
pub(crate) fn name_in_checkpoint(name: &str) -> Option<String> {
    let (stem, kind) = stem_and_kind(name)?;
    if let Some((ours, _)) = WHOLE.iter().find(|(_, theirs)| *theirs == stem) {
        return Some(format!("{ours}.{kind}"));
    }
    let (number, part) = stem.strip_prefix("blk.")?.split_once('.')?;
    let number = layer_number(number)?;
    let (part, _) = PARTS.iter().find(|(_, theirs)| *theirs == part)?;
    Some(format!("model.layers.{number}.{part}.{kind}"))
}

/// `weight` or `bias`, and what comes before it.
fn stem_and_kind(name: &str) -> Option<(&str, &str)> {
    let pair = name.rsplit_once('.')?;
    matches!(pair.1, "weight" | "bias").then_some(pair)
}

/// A number with one spelling.
fn layer_number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_decoders_go_both_ways() {
        for (ours, theirs) in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.norm.weight", "output_norm.weight"),
            ("lm_head.weight", "output.weight"),
            (
                "model.layers.0.self_attn.q_proj.weight",
                "blk.0.attn_q.weight",
            ),
            ("model.layers.7.self_attn.k_proj.bias", "blk.7.attn_k.bias"),
            (
                "model.layers.29.self_attn.v_proj.weight",
                "blk.29.attn_v.weight",
            ),
            (
                "model.layers.1.self_attn.o_proj.weight",
                "blk.1.attn_output.weight",
            ),
            (
                "model.layers.2.mlp.gate_proj.weight",
                "blk.2.ffn_gate.weight",
            ),
            ("model.layers.3.mlp.up_proj.weight", "blk.3.ffn_up.weight"),
            (
                "model.layers.4.mlp.down_proj.weight",
                "blk.4.ffn_down.weight",
            ),
            (
                "model.layers.5.input_layernorm.weight",
                "blk.5.attn_norm.weight",
            ),
            (
                "model.layers.6.post_attention_layernorm.weight",
                "blk.6.ffn_norm.weight",
            ),
        ] {
            assert_eq!(name_in_gguf(ours).as_deref(), Some(theirs));
            assert_eq!(name_in_checkpoint(theirs).as_deref(), Some(ours));
        }
    }

    #[test]
    fn names_without_their_beginnings_and_those_of_bert_go_one_way() {
        for (ours, theirs) in [
            ("layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
            ("embed_tokens.weight", "token_embd.weight"),
            (
                "bert.encoder.layer.3.attention.output.dense.weight",
                "blk.3.attn_output.weight",
            ),
            (
                "encoder.layer.3.output.dense.weight",
                "blk.3.ffn_down.weight",
            ),
        ] {
            assert_eq!(name_in_gguf(ours).as_deref(), Some(theirs));
        }
    }

    #[test]
    fn other_names_have_none() {
        for other in [
            "model.layers.x.mlp.up_proj.weight",
            "model.layers.01.mlp.up_proj.weight",
            "model.layers.0.mlp.experts.3.up_proj.weight",
            "model.layers.0.self_attn.q_proj.scale",
            "weight",
        ] {
            assert_eq!(name_in_gguf(other), None, "{other}");
        }
        for other in [
            "rope_freqs.weight",
            "blk.x.attn_q.weight",
            "blk.+1.attn_q.weight",
            "blk.0",
        ] {
            assert_eq!(name_in_checkpoint(other), None, "{other}");
        }
    }
}
