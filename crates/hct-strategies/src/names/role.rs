//! What a tensor does in its model.

use super::layers;

/// What a tensor does in a transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// A lookup table, of tokens or positions, or a learned token.
    Embedding,
    /// The query projection of an attention.
    Query,
    /// The key projection.
    Key,
    /// The value projection.
    Value,
    /// The projection of an attention's result.
    Output,
    /// Two or three of query, key and value in one matrix.
    QueryKeyValue,
    /// A matrix of a feed-forward part, experts included.
    Mlp,
    /// A projection to the vocabulary or to classes.
    Head,
    /// The scale of a normalization.
    Norm,
    /// An additive term of anything.
    Bias,
    /// Everything else: convolutions, routers, poolers, buffers, unknown names.
    Other,
}

impl Role {
    /// Whether this is a projection of an attention.
    pub fn is_attention(self) -> bool {
        matches!(
            self,
            Role::Query | Role::Key | Role::Value | Role::Output | Role::QueryKeyValue
        )
    }
}

/// What the tensor `name` does, by the naming of the common families: Llama, Qwen, Mistral, Gemma,
/// GPT-2, GPT-NeoX, BERT, ViT, Whisper and GGUF files. [`Role::Other`] for a name that says nothing.
pub fn role(name: &str) -> Role {
    let name = name.to_ascii_lowercase();
    let layer = layers::cut(&name);
    // What stands before a layer's number names the model, not the tensor.
    let path = layer.as_ref().map_or(name.as_str(), |layer| layer.inside);
    let parts: Vec<&str> = path.split(['.', '/']).collect();
    if parts.last().is_some_and(|last| is_bias(last)) {
        return Role::Bias;
    }
    // The part nearest the end that means something decides.
    (0..parts.len())
        .rev()
        .find_map(|i| {
            let (parents, part) = (&parts[..i], parts[i]);
            of_part(part, parents).or_else(|| match layer {
                None => of_head(part, parents),
                Some(_) => None,
            })
        })
        .unwrap_or(Role::Other)
}

fn is_bias(last: &str) -> bool {
    // TensorFlow calls the bias of a norm beta, and old BERT checkpoints kept that.
    last == "bias" || last.ends_with("_bias") || last == "beta"
}

fn is_norm(part: &str) -> bool {
    part.contains("norm")
        || part == "ln"
        || part.starts_with("ln_")
        || part.ends_with("_ln")
        || matches!(part, "ln1" | "ln2")
}

/// The role that one part of a name tells, if it does.
fn of_part(part: &str, parents: &[&str]) -> Option<Role> {
    if is_norm(part) {
        return Some(Role::Norm);
    }
    Some(match part {
        "q_proj" | "query" | "q_lin" | "q_attn" | "wq" | "attn_q" => Role::Query,
        "k_proj" | "key" | "k_lin" | "wk" | "attn_k" => Role::Key,
        "v_proj" | "value" | "v_lin" | "wv" | "attn_v" => Role::Value,
        "c_attn" | "query_key_value" | "qkv" | "qkv_proj" | "wqkv" | "attn_qkv"
        | "in_proj_weight" => Role::QueryKeyValue,
        "attn_output" => Role::Output,

        // Which one these are, the part they belong to tells.
        "o_proj" | "out_proj" | "c_proj" | "proj" | "dense" | "wo" | "out" | "out_lin" => {
            return of_projection(parents);
        }

        "gate" | "router" | "shared_expert_gate" => Role::Other,
        _ if part.starts_with("ffn_gate_inp") => Role::Other,

        "up_proj" | "gate_proj" | "down_proj" | "gate_up_proj" | "c_fc" | "fc1" | "fc2" | "w1"
        | "w2" | "w3" | "lin1" | "lin2" | "dense_h_to_4h" | "dense_4h_to_h" => Role::Mlp,
        _ if is_mlp(part) || part.starts_with("ffn_") => Role::Mlp,

        "embed_out" => Role::Head,
        "pooler" | "transform" => Role::Other,
        _ if part.contains("patch") || part.starts_with("conv") || part.starts_with("rotary") => {
            Role::Other
        }

        "embed_tokens" | "embed_positions" | "embed_in" | "token_embd" | "position_embd"
        | "token_types" | "wte" | "wpe" | "pos_embed" | "cls_token" | "dist_token" => {
            Role::Embedding
        }
        _ if part.contains("embedding") => Role::Embedding,
        _ => return None,
    })
}

