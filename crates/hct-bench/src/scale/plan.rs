//! The tensors of mixtures of experts, in the shapes of released ones.

use hct_core::Dtype;
use hct_model::TensorInfo;

/// The dimensions of a model whose layers have many feed-forward blocks, of which a token goes
/// through some, and attention by way of a short latent vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Width of the residual stream.
    hidden: u64,
    /// Number of tokens.
    vocabulary: u64,
    /// Width of the feed-forward block of the first layers.
    dense_inner: u64,
    /// Width of an expert.
    expert_inner: u64,
    /// Width of queries of all heads, and of the latent vector that they come of, if of one.
    queries: u64,
    query_rank: Option<u64>,
    /// Width of the latent vector of keys and values, and that of what is added for positions.
    key_rank: u64,
    positions: u64,
    /// Width of keys and values of all heads, and of values alone.
    keys_values: u64,
    values: u64,
    /// Layers, those first ones that are dense, and experts in each of the others.
    pub layers: u64,
    dense_layers: u64,
    pub experts: u64,
    /// Experts that every token goes through, as one block.
    shared: u64,
}

impl Plan {
    /// The 671 billion weights of DeepSeek-V3 and R1, without what predicts a second token.
    pub fn large() -> Plan {
        Plan {
            hidden: 7168,
            vocabulary: 129_280,
            dense_inner: 18_432,
            expert_inner: 2048,
            queries: 24_576,
            query_rank: Some(1536),
            key_rank: 512,
            positions: 64,
            keys_values: 32_768,
            values: 16_384,
            layers: 61,
            dense_layers: 3,
            experts: 256,
            shared: 1,
        }
    }

    /// The shapes of DeepSeek-V2-Lite, 16 billion weights in 27 layers, narrower by `shrink`.
    fn lite(shrink: u64) -> Plan {
        Plan {
            hidden: 2048 / shrink,
            vocabulary: 102_400 / shrink,
            dense_inner: 10_944 / shrink,
            expert_inner: 1408 / shrink,
            queries: 3072 / shrink,
            query_rank: None,
            key_rank: 512 / shrink,
            positions: 64 / shrink,
            keys_values: 4096 / shrink,
            values: 2048 / shrink,
            layers: 2,
            dense_layers: 1,
            experts: 64,
            shared: 2,
        }
    }

    /// A model of about `bytes` bytes at two bytes a weight: as wide as it can be with five layers.
    pub fn about(bytes: u64) -> Plan {
        let wanted = bytes / 2;
        let fitting = |shrink| {
            let mut plan = Plan::lite(shrink);
            let smallest = plan.weights();
            plan.layers += 1;
            let layer = plan.weights() - smallest;
            plan.layers = 2 + wanted.saturating_sub(smallest).saturating_add(layer / 2) / layer;
            plan
        };
        let narrower = [1, 2, 4, 8, 16].into_iter().map(fitting);
        let mut deep = narrower.filter(|plan| plan.layers >= 5);
        deep.next().unwrap_or_else(|| fitting(32))
    }

    /// All weights.
    pub fn weights(&self) -> u64 {
        self.tensors().iter().map(weights).sum()
    }

    /// Every tensor, in the order of the model.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let table = [self.vocabulary, self.hidden];
        let mut out = vec![tensor("model.embed_tokens.weight".into(), &table)];
        for layer in 0..self.layers {
            self.layer(layer, &mut out);
        }
        out.push(tensor("model.norm.weight".into(), &[self.hidden]));
        out.push(tensor("lm_head.weight".into(), &table));
        out
    }

    fn layer(&self, layer: u64, out: &mut Vec<TensorInfo>) {
        let hidden = self.hidden;
        let mut put = |part: &str, shape: &[u64]| {
            out.push(tensor(format!("model.layers.{layer}.{part}.weight"), shape));
        };
        put("input_layernorm", &[hidden]);
        match self.query_rank {
            Some(rank) => {
                put("self_attn.q_a_proj", &[rank, hidden]);
                put("self_attn.q_a_layernorm", &[rank]);
                put("self_attn.q_b_proj", &[self.queries, rank]);
            }
            None => put("self_attn.q_proj", &[self.queries, hidden]),
        }
        let latent = self.key_rank + self.positions;
        put("self_attn.kv_a_proj_with_mqa", &[latent, hidden]);
        put("self_attn.kv_a_layernorm", &[self.key_rank]);
        put("self_attn.kv_b_proj", &[self.keys_values, self.key_rank]);
        put("self_attn.o_proj", &[hidden, self.values]);
        put("post_attention_layernorm", &[hidden]);
        let mut block = |name: &str, inner: u64| {
            put(&format!("{name}.gate_proj"), &[inner, hidden]);
            put(&format!("{name}.up_proj"), &[inner, hidden]);
            put(&format!("{name}.down_proj"), &[hidden, inner]);
        };
        if layer < self.dense_layers {
            return block("mlp", self.dense_inner);
        }
        for expert in 0..self.experts {
            block(&format!("mlp.experts.{expert}"), self.expert_inner);
        }
        block("mlp.shared_experts", self.shared * self.expert_inner);
        put("mlp.gate", &[self.experts, hidden]);
    }
}

fn tensor(name: String, shape: &[u64]) -> TensorInfo {
    TensorInfo {
        name,
        dtype: Dtype::BF16,
        shape: shape.to_vec(),
    }
}

/// The weights of a tensor.
pub fn weights(tensor: &TensorInfo) -> u64 {
    tensor.shape.iter().product()
}

/// So many tensors of one shape, named as experts are.
pub fn many(tensors: u64, shape: &[u64]) -> Vec<TensorInfo> {
    let name = |i: u64| {
        let (layer, expert) = (i / 1000, i % 1000);
        format!("model.layers.{layer}.mlp.{expert}.weight")
    };
    (0..tensors).map(|i| tensor(name(i), shape)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_plan_is_the_released_model() {
        let plan = Plan::large();
        // 671.03 billion of the main model, as its authors count.
        assert_eq!(plan.weights() / 10_000_000, 67_102);
        assert_eq!(plan.tensors().len(), 45_337);
    }

    #[test]
    fn sizes_are_met_within_half_a_layer() {
        for bytes in [4u64 << 20, 64 << 20, 1 << 30, 20 << 30] {
            let plan = Plan::about(bytes);
            let planned = 2 * plan.weights();
            let ratio = planned as f64 / bytes as f64;
            assert!((0.8..1.2).contains(&ratio), "{bytes}: {plan:?} {planned}");
        }
        assert_eq!(Plan::about(20 << 30).hidden, 2048);
    }

    #[test]
    fn names_are_all_different() {
        let mut names: Vec<String> = many(100_000, &[8, 8]).into_iter().map(|t| t.name).collect();
        names.extend(Plan::about(64 << 20).tensors().into_iter().map(|t| t.name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
