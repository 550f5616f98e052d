//! Time of a truncated decomposition on one core.
//!
//! `cargo bench -p hct-strategies --bench svd`

use criterion::{Criterion, criterion_group, criterion_main};
use hct_core::MatrixView;
use hct_strategies::randomized_svd;

const SIZE: usize = 4096;
const RANK: usize = 256;

/// Noise: its flat spectrum is the hardest to separate.
fn weights() -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..SIZE * SIZE)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect()
}

fn benches(c: &mut Criterion) {
    let weights = weights();
    let matrix = MatrixView::from_values(&weights, SIZE, SIZE).expect("a square");
    let one_core = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    let mut group = c.benchmark_group("randomized svd, one core");
    group.sample_size(10);
    group.bench_function(format!("{SIZE}² rank {RANK}"), |b| {
        b.iter(|| one_core.install(|| randomized_svd(matrix, RANK).expect("finite weights")))
    });
    group.finish();
}

criterion_group!(svd, benches);
criterion_main!(svd);
