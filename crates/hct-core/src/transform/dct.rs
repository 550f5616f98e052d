//! One-dimensional orthonormal DCT-II and its inverse (DCT-III), planned once per length.
//!
//! rustdct's default planner picks FFT kernels by CPU features, whose roundings differ. The codec
//! promises the same bytes on every CPU, so the plans here are built on the scalar kernels only.
//! Twiddle factors are the system's sines in double precision, rounded to single: systems that
//! differ in the last bit of a double agree on the single but for one in about 2²⁸, and a test
//! compares this system's with `libm`'s.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use rustdct::algorithm::type2and3_butterflies::{
    Type2And3Butterfly2, Type2And3Butterfly4, Type2And3Butterfly8, Type2And3Butterfly16,
};
use rustdct::algorithm::{Type2And3ConvertToFft, Type2And3SplitRadix};
use rustdct::rustfft::FftPlannerScalar;
use rustdct::{DctNum, TransformType2And3};

use super::lanes::Lanes;

/// A number that lines are made of: one line of f32, or several side by side.
pub(super) trait Line: DctNum {
    /// The plans of this type.
    fn planner() -> &'static Mutex<Planner<Self>>;
}

/// Gives a type its planner.
macro_rules! line {
    ($($number:ty)+) => {$(
        impl Line for $number {
            fn planner() -> &'static Mutex<Planner<Self>> {
                static PLANNER: LazyLock<Mutex<Planner<$number>>> = LazyLock::new(Mutex::default);
                &PLANNER
            }
        }
    )+};
}
line!(f32 Lanes);

type Plan<T> = Arc<dyn TransformType2And3<T>>;

/// Plans by length; FFT plans share their twiddle factors through the one planner.
pub(super) struct Planner<T: DctNum> {
    plans: HashMap<usize, Plan<T>>,
    fft: FftPlannerScalar<T>,
}

impl<T: DctNum> Default for Planner<T> {
    fn default() -> Self {
        Planner {
            plans: HashMap::new(),
            fft: FftPlannerScalar::new(),
        }
    }
}

/// Cached plans are dropped past this many, so that a file of many odd shapes stays bounded.
const MAX_CACHED_PLANS: usize = 256;

impl<T: DctNum> Planner<T> {
    fn plan(&mut self, len: usize) -> Plan<T> {
        if let Some(plan) = self.plans.get(&len) {
            return plan.clone();
        }
        let plan: Plan<T> = match len {
            2 => Arc::new(Type2And3Butterfly2::new()),
            4 => Arc::new(Type2And3Butterfly4::new()),
            8 => Arc::new(Type2And3Butterfly8::new()),
            16 => Arc::new(Type2And3Butterfly16::new()),
            n if n.is_power_of_two() && n > 16 => {
                let half = self.plan(n / 2);
                let quarter = self.plan(n / 4);
                Arc::new(Type2And3SplitRadix::new(half, quarter))
            }
            n => Arc::new(Type2And3ConvertToFft::new(self.fft.plan_fft_forward(n))),
        };
        if self.plans.len() >= MAX_CACHED_PLANS {
            *self = Self::default();
        }
        self.plans.insert(len, plan.clone());
        plan
    }
}

/// An orthonormal DCT of one length. Cheap to clone; usable from many threads.
#[derive(Clone)]
pub(super) struct Dct<T> {
    pub(super) plan: Option<Plan<T>>,
    pub(super) len: usize,
    /// Its [`factors`].
    pub(super) dc: f32,
    pub(super) ac: f32,
}

impl<T: Line> Dct<T> {
    /// The transform of length `len`; a length of 0 or 1 is the identity.
    pub fn new(len: usize) -> Self {
        let plan = (len > 1).then(|| {
            T::planner()
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .plan(len)
        });
        let (dc, ac) = factors(len);
        Dct { plan, len, dc, ac }
    }

    /// Scratch elements that either direction needs.
    pub fn scratch_len(&self) -> usize {
        self.plan.as_ref().map_or(0, |p| p.get_scratch_len())
    }

    /// DCT-III in place: the inverse of X₀ = √(1/n)·Σ xᵢ, Xₖ = √(2/n)·Σ xᵢ·cos(π(2i+1)k/2n).
    pub fn inverse(&self, values: &mut [T], scratch: &mut [T]) {
        let Some(plan) = &self.plan else { return };
        debug_assert_eq!(values.len(), self.len);
        // rustdct's DCT-III takes half of the first element.
        scale(values, 2.0 * self.dc, self.ac);
        plan.process_dct3_with_scratch(values, scratch);
    }
}

/// Orthonormal factors of the first coefficient and of the others, √(1/n) and √(2/n).
pub(super) fn factors(len: usize) -> (f32, f32) {
    let n = len.max(1) as f64;
    ((1.0 / n).sqrt() as f32, (2.0 / n).sqrt() as f32)
}

/// Multiplies the first value by `first` and the others by `others`.
pub(super) fn scale<T: Line>(values: &mut [T], first: f32, others: f32) {
    let factor = |f: f32| T::from_f32(f).expect("a number takes every f32");
    let (first, others) = (factor(first), factor(others));
    values[0] = values[0] * first;
    for v in &mut values[1..] {
        *v = *v * others;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn twiddle_factors_are_those_of_every_system() {
        // The angles that rustfft and rustdct ask for, half offsets included.
        for len in (2..=1500).chain([2048, 2560, 4096, 11_008, 65_536]) {
            let step = -2.0 * std::f64::consts::PI / f64::from(len);
            for half in 0..2 * len {
                let angle = step * (f64::from(half) / 2.0);
                let (sin, cos) = angle.sin_cos();
                assert_eq!(cos as f32, libm::cos(angle) as f32, "{half} of {len}");
                assert_eq!(sin as f32, libm::sin(angle) as f32, "{half} of {len}");
            }
        }
    }
}
