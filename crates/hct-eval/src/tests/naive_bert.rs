//! A BERT sentence encoder once more, in plain loops and F64, sharing no code with the crate.

use super::made_up::MadeUp;
use super::naive_llama::{add, linear, softmax};

pub struct Shape {
    pub hidden: usize,
    pub inner: usize,
    pub layers: usize,
    pub heads: usize,
    pub epsilon: f64,
}

type Row = Vec<f64>;

/// The vector of a sentence of these tokens.
pub fn embed(model: &MadeUp, shape: &Shape, tokens: &[u32]) -> Row {
    let row = |table: &str, row: usize| {
        let table = model.get(&format!("embeddings.{table}_embeddings.weight"));
        let row = &table[row * shape.hidden..][..shape.hidden];
        row.iter().map(|&x| f64::from(x)).collect::<Row>()
    };
    let mut x = Vec::new();
    for (position, &token) in tokens.iter().enumerate() {
        let mut sum = [row("word", token as usize)];
        add(&mut sum, &[row("position", position)]);
        add(&mut sum, &[row("token_type", 0)]);
        x.extend(sum);
    }
    let mut x = norm_all(model, "embeddings.LayerNorm", shape, &x);
    for layer in 0..shape.layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let mixed = attention(model, &name("attention.self"), shape, &x);
        let attended = linear(model, &name("attention.output.dense"), &mixed, true);
        add(&mut x, &attended);
        x = norm_all(model, &name("attention.output.LayerNorm"), shape, &x);
        let mut inner = linear(model, &name("intermediate.dense"), &x, true);
        for value in inner.iter_mut().flatten() {
            *value *= 0.5 * (1.0 + erf(*value / 2f64.sqrt()));
        }
        let down = linear(model, &name("output.dense"), &inner, true);
        add(&mut x, &down);
        x = norm_all(model, &name("output.LayerNorm"), shape, &x);
    }
    let mut mean = vec![0.0; shape.hidden];
    for row in &x {
        for (mean, value) in mean.iter_mut().zip(row) {
            *mean += value / x.len() as f64;
        }
    }
    let length = mean.iter().map(|v| v * v).sum::<f64>().sqrt();
    mean.iter().map(|v| v / length).collect()
}

/// By its power series, which converges everywhere.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn norm_all(model: &MadeUp, name: &str, shape: &Shape, x: &[Row]) -> Vec<Row> {
    let weight = model.get(&format!("{name}.weight"));
    let bias = model.get(&format!("{name}.bias"));
    let norm = |row: &Row| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let scale = 1.0 / (variance + shape.epsilon).sqrt();
        let scaled = row.iter().zip(weight).zip(bias);
        scaled
            .map(|((v, &w), &b)| (v - mean) * scale * f64::from(w) + f64::from(b))
            .collect()
    };
    x.iter().map(norm).collect()
}

fn attention(model: &MadeUp, name: &str, shape: &Shape, x: &[Row]) -> Vec<Row> {
    let project = |part: &str| linear(model, &format!("{name}.{part}"), x, true);
    let (q, k, v) = (project("query"), project("key"), project("value"));
    let dim = shape.hidden / shape.heads;
    let mut mixed = vec![vec![0.0; shape.hidden]; x.len()];
    for head in (0..shape.hidden).step_by(dim) {
        for to in 0..x.len() {
            let score = |key: &Row| {
                let products = (head..head + dim).map(|i| q[to][i] * key[i]);
                products.sum::<f64>() / (dim as f64).sqrt()
            };
            let scores: Vec<f64> = k.iter().map(score).collect();
            for (from, share) in softmax(&scores).into_iter().enumerate() {
                for i in head..head + dim {
                    mixed[to][i] += share * v[from][i];
                }
            }
        }
    }
    mixed
}
