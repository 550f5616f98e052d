//! What a tensor is and where it stands in its model, by its name. Checkpoints say neither
//! otherwise.

mod layers;
mod role;

pub use layers::LayerStacks;
pub use role::{Role, role};

/// Whether `name` is that of a lookup table of embeddings, whose rows are used one at a time and
/// must each stay recognizable.
pub(crate) fn is_embedding(name: &str) -> bool {
    role(name) == Role::Embedding
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
