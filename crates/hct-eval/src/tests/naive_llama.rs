//! Decoders once more, in plain loops and F64, sharing no code with the crate.

use super::made_up::MadeUp;

pub struct Shape {
    pub hidden: usize,
    pub inner: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub theta: f64,
    pub epsilon: f64,
    pub qkv_bias: bool,
    pub tied: bool,
}

type Row = Vec<f64>;

/// The logits after every token.
pub fn logits(model: &MadeUp, shape: &Shape, tokens: &[u32]) -> Vec<Row> {
    let embedding = matrix(model, "model.embed_tokens.weight", shape.hidden);
    let mut x: Vec<Row> = tokens
        .iter()
        .map(|&t| embedding[t as usize].clone())
        .collect();
    for layer in 0..shape.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let normed = norm_all(model, &name("input_layernorm"), shape, &x);
        let attended = attention(model, &name("self_attn"), shape, &normed);
        add(&mut x, &attended);
        let normed = norm_all(model, &name("post_attention_layernorm"), shape, &x);
        let gate = linear(model, &name("mlp.gate_proj"), &normed, false);
        let up = linear(model, &name("mlp.up_proj"), &normed, false);
        let mut inner = vec![vec![0.0; shape.inner]; x.len()];
        for (row, inner) in inner.iter_mut().enumerate() {
            for (i, value) in inner.iter_mut().enumerate() {
                let g = gate[row][i];
                *value = g / (1.0 + (-g).exp()) * up[row][i];
            }
        }
        let down = linear(model, &name("mlp.down_proj"), &inner, false);
        add(&mut x, &down);
    }
    let x = norm_all(model, "model.norm", shape, &x);
    let head = if shape.tied {
        "model.embed_tokens"
    } else {
        "lm_head"
    };
    linear(model, head, &x, false)
}

fn matrix(model: &MadeUp, name: &str, columns: usize) -> Vec<Row> {
    let rows = model.get(name).chunks(columns);
    rows.map(|row| row.iter().map(|&x| f64::from(x)).collect())
        .collect()
}

pub fn linear(model: &MadeUp, name: &str, x: &[Row], has_bias: bool) -> Vec<Row> {
    let weight = matrix(model, &format!("{name}.weight"), x[0].len());
    let mut out = Vec::new();
    for row in x {
        let mut values = Vec::new();
        for (output, weights) in weight.iter().enumerate() {
            let mut sum = 0.0;
            for i in 0..row.len() {
                sum += row[i] * weights[i];
            }
            if has_bias {
                sum += f64::from(model.get(&format!("{name}.bias"))[output]);
            }
            values.push(sum);
        }
        out.push(values);
    }
    out
}

pub fn add(x: &mut [Row], y: &[Row]) {
    for (x, y) in x.iter_mut().zip(y) {
        for (x, y) in x.iter_mut().zip(y) {
            *x += y;
        }
    }
}

pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let max = scores.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
    scores.iter().map(|s| (s - max).exp() / sum).collect()
}

fn norm_all(model: &MadeUp, name: &str, shape: &Shape, x: &[Row]) -> Vec<Row> {
    let weight = model.get(&format!("{name}.weight"));
    let norm = |row: &Row| {
        let square = row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64;
        let scale = 1.0 / (square + shape.epsilon).sqrt();
        row.iter()
            .zip(weight)
            .map(|(v, &w)| v * scale * f64::from(w))
            .collect()
    };
    x.iter().map(norm).collect()
}

/// Turns dimensions `i` and `i + dim / 2` of one head at one position.
fn rotate(head: &mut [f64], position: usize, theta: f64) {
    let half = head.len() / 2;
    for i in 0..half {
        let angle = position as f64 / theta.powf(i as f64 / half as f64);
        let (a, b) = (head[i], head[i + half]);
        head[i] = a * angle.cos() - b * angle.sin();
        head[i + half] = b * angle.cos() + a * angle.sin();
    }
}

fn attention(model: &MadeUp, name: &str, shape: &Shape, x: &[Row]) -> Vec<Row> {
    let project = |part: &str| linear(model, &format!("{name}.{part}"), x, shape.qkv_bias);
    let (mut q, mut k, v) = (project("q_proj"), project("k_proj"), project("v_proj"));
    let dim = shape.head_dim;
    for position in 0..x.len() {
        for head in q[position].chunks_mut(dim) {
            rotate(head, position, shape.theta);
        }
        for head in k[position].chunks_mut(dim) {
            rotate(head, position, shape.theta);
        }
    }
    let mut mixed = vec![vec![0.0; shape.heads * dim]; x.len()];
    for head in 0..shape.heads {
        let kv = head / (shape.heads / shape.kv_heads) * dim;
        for to in 0..x.len() {
            let mut scores = Vec::new();
            for key in &k[..=to] {
                let mut score = 0.0;
                for i in 0..dim {
                    score += q[to][head * dim + i] * key[kv + i];
                }
                scores.push(score / (dim as f64).sqrt());
            }
            for (from, share) in softmax(&scores).into_iter().enumerate() {
                for i in 0..dim {
                    mixed[to][head * dim + i] += share * v[from][kv + i];
                }
            }
        }
    }
    linear(model, &format!("{name}.o_proj"), &mixed, false)
}
