//! The sums that cosines and errors are made of.

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    a2: f64,
    b2: f64,
    ab: f64,
    err2: f64,
    max_err: f64,
    /// An element is not finite in one of the two only, or differently.
    broken: bool,
}

impl Sums {
    #[inline]
    pub fn add(&mut self, a: f64, b: f64) {
        let err = a - b;
        if err.is_finite() {
            self.a2 += a * a;
            self.b2 += b * b;
            self.ab += a * b;
            self.err2 += err * err;
            self.max_err = self.max_err.max(err.abs());
        } else {
            self.broken |= !(a == b || a.is_nan() && b.is_nan());
        }
    }

    pub fn merge(&mut self, other: &Sums) {
        self.a2 += other.a2;
        self.b2 += other.b2;
        self.ab += other.ab;
        self.err2 += other.err2;
        self.max_err = self.max_err.max(other.max_err);
        self.broken |= other.broken;
    }

    pub fn cosine(&self) -> f64 {
        if self.broken {
            f64::NAN
        } else if self.err2 == 0.0 {
            // Rounding of the square roots must not make equal vectors look different.
            1.0
        } else if self.a2 == 0.0 || self.b2 == 0.0 {
            0.0
        } else {
            (self.ab / (self.a2.sqrt() * self.b2.sqrt())).clamp(-1.0, 1.0)
        }
    }

    pub fn rel_mse(&self) -> f64 {
        if self.broken {
            f64::INFINITY
        } else if self.err2 == 0.0 {
            0.0
        } else {
            self.err2 / self.a2
        }
    }

    pub fn max_abs_err(&self) -> f64 {
        if self.broken {
            f64::INFINITY
        } else {
            self.max_err
        }
    }
}
