//! The curve of `rdo` that every other row is held against.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::entrants::rdo;
use crate::text::cells::bits_per_weight;

/// Cosines of the curve; those of the strategy table come on top.
const COSINES: [f64; 11] = [
    0.50, 0.70, 0.80, 0.90, 0.95, 0.97, 0.98, 0.985, 0.998, 0.9995, 0.9999,
];

/// `rdo` at one quality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Bytes of the matrices.
    pub matrix_bytes: u64,
    /// Cosine over the matrices.
    pub cosine: f64,
}

/// `rdo` from coarse to fine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve(pub Vec<Point>);

impl Curve {
    /// Measures the curve through `known` points.
    pub fn measure(bench: &Bench<'_>, known: Vec<Point>) -> Result<Curve> {
        let mut points = known;
        for cosine in COSINES {
            let (row, _) = bench.measure(&rdo(cosine))?;
            points.push(Point {
                matrix_bytes: row.matrix_bytes,
                cosine: row.cosine,
            });
        }
        points.sort_by(|a, b| a.cosine.total_cmp(&b.cosine));
        Ok(Curve(points))
    }

    /// Bits per weight of `rdo` at a cosine, between the points measured: bits are about linear
    /// in the logarithm of 1 − cosine².
    pub fn bits_at(&self, cosine: f64, weights: u64) -> Option<f64> {
        let x = log_error(cosine);
        self.0.windows(2).find_map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let (xa, xb) = (log_error(a.cosine), log_error(b.cosine));
            if !(xb..=xa).contains(&x) || xa == xb {
                return None;
            }
            let of = |p: Point| bits_per_weight(p.matrix_bytes, weights);
            Some(of(a) + (of(b) - of(a)) * (x - xa) / (xb - xa))
        })
    }
}

/// log₂(1 − cosine²).
fn log_error(cosine: f64) -> f64 {
    libm::log2((1.0 - cosine * cosine).max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_lie_between_the_points() {
        let point = |matrix_bytes, rel_mse: f64| Point {
            matrix_bytes,
            cosine: (1.0 - rel_mse).sqrt(),
        };
        let curve = Curve(vec![point(100, 1.0 / 4.0), point(200, 1.0 / 16.0)]);
        let bits = curve.bits_at((1.0f64 - 1.0 / 8.0).sqrt(), 800).unwrap();
        assert!((bits - 1.5).abs() < 1e-9);
        assert_eq!(curve.bits_at(0.1, 800), None);
        assert_eq!(curve.bits_at(1.0, 800), None);
    }
}
