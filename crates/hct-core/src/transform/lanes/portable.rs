//! Lanes in an array, which the compiler may put into a register.

const WIDTH: usize = 4;

/// Operations on each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector([f32; WIDTH]);

impl Vector {
    #[cfg(not(target_arch = "x86_64"))]
    pub const WIDTH: usize = WIDTH;

    #[inline(always)]
    pub fn new(v: [f32; WIDTH]) -> Self {
        Vector(v)
    }

    #[inline(always)]
    pub fn array(self) -> [f32; WIDTH] {
        self.0
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Vector(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    pub fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    pub fn neg(self) -> Self {
        Vector(self.0.map(|v| -v))
    }

    /// Rows and columns of a square of values exchanged.
    #[inline(always)]
    pub fn transpose(rows: [Self; WIDTH]) -> [Self; WIDTH] {
        std::array::from_fn(|c| Vector(std::array::from_fn(|r| rows[r].0[c])))
    }
}
