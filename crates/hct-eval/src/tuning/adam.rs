//! Steps by the method Adam (Kingma and Ba, 2014).

/// How much of the mean gradient is kept from step to step, and of the mean square.
const KEPT: f64 = 0.9;
const SQUARE_KEPT: f64 = 0.99;
/// Beside this a gradient is none.
const NOTHING: f64 = 1e-8;

/// Numbers, 0 at first, that go down a gradient.
pub(super) struct Adam {
    numbers: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    pub fn new(len: usize) -> Adam {
        Adam {
            numbers: vec![0.0; len],
            mean: vec![0.0; len],
            square: vec![0.0; len],
            steps: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The numbers after one step more, of about `length` each, down `gradient`.
    pub fn step(&mut self, gradient: &[f64], length: f64) -> &[f64] {
        self.steps += 1;
        // The means begin at nothing.
        let seen = 1.0 - KEPT.powi(self.steps);
        let square_seen = 1.0 - SQUARE_KEPT.powi(self.steps);
        let means = self.mean.iter_mut().zip(&mut self.square);
        for ((number, (mean, square)), g) in self.numbers.iter_mut().zip(means).zip(gradient) {
            *mean += (1.0 - KEPT) * (g - *mean);
            *square += (1.0 - SQUARE_KEPT) * (g * g - *square);
            *number -= length * (*mean / seen) / ((*square / square_seen).sqrt() + NOTHING);
        }
        &self.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lowest_point_whatever_the_scale() {
        let (target, scale) = ([0.3, -0.2, 0.0], [1.0, 1e4, 1e-3]);
        let mut adam = Adam::new(3);
        let mut at = vec![0.0; 3];
        for step in 0..400 {
            let pairs = at.iter().zip(target).zip(scale);
            let gradient: Vec<f64> = pairs.map(|((x, t), s)| s * (x - t)).collect();
            at = adam
                .step(&gradient, 0.02 * (1.0 - f64::from(step) / 400.0))
                .to_vec();
        }
        for (x, target) in at.iter().zip(target) {
            assert!((x - target).abs() < 2e-3, "{at:?}");
        }
    }

    #[test]
    fn the_first_step_is_as_long_as_said() {
        let mut adam = Adam::new(2);
        let at = adam.step(&[5.0, -1e-3], 0.01);
        assert!((at[0] + 0.01).abs() < 1e-6 && (at[1] - 0.01).abs() < 1e-6);
    }
}
