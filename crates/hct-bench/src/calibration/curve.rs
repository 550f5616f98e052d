//! Bits at a loss, between measurements.

/// A loss as a function of bits per weight, as measured.
pub struct Curve(Vec<(f64, f64)>);

impl Curve {
    /// Through these bits and losses, in any order. What has no loss, or none that is a number, is
    /// left out: there is no logarithm of it.
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Curve {
        let mut points: Vec<_> = points
            .into_iter()
            .filter(|(_, loss)| loss.is_finite() && *loss > 0.0)
            .map(|(bits, loss)| (bits, libm::log(loss)))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve(points)
    }

    /// The fewest bits at which no more than `loss` is lost, the logarithm of the loss taken as
    /// linear between measurements. None outside of what was measured.
    pub fn bits_at(&self, loss: f64) -> Option<f64> {
        let level = libm::log(loss);
        self.0.windows(2).find_map(|pair| {
            let [(b0, l0), (b1, l1)] = [pair[0], pair[1]];
            let inside = l0 >= level && level >= l1 && l0 > l1;
            inside.then(|| b0 + (b1 - b0) * (l0 - level) / (l0 - l1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_measurements_the_logarithm_is_linear() {
        let curve = Curve::new([
            (4.0, 0.01),
            (2.0, 1.0),
            (3.0, 0.1),
            (9.0, 0.0),
            (1.0, f64::NAN),
        ]);
        let near = |loss, bits: f64| (curve.bits_at(loss).unwrap() - bits).abs() < 1e-9;
        assert!(near(1.0, 2.0) && near(0.01, 4.0) && near(0.1, 3.0));
        assert!(near(libm::exp(0.5 * libm::log(0.1 * 0.01)), 3.5));
        assert_eq!((curve.bits_at(1.1), curve.bits_at(0.009)), (None, None));
        assert_eq!(Curve::new([(2.0, 1.0)]).bits_at(1.0), None);
    }

    #[test]
    fn the_first_crossing_counts() {
        let curve = Curve::new([(2.0, 1.0), (3.0, 0.1), (3.5, 0.2), (4.0, 0.01)]);
        assert!((curve.bits_at(0.1).unwrap() - 3.0).abs() < 1e-9);
    }
}
