//! Random numbers that are the same everywhere.

use crate::split_mix::SplitMix;

/// Independent Gaussian samples of unit variance, the same on every machine.
pub fn standard_gaussian(n: usize) -> Vec<f32> {
    seeded_gaussian(n, 1)
}

/// The same, others for another seed.
pub fn seeded_gaussian(n: usize, seed: u64) -> Vec<f32> {
    precise_gaussian(n, seed).map(|v| v as f32).collect()
}

/// The same before they are rounded: a product of f32 that is rounded once more lacks some of the numbers that f32 has,
/// and what is lossless would take less for it.
pub fn precise_gaussian(n: usize, seed: u64) -> impl Iterator<Item = f64> {
    let mut random = SplitMix(seed);
    let mut uniform = move || (random.next() >> 11) as f64 / (1u64 << 53) as f64;
    // Box and Muller 1958.
    (0..n).map(move |_| {
        let radius = (-2.0 * libm::log(1.0 - uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * uniform())
    })
}
