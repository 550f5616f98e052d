//! Several lines side by side: a number that is one value of each.
//!
//! Every operation is that of f32 on each lane, in the order in which the scalar algorithm asks for
//! it, so that a transform of lanes gives the bits of as many transforms of f32. The algorithms of
//! rustfft and rustdct take any number type; one that is a vector is all they need to run on vectors.

#[cfg(any(not(target_arch = "x86_64"), test))]
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use rustdct::rustfft::num_traits::{FloatConst, FromPrimitive, Num, One, Signed, Zero};

#[cfg(not(target_arch = "x86_64"))]
use portable::Vector;
#[cfg(target_arch = "x86_64")]
use x86_64::Vector;

/// Lanes of a [`Lanes`].
pub(super) const WIDTH: usize = Vector::WIDTH;

/// A value of each of [`WIDTH`] lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes(Vector);

impl Lanes {
    #[inline(always)]
    pub fn new(values: [f32; WIDTH]) -> Self {
        Lanes(Vector::new(values))
    }

    #[inline(always)]
    pub fn splat(v: f32) -> Self {
        Lanes::new([v; WIDTH])
    }

    #[inline(always)]
    pub fn array(self) -> [f32; WIDTH] {
        self.0.array()
    }

    /// Rows and columns of a square of values exchanged.
    #[inline(always)]
    pub fn transpose(rows: [Self; WIDTH]) -> [Self; WIDTH] {
        let [a, b, c, d] = rows;
        let [a, b, c, d] = Vector::transpose([a.0, b.0, c.0, d.0]);
        [Lanes(a), Lanes(b), Lanes(c), Lanes(d)]
    }

    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.array(), other.array());
        Lanes::new(std::array::from_fn(|i| f(a[i], b[i])))
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Lanes::splat(0.0)
    }
}

impl PartialEq for Lanes {
    fn eq(&self, other: &Self) -> bool {
        self.array() == other.array()
    }
}

/// Operators that act on each lane.
macro_rules! by_lane {
    ($($operator:ident $method:ident)+) => {$(
        impl $operator for Lanes {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Lanes(self.0.$method(other.0))
            }
        }
    )+};
}
by_lane!(Add add Sub sub Mul mul Div div);

impl Neg for Lanes {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Lanes(self.0.neg())
    }
}

/// Required of a number, as are signs; no transform asks for either.
impl Rem for Lanes {
    type Output = Self;

    fn rem(self, other: Self) -> Self {
        self.zip(other, |a, b| a % b)
    }
}

impl Zero for Lanes {
    #[inline(always)]
    fn zero() -> Self {
        Lanes::splat(0.0)
    }

    fn is_zero(&self) -> bool {
        *self == Self::zero()
    }
}

impl One for Lanes {
    #[inline(always)]
    fn one() -> Self {
        Lanes::splat(1.0)
    }
}

impl Num for Lanes {
    type FromStrRadixErr = <f32 as Num>::FromStrRadixErr;

    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f32::from_str_radix(text, radix).map(Lanes::splat)
    }
}

impl Signed for Lanes {
    fn abs(&self) -> Self {
        Lanes::new(self.array().map(f32::abs))
    }

    fn abs_sub(&self, other: &Self) -> Self {
        self.zip(*other, |a, b| Signed::abs_sub(&a, &b))
    }

    fn signum(&self) -> Self {
        Lanes::new(self.array().map(f32::signum))
    }

    fn is_positive(&self) -> bool {
        self.array().iter().all(Signed::is_positive)
    }

    fn is_negative(&self) -> bool {
        self.array().iter().all(Signed::is_negative)
    }
}

/// Twiddle factors come in through here: rounded as f32 does, the same in every lane.
impl FromPrimitive for Lanes {
    fn from_i64(n: i64) -> Option<Self> {
        f32::from_i64(n).map(Lanes::splat)
    }

    fn from_u64(n: u64) -> Option<Self> {
        f32::from_u64(n).map(Lanes::splat)
    }

    fn from_isize(n: isize) -> Option<Self> {
        f32::from_isize(n).map(Lanes::splat)
    }

    fn from_usize(n: usize) -> Option<Self> {
        f32::from_usize(n).map(Lanes::splat)
    }

    fn from_f32(n: f32) -> Option<Self> {
        Some(Lanes::splat(n))
    }

    #[inline(always)]
    fn from_f64(n: f64) -> Option<Self> {
        Some(Lanes::splat(n as f32))
    }
}

/// Constants of f32 in every lane.
macro_rules! constants {
    ($($name:ident)+) => {
        #[allow(non_snake_case, reason = "the trait's names")]
        impl FloatConst for Lanes {
            $(
                #[inline(always)]
                fn $name() -> Self {
                    Lanes::splat(std::f32::consts::$name)
                }
            )+
        }
    };
}
constants!(
    E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6
    FRAC_PI_8 LN_10 LN_2 LOG10_E LOG2_E PI SQRT_2
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_that_of_a_number_on_each_lane() {
        let (a, b) = ([1.5f32, -0.0, 3e38, 1e-40], [0.1f32, 0.0, 3e38, -7.0]);
        let bits = |v: Lanes| v.array().map(f32::to_bits);
        let expected = |f: fn(f32, f32) -> f32| -> [u32; WIDTH] {
            std::array::from_fn(|i| f(a[i], b[i]).to_bits())
        };
        let (x, y) = (Lanes::new(a), Lanes::new(b));
        assert_eq!(bits(x + y), expected(|a, b| a + b));
        assert_eq!(bits(x - y), expected(|a, b| a - b));
        assert_eq!(bits(x * y), expected(|a, b| a * b));
        assert_eq!(bits(x / Lanes::splat(3.0)), expected(|a, _| a / 3.0));
        assert_eq!(bits(-x), expected(|a, _| -a));
        assert_eq!(bits(x % Lanes::splat(0.7)), expected(|a, _| a % 0.7));
        let (p, q) = (portable::Vector::new(a), portable::Vector::new(b));
        let same = |v: portable::Vector, f: fn(f32, f32) -> f32| {
            assert_eq!(v.array().map(f32::to_bits), expected(f));
        };
        same(p.add(q), |a, b| a + b);
        same(p.sub(q), |a, b| a - b);
        same(p.mul(q), |a, b| a * b);
        same(p.div(portable::Vector::new([3.0; WIDTH])), |a, _| a / 3.0);
        same(p.neg(), |a, _| -a);
    }

    #[test]
    fn rows_become_columns() {
        let at = |r: usize, c: usize| (10 * r + c) as f32;
        let row = |r: usize| -> [f32; WIDTH] { std::array::from_fn(|c| at(r, c)) };
        let columns = Lanes::transpose(std::array::from_fn(|r| Lanes::new(row(r))));
        let portable =
            portable::Vector::transpose(std::array::from_fn(|r| portable::Vector::new(row(r))));
        for c in 0..WIDTH {
            let expected: [f32; WIDTH] = std::array::from_fn(|r| at(r, c));
            assert_eq!(columns[c].array(), expected);
            assert_eq!(portable[c].array(), expected);
        }
    }
}
