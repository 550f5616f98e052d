//! A checkpoint compressed and read back without touching the disk:
//! `cargo run --release -p hct-model --example in_memory`.
//!
//! The same works with anything that is written to and read from by ranges, such as objects in a
//! store: implement `hct_core::ReadAt` for it, and `std::io::Write`.

use hct_core::Dtype;
use hct_model::{
    CompressOptions, Error, HctModel, Header, Safetensors, ShardWriter, TensorInfo, encode,
};
use hct_strategies::{Quality, RdoEncoder};

const ROWS: u64 = 8192;
const COLS: u64 = 512;

fn main() -> Result<(), Error> {
    // A safetensors file in memory: an embedding of 4 M weights, and its norm.
    let embedding: Vec<u8> = weights(ROWS * COLS).flat_map(f32::to_le_bytes).collect();
    let norm: Vec<u8> = weights(COLS)
        .flat_map(|w| (1.0 + w).to_le_bytes())
        .collect();
    let tensor = |name: &str, shape: &[u64]| TensorInfo {
        name: name.into(),
        dtype: Dtype::F32,
        shape: shape.into(),
    };
    let header = Header::of(&[
        tensor("embed.weight", &[ROWS, COLS]),
        tensor("norm", &[COLS]),
    ])
    .expect("the names differ and the sizes are sane");
    let mut writer = ShardWriter::new("model.safetensors", header, Vec::new())?;
    writer.write(0, &embedding)?;
    writer.write(1, &norm)?;
    let checkpoint = Safetensors::new("in memory", [("model.safetensors", writer.finish()?)])?
        .with_side_file("config.json", b"{\"model_type\":\"none\"}".to_vec())?;

    // Compress it to a vector: every matrix at a cosine of 0.995, the norm losslessly.
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: false,
    };
    let strategy = RdoEncoder::new(Quality::Cosine(0.995));
    let (file, report) = encode(&checkpoint, Vec::new(), &strategy, options, &())?;
    println!(
        "{} bytes to {}: {:.3} bits per weight",
        report.input_bytes,
        report.output_bytes,
        report.bits_per_weight()
    );

    // Open those bytes and read ten rows as numbers. Only their tile is decoded.
    let model = HctModel::new("in memory", &file)?;
    let rows = model
        .tensor(model.find("embed.weight")?)?
        .rows(1000..1010)?;
    let mut values = vec![0.0; rows.elements() as usize];
    rows.decode_f32(&mut values)?;
    let start = 1000 * COLS as usize * 4;
    let original = embedding[start..].chunks_exact(4);
    let (mut dot, mut old, mut new) = (0.0, 0.0, 0.0);
    for (&decoded, bytes) in values.iter().zip(original) {
        let weight = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        dot += f64::from(weight * decoded);
        old += f64::from(weight * weight);
        new += f64::from(decoded * decoded);
    }
    println!("cosine of ten rows: {:.4}", dot / (old * new).sqrt());
    Ok(())
}

/// Bell-shaped numbers, the same every time.
fn weights(n: u64) -> impl Iterator<Item = f32> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n).map(move |_| 0.05 * (uniform() + uniform() + uniform()))
}
