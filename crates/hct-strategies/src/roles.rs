//! What a tensor is, by its name.

/// Whether `name` is that of a lookup table of embeddings, whose rows are used one at a time and
/// must each stay recognizable.
pub(crate) fn is_embedding(name: &str) -> bool {
    const PARTS: [&str; 9] = [
        "embed_tokens",
        "embed_positions",
        "embed_in",
        "word_embeddings",
        "position_embeddings",
        "tok_embeddings",
        "token_embd",
        "wte",
        "wpe",
    ];
    let lower = name.to_ascii_lowercase();
    lower.split(['.', '/']).any(|part| PARTS.contains(&part))
        || (lower.contains("embedding") && !lower.contains("patch") && !lower.contains("norm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup_tables_are_told_from_projections() {
        for name in [
            "model.embed_tokens.weight",
            "embeddings.word_embeddings.weight",
            "minilm.embeddings.position_embeddings.weight",
            "transformer.wte.weight",
            "wpe.weight",
            "gpt_neox.embed_in.weight",
            "model.decoder.embed_positions.weight",
        ] {
            assert!(is_embedding(name), "{name}");
        }
        for name in [
            "vit.embeddings.patch_embeddings.projection.weight",
            "embeddings.LayerNorm.weight",
            "model.layers.0.mlp.up_proj.weight",
            "lm_head.weight",
            "swte2.weight",
        ] {
            assert!(!is_embedding(name), "{name}");
        }
    }
}
