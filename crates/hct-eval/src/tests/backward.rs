//! The hand-written backward passes against differences of losses that plain loops compute: the
//! gradient of each weight, Σ g x over tokens, is what they have to add up to.

use candle_core::Tensor;

use super::made_up::MadeUp;
use super::synthetic_decoders::{self, llama, qwen2};
use super::{naive_bert, naive_llama, synthetic_bert};
use crate::layered::{Layered, Sequences};
use crate::passage::Passage;
use crate::random::Random;

/// What went through the linear layers of all layers, by the names of their matrices, and the
/// gradient with respect to what goes into the first.
pub fn passages<M: Layered>(
    model: &M,
    window: &Sequences,
) -> (Vec<(Vec<String>, Passage)>, Tensor) {
    let around = model.around(window).unwrap();
    let mut hidden = vec![model.enter(window).unwrap()];
    for layer in 0..model.layers() {
        let next = model.forward(layer, &hidden[layer], &around).unwrap();
        hidden.push(next);
    }
    let last = hidden.pop().unwrap();
    let mut g = model.leave(window, &last, &mut model.no_ends()).unwrap();
    let mut found = Vec::new();
    for layer in (0..model.layers()).rev() {
        let (next, passages) = model.backward(layer, &hidden[layer], &around, &g).unwrap();
        g = next;
        let names = model.names(layer);
        assert_eq!(names.len(), passages.len());
        found.extend(names.into_iter().zip(passages));
    }
    (found, g)
}

/// The gradient of every matrix of the layers, by name, and that of what goes into the first.
fn gradients<M: Layered>(model: &M, window: &Sequences) -> (Vec<(String, Tensor)>, Tensor) {
    let (passages, g) = passages(model, window);
    let mut found = Vec::new();
    for (names, passage) in passages {
        assert_eq!(names.len(), passage.gradients.len());
        for (name, gradient) in names.into_iter().zip(passage.gradients) {
            let product = gradient.t().unwrap().matmul(&passage.input).unwrap();
            found.push((name, product));
        }
    }
    (found, g)
}

/// Compares some entries of a gradient with differences of `loss`.
fn check(source: &mut MadeUp, name: &str, found: &[f32], loss: &dyn Fn(&MadeUp) -> f64) {
    let len = source.get(name).len();
    assert_eq!(found.len(), len, "{name}");
    let scale = found.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(scale > 1e-3, "{name} has gradients of {scale} only");
    for entry in 0..4 {
        let at = (entry * 7919 + 13) % len;
        let value = source.get(name)[at];
        let mut loss_at = |value: f32| {
            source.get_mut(name)[at] = value;
            (f64::from(value), loss(source))
        };
        let ((high, above), (low, below)) = (loss_at(value + 1e-3), loss_at(value - 1e-3));
        source.get_mut(name)[at] = value;
        let expected = (above - below) / (high - low);
        let error = (f64::from(found[at]) - expected).abs();
        assert!(
            error < 1e-3 * f64::from(scale),
            "{name} {at}: {} and {expected}, of {scale}",
            found[at]
        );
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn window(tokens: &[u32], lengths: &[usize]) -> Sequences {
    Sequences {
        tokens: tokens.to_vec(),
        lengths: lengths.to_vec(),
        seed: 5,
    }
}

#[test]
fn decoders_have_the_gradients_of_drawn_tokens() {
    for shape in [llama(), qwen2()] {
        let mut source = synthetic_decoders::weights(&shape);
        let model = synthetic_decoders::load(&shape, &source, None);
        let window = window(&[3, 17, 3, 39, 0, 8, 21, 21, 5], &[9]);
        // Drawn the same way, from the plain loops' probabilities.
        let logits = naive_llama::logits(&source, &shape, &window.tokens);
        let drawn: Vec<usize> = logits
            .iter()
            .enumerate()
            .map(|(row, logits)| {
                let mut left = Random::nth(window.seed, row as u64).unit();
                let probabilities = naive_llama::softmax(logits);
                let passed = probabilities.iter().position(|p| {
                    left -= p;
                    left < 0.0
                });
                passed.unwrap()
            })
            .collect();
        let loss = |source: &MadeUp| -> f64 {
            let logits = naive_llama::logits(source, &shape, &window.tokens);
            let losses = logits.iter().zip(&drawn);
            losses
                .map(|(row, &token)| -naive_llama::softmax(row)[token].ln())
                .sum()
        };
        let (found, g) = gradients(&model.decoder, &window);
        assert_eq!(found.len(), 7 * shape.layers);
        for (name, gradient) in found {
            check(&mut source, &name, &flat(&gradient), &loss);
        }
        if !shape.tied {
            let mut of_table = vec![0.0; source.get("model.embed_tokens.weight").len()];
            let rows: Vec<Vec<f32>> = g.to_vec2().unwrap();
            for (row, &token) in rows.iter().zip(&window.tokens) {
                let entries = &mut of_table[token as usize * shape.hidden..][..shape.hidden];
                for (sum, g) in entries.iter_mut().zip(row) {
                    *sum += g;
                }
            }
            check(&mut source, "model.embed_tokens.weight", &of_table, &loss);
        }
    }
}

#[test]
fn encoders_have_the_gradients_of_drawn_directions() {
    let shape = synthetic_bert::SHAPE;
    let mut source = synthetic_bert::weights();
    let model = synthetic_bert::load(&source);
    let window = window(&[4, 30, 4, 11, 0, 7, 9, 2], &[5, 3]);
    let mut random = Random::new(window.seed);
    let directions: Vec<Vec<f64>> = (0..2)
        .map(|_| (0..shape.hidden).map(|_| random.normal()).collect())
        .collect();
    let loss = |source: &MadeUp| -> f64 {
        let sentences = [&window.tokens[..5], &window.tokens[5..]];
        let vectors = sentences.map(|tokens| naive_bert::embed(source, &shape, tokens));
        let pairs = vectors.iter().flatten().zip(directions.iter().flatten());
        pairs.map(|(v, d)| v * d).sum()
    };
    let (found, _) = gradients(&model, &window);
    assert_eq!(found.len(), 6 * shape.layers);
    for (name, gradient) in found {
        check(&mut source, &name, &flat(&gradient), &loss);
    }
}
