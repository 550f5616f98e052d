//! Comparing one row with another.

use crate::simd::multiversion;

/// Sums over one row of the original a and the decoded b, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowComparison {
    /// Σ a².
    pub original: f64,
    /// Σ b².
    pub decoded: f64,
    /// Σ a·b.
    pub product: f64,
    /// Σ (a − b)².
    pub error: f64,
}

impl RowComparison {
    fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.original += a * a;
        self.decoded += b * b;
        self.product += a * b;
        self.error += (a - b) * (a - b);
    }

    /// Adds another row's sums.
    pub fn merge(&mut self, other: &RowComparison) {
        self.original += other.original;
        self.decoded += other.decoded;
        self.product += other.product;
        self.error += other.error;
    }

    /// Cosine similarity; 1 for two zero vectors.
    pub fn cosine(&self) -> f64 {
        let norms = (self.original * self.decoded).sqrt();
        match norms > 0.0 {
            true => self.product / norms,
            false if self.original == self.decoded => 1.0,
            false => 0.0,
        }
    }

    /// Σ (a − b)² / Σ a²; 0 for an exact copy.
    pub fn rel_mse(&self) -> f64 {
        if self.error == 0.0 {
            0.0
        } else {
            self.error / self.original
        }
    }
}

/// Partial sums of a row.
const WIDE: usize = 8;
/// Values of a row that are compared at a time.
const BLOCK: usize = 16 * WIDE;

multiversion! {
    /// Compares two rows of one length.
    pub(super) fn compare_row(a: &[f32], b: &[f32]) -> RowComparison = compare_row_body;
}

#[inline(always)]
fn compare_row_body(a: &[f32], b: &[f32]) -> RowComparison {
    // Independent partial sums, in an order fixed by the source, so that loops vectorize: one a loop, since
    // those of a loop for all do not.
    let mut sums = [[0f64; WIDE]; 4];
    let whole = a.len() / WIDE * WIDE;
    let (wide_a, rest_a) = a.split_at(whole);
    let (wide_b, rest_b) = b.split_at(whole);
    let (mut of_a, mut of_b, mut off) = ([0f64; BLOCK], [0f64; BLOCK], [0f64; BLOCK]);
    for (a, b) in wide_a.chunks(BLOCK).zip(wide_b.chunks(BLOCK)) {
        let n = a.len();
        let (of_a, of_b, off) = (&mut of_a[..n], &mut of_b[..n], &mut off[..n]);
        of_a.iter_mut().zip(a).for_each(|(x, &a)| *x = a.into());
        of_b.iter_mut().zip(b).for_each(|(x, &b)| *x = b.into());
        for ((off, a), b) in off.iter_mut().zip(&*of_a).zip(&*of_b) {
            *off = a - b;
        }
        add_products(of_a, of_a, &mut sums[0]);
        add_products(of_b, of_b, &mut sums[1]);
        add_products(of_a, of_b, &mut sums[2]);
        add_products(off, off, &mut sums[3]);
    }
    let [original, decoded, product, error] = sums.map(|s| s.iter().sum());
    let mut row = RowComparison {
        original,
        decoded,
        product,
        error,
    };
    rest_a.iter().zip(rest_b).for_each(|(&a, &b)| row.add(a, b));
    row
}

/// Adds the products of two slices, whole vectors long, to every eighth sum.
#[inline(always)]
fn add_products(a: &[f64], b: &[f64], sums: &mut [f64; WIDE]) {
    let mut of = *sums;
    for (a, b) in a.as_chunks::<WIDE>().0.iter().zip(b.as_chunks::<WIDE>().0) {
        for i in 0..WIDE {
            of[i] += a[i] * b[i];
        }
    }
    *sums = of;
}
