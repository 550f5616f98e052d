//! Speed of the codec on four million weights, beside zstd on the same bytes, and of its matrix
//! product.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p hct-core` measures one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hct_core::{
    Dtype, EncodedTensor, HctReader, HctWriter, MatrixView, Preparation, TensorMeta, Transform,
    TrellisAnalysis, TrellisSettings, add_product,
};

const ROWS: usize = 2048;
const COLS: usize = 2048;

/// Gaussian weights of standard deviation 0.02, as BF16 bytes.
fn weights() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..ROWS * COLS)
        .flat_map(|_| {
            // Twelve uniforms make a Gaussian to four standard deviations.
            let sum: f32 = (0..12).map(|_| uniform()).sum();
            half::bf16::from_f32(0.02 * (sum - 6.0)).to_le_bytes()
        })
        .collect()
}

fn meta() -> TensorMeta {
    let shape = vec![ROWS as u64, COLS as u64];
    TensorMeta {
        name: "w".into(),
        dtype: Dtype::BF16,
        shape,
    }
}

fn file(tensor: EncodedTensor) -> HctReader<Vec<u8>> {
    let mut writer = HctWriter::new(Vec::new()).expect("writing to memory");
    writer
        .add_tensor(meta(), tensor, None, "bench")
        .expect("writing to memory");
    HctReader::open(writer.finish().expect("writing to memory")).expect("just written")
}

fn trellis(bytes: &[u8], states: usize, step: f32) -> EncodedTensor {
    let matrix = MatrixView::from_bytes(bytes, Dtype::BF16, ROWS, COLS).expect("a matrix");
    let preparation = Preparation::tiled(Transform::None);
    let analysis = TrellisAnalysis::new(matrix, preparation, TrellisSettings::new(states))
        .expect("finite weights");
    let training = analysis.train(step, 1 << 18);
    EncodedTensor::plane(analysis.encode(step, &training).expect("in range"))
}

fn benches(c: &mut Criterion) {
    let bytes = weights();
    let n = (ROWS * COLS) as u64;
    // About 2.9 bits per weight.
    let cases: [(&str, &dyn Fn() -> EncodedTensor); 4] = [
        ("uniform 0.98", &|| {
            EncodedTensor::uniform(&meta(), &bytes, 0.98).expect("finite")
        }),
        ("scalar", &|| trellis(&bytes, 1, 0.0046)),
        ("trellis 8", &|| trellis(&bytes, 8, 0.0055)),
        ("lossless", &|| {
            EncodedTensor::lossless(&meta(), &bytes).expect("a tensor")
        }),
    ];
    let mut group = c.benchmark_group("encode");
    group.sample_size(10).throughput(Throughput::Elements(n));
    for (name, encode) in cases {
        group.bench_function(name, |b| b.iter(encode));
    }
    group.bench_function("peer: zstd -3", |b| {
        b.iter(|| zstd::bulk::compress(&bytes, 3).expect("zstd compresses"))
    });
    group.finish();
    let mut group = c.benchmark_group("decode to BF16");
    group.sample_size(10).throughput(Throughput::Elements(n));
    for (name, encode) in cases {
        let tensor = encode();
        println!(
            "{name}: {:.3} bits per weight",
            tensor.payload_bytes() as f64 * 8.0 / n as f64
        );
        let reader = file(tensor);
        group.bench_function(name, |b| b.iter(|| reader.decode(0).expect("just written")));
    }
    let packed = zstd::bulk::compress(&bytes, 3).expect("zstd compresses");
    println!(
        "zstd -3: {:.3} bits per weight",
        packed.len() as f64 * 8.0 / n as f64
    );
    group.bench_function("peer: zstd -3", |b| {
        b.iter(|| zstd::bulk::decompress(&packed, bytes.len()).expect("just compressed"))
    });
    group.finish();
}

/// A thin product, as a truncated decomposition takes them; elements are multiplications.
fn products(c: &mut Criterion) {
    const RANK: usize = 256;
    let left = vec![0.5f32; RANK * ROWS];
    let right = vec![0.25f32; ROWS * COLS];
    let mut out = vec![0f32; RANK * COLS];
    let mut group = c.benchmark_group("matrix product");
    group
        .sample_size(10)
        .throughput(Throughput::Elements((RANK * ROWS * COLS) as u64));
    group.bench_function(format!("{RANK} × {ROWS} × {COLS}"), |b| {
        b.iter(|| add_product(&mut out, &left, &right, ROWS, COLS))
    });
    group.finish();
}

criterion_group!(codec, benches, products);
criterion_main!(codec);
