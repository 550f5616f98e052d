//! Codes one tensor as a spec says, and measures it:
//! `cargo run --release -p hct-strategies --example code_a_tensor '{"strategy":"rdo","cosine":0.99}'`.

use hct_core::{Dtype, HctReader, HctWriter, TensorMeta};
use hct_strategies::{StrategySpec, TensorView};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1);
    let spec = StrategySpec::from_json(text.as_deref().unwrap_or(r#"{"strategy":"rdo"}"#))?;
    println!("spec: {}", spec.to_json());

    let meta = TensorMeta {
        name: "model.layers.0.mlp.up_proj.weight".into(),
        dtype: Dtype::F32,
        shape: vec![512, 384],
    };
    let weights = noise(512 * 384);
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();

    let strategy = spec.build([meta.name.as_str()])?;
    let coded = strategy.encode(TensorView {
        meta: &meta,
        bytes: &bytes,
        base: None,
    })?;
    let bits = 8.0 * coded.tensor.payload_bytes() as f64 / weights.len() as f64;

    let mut writer = HctWriter::new(Vec::new())?;
    writer.set_provenance(&spec.to_json())?;
    writer.add_tensor(meta, coded.tensor, None, &coded.label)?;
    let reader = HctReader::open(writer.finish()?)?;
    let decoded: Vec<f32> = reader
        .decode(0)?
        .as_chunks()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b))
        .collect();

    let recipe = &reader.index().tensors[0].recipe;
    println!("coded by {} as {recipe}", coded.label);
    println!(
        "{bits:.3} bits per weight, cosine {:.5}",
        cosine(&weights, &decoded)
    );
    Ok(())
}

/// Nearly Gaussian numbers, as trained weights are.
fn noise(n: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n)
        .map(|_| 0.03 * (0..12).map(|_| uniform()).sum::<f32>())
        .collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let terms = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        terms.sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