/// The role of a projection whose own name would do for an attention and for an MLP.
fn of_projection(parents: &[&str]) -> Option<Role> {
    let nearest = parents.iter().rev().find_map(|parent| {
        if parent.contains("attn") || parent.contains("attention") {
            Some(Role::Output)
        } else {
            is_mlp(parent).then_some(Role::Mlp)
        }
    });
    // BERT does not name its MLP, only the two halves; `output` is also in its attentions.
    let half = || matches!(parents.last(), Some(&("intermediate" | "output"))).then_some(Role::Mlp);
    nearest.or_else(half)
}

fn is_mlp(part: &str) -> bool {
    matches!(
        part,
        "mlp" | "ffn" | "feed_forward" | "experts" | "shared_expert" | "block_sparse_moe"
    )
}

/// [`Role::Head`] if `part`, which is in no layer, names a head.
fn of_head(part: &str, parents: &[&str]) -> Option<Role> {
    let head = match part {
        "lm_head" | "proj_out" | "classifier" | "score" | "head" | "predictions"
        | "seq_relationship" | "qa_outputs" | "vocab_projector" => true,
        // GGUF and Meta's own files; elsewhere it is half of a BERT layer.
        "output" => parents.is_empty(),
        _ => false,
    };
    head.then_some(Role::Head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_tells_what_a_projection_is() {
        for (name, expected) in [
            ("h.0.attn.c_proj.weight", Role::Output),
            ("h.0.mlp.c_proj.weight", Role::Mlp),
            (
                "encoder.layer.0.attention.output.dense.weight",
                Role::Output,
            ),
            ("encoder.layer.0.output.dense.weight", Role::Mlp),
            ("patch_embed.proj.weight", Role::Other),
            ("pooler.dense.weight", Role::Other),
            ("classifier.out_proj.weight", Role::Head),
            ("dense.weight", Role::Other),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn what_names_the_model_does_not_name_the_tensor() {
        for (name, expected) in [
            ("embedding_model.layers.0.mlp.up_proj.weight", Role::Mlp),
            ("embedding_model.layers.0.unheard_of.weight", Role::Other),
            (
                "attention_net.encoder.layer.0.output.dense.weight",
                Role::Mlp,
            ),
            ("normformer.layers.0.self_attn.q_proj.weight", Role::Query),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn a_head_is_in_no_layer() {
        assert_eq!(role("output.weight"), Role::Head);
        assert_eq!(role("blk.0.output.weight"), Role::Other);
        assert_eq!(role("model.layers.0.score.weight"), Role::Other);
    }

    #[test]
    fn biases_and_norms_are_told_from_what_they_belong_to() {
        assert_eq!(role("model.layers.0.self_attn.q_proj.bias"), Role::Bias);
        assert_eq!(role("model.layers.0.self_attn.q_norm.weight"), Role::Norm);
        assert_eq!(role("bert.embeddings.LayerNorm.gamma"), Role::Norm);
        assert_eq!(role("bert.embeddings.LayerNorm.beta"), Role::Bias);
        assert_eq!(
            role("transformer.resblocks.0.attn.in_proj_bias"),
            Role::Bias
        );
    }

    #[test]
    fn attention_is_its_projections() {
        let attention = [
            Role::Query,
            Role::Key,
            Role::Value,
            Role::Output,
            Role::QueryKeyValue,
        ];
        let others = [
            Role::Embedding,
            Role::Mlp,
            Role::Head,
            Role::Norm,
            Role::Bias,
            Role::Other,
        ];
        assert!(attention.iter().all(|role| role.is_attention()));
        assert!(!others.iter().any(|role| role.is_attention()));
    }

    #[test]
    fn case_and_slashes_do_not_matter() {
        assert_eq!(role("MODEL.LAYERS.0.SELF_ATTN.Q_PROJ.WEIGHT"), Role::Query);
        assert_eq!(
            role("bert/encoder/layer/0/attention/self/query/kernel"),
            Role::Query
        );
    }
}
