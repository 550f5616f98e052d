//! Codes synthetic fine-tunes against their base at several guards, and alone:
//! `cargo run --release -p hct-strategies --example code_a_delta`.

use hct_core::{BaseTensor, Dtype, TensorMeta, add_product};
use hct_strategies::{BaseView, LosslessEncoder, Quality, RdoEncoder, Strategy, TensorView};

const ROWS: usize = 768;
const COLS: usize = 576;
/// Components of a merged adapter.
const RANK: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let before: Vec<f32> = normals(1, ROWS * COLS);
    let dense = normals(2, ROWS * COLS);
    let mut adapter = vec![0.0; ROWS * COLS];
    let (left, right) = (normals(3, ROWS * RANK), normals(4, RANK * COLS));
    add_product(&mut adapter, &left, &right, RANK, COLS);
    println!("bits per weight of a {ROWS} × {COLS} tensor at cosine 0.995, and losslessly");
    println!("| change | dtype | alone | delta 0.8 | 0.9 | 0.95 | 0.99 | lossless | delta |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (what, moved) in [("noise", &dense), ("rank 16", &adapter)] {
        for dtype in [Dtype::BF16, Dtype::F32] {
            for share in [0.01, 0.05, 0.2] {
                row(&before, moved, share, dtype, what)?;
            }
        }
    }
    Ok(())
}

/// One line of the table: `moved` at `share` of the norm of `before`, added to it.
fn row(
    before: &[f32],
    moved: &[f32],
    share: f32,
    dtype: Dtype,
    what: &str,
) -> Result<(), hct_core::Error> {
    let meta = TensorMeta {
        name: "layer.weight".into(),
        dtype,
        shape: vec![ROWS as u64, COLS as u64],
    };
    let norm = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
    let scale = share * norm(before) / norm(moved);
    let after: Vec<f32> = before
        .iter()
        .zip(moved)
        .map(|(b, m)| b + scale * m)
        .collect();
    let (base, tuned) = (to_bytes(before, dtype), to_bytes(&after, dtype));
    let old = BaseTensor {
        name: meta.name.clone(),
        sha256: [0; 32],
    };
    let bits = |strategy: &dyn Strategy, on_base: bool| {
        let base = BaseView {
            tensor: &old,
            bytes: &base,
        };
        let coded = strategy.encode(TensorView {
            meta: &meta,
            bytes: &tuned,
            base: on_base.then_some(base),
        })?;
        let bits = 8.0 * coded.tensor.payload_bytes() as f64 / (ROWS * COLS) as f64;
        Ok::<_, hct_core::Error>(format!(" {bits:.2} |"))
    };
    let rdo = RdoEncoder::new(Quality::Cosine(0.995));
    let mut line = format!(
        "| {what}, {} % | {dtype} |{}",
        100.0 * share,
        bits(&rdo, false)?
    );
    for guard in [0.8, 0.9, 0.95, 0.99] {
        line += &bits(&rdo.delta_cosine(guard), true)?;
    }
    line += &bits(&LosslessEncoder, false)?;
    line += &bits(&LosslessEncoder, true)?;
    println!("{line}");
    Ok(())
}

fn to_bytes(values: &[f32], dtype: Dtype) -> Vec<u8> {
    let weights = values.iter().map(|v| 0.02 * v);
    match dtype {
        Dtype::BF16 => weights
            .flat_map(|w| half::bf16::from_f32(w).to_le_bytes())
            .collect(),
        _ => weights.flat_map(f32::to_le_bytes).collect(),
    }
}

/// Values close to normally distributed: sums of twelve uniform ones.
fn normals(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..n)
        .map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0)
        .collect()
}
