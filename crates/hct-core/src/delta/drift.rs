//! The drift table: what decay alone did to an element, by the leading bits of its mantissa.

use super::Layout;

/// Elements looked at.
const SAMPLE: usize = 1 << 20;
/// Share of the elements that the commonest difference of their key must explain. Differences
/// that follow a gradient are spread over far more values than keys.
const LEAST_SHARE: f64 = 0.02;

/// The commonest difference of every key, or nothing where there is no telling drift from
/// chance. `rows` are elements a row, which is looked at whole or not at all.
pub(crate) fn learn(layout: Layout, base: &[u8], bytes: &[u8], row: usize) -> Vec<i32> {
    let keys = layout.drift_keys();
    if keys < 2 {
        return Vec::new();
    }
    let run = row * layout.bytes();
    let stride = base.len().div_ceil(SAMPLE * layout.bytes()).max(1);
    let mut seen: Vec<(u32, i32)> = Vec::new();
    let sampled = base.chunks(run).zip(bytes.chunks(run)).step_by(stride);
    for (base, bytes) in sampled {
        let pairs = layout.elements(base).zip(layout.elements(bytes));
        seen.extend(pairs.map(|(a, b)| (layout.drift_key(a) as u32, layout.difference(a, b))));
    }
    seen.sort_unstable();
    let mut commonest = vec![(0usize, 0i32); keys];
    for run in seen.chunk_by(|a, b| a == b) {
        let (key, d) = run[0];
        let best = &mut commonest[key as usize];
        // The smaller difference of equally common ones.
        let nearer = run.len() == best.0 && d.unsigned_abs() < best.1.unsigned_abs();
        if run.len() > best.0 || nearer {
            *best = (run.len(), d);
        }
    }
    let explained: usize = commonest.iter().map(|(n, _)| n).sum();
    let moves = commonest.iter().any(|&(_, d)| d != 0);
    if !moves || (explained as f64) < LEAST_SHARE * seen.len() as f64 {
        return Vec::new();
    }
    // Keys never seen take what their neighbour has, which costs least to store.
    let mut before = 0;
    commonest
        .into_iter()
        .map(|(n, d)| {
            if n > 0 {
                before = d;
            }
            before
        })
        .collect()
}
