//! Which version of the kernels runs.

use std::sync::LazyLock;

/// The environment variable that forces a level.
const VARIABLE: &str = "HCT_SIMD";

/// The instruction sets of a level, listed once: `features!(avx2 detected)` asks the CPU for
/// exactly those that `features!(avx2 enable fn …)` compiles a function for.
#[cfg(target_arch = "x86_64")]
macro_rules! features {
    (avx2 $($then:tt)+) => {
        $crate::simd::features!(@ ("avx2" "f16c" "bmi1" "bmi2" "lzcnt" "popcnt") $($then)+)
    };
    (avx512 $($then:tt)+) => {
        $crate::simd::features!(
            @ ("avx512f" "avx512bw" "avx512dq" "avx512vl" "avx2" "f16c" "bmi1" "bmi2" "lzcnt" "popcnt")
            $($then)+
        )
    };
    (@ ($($feature:tt)+) detected) => {
        true $(&& is_x86_feature_detected!($feature))+
    };
    (@ ($($feature:tt)+) enable $($function:tt)+) => {
        $(#[target_feature(enable = $feature)])+
        $($function)+
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use features;

/// A set of instruction sets that kernels are compiled for, in rising order. The bits that they
/// give are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SimdLevel {
    /// What every CPU of the target has.
    Portable,
    /// x86-64 with AVX2, F16C and the bit instructions of the same years.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL, where the crate was compiled by Rust 1.89 or later.
    Avx512,
}

impl SimdLevel {
    /// Every level, lowest first.
    pub const ALL: [SimdLevel; 3] = [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512];

    /// What `HCT_SIMD` calls it: `portable`, `avx2`, `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }

    /// Whether this CPU has every instruction that the level may use, and the crate its code.
    pub fn is_available(self) -> bool {
        match self {
            SimdLevel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => features!(avx2 detected),
            #[cfg(all(target_arch = "x86_64", hct_avx512))]
            SimdLevel::Avx512 => features!(avx512 detected),
            #[cfg(not(target_arch = "x86_64"))]
            SimdLevel::Avx2 => false,
            #[cfg(not(all(target_arch = "x86_64", hct_avx512)))]
            SimdLevel::Avx512 => false,
        }
    }

    fn best() -> Self {
        let available = Self::ALL.into_iter().rev().find(|l| l.is_available());
        available.unwrap_or(SimdLevel::Portable)
    }
}

/// What is wrong with the value of `HCT_SIMD`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimdLevelError {
    /// It names no level.
    #[error("{VARIABLE}={0:?} names no level: use portable, avx2 or avx512")]
    Unknown(String),
    /// It names a level that this CPU cannot run.
    #[error("{VARIABLE}={} asks for instructions that this CPU lacks; it has {}", .wanted.name(), .best.name())]
    Unavailable {
        /// The level named.
        wanted: SimdLevel,
        /// The highest that this CPU can run.
        best: SimdLevel,
    },
}

/// The level that `HCT_SIMD` asks for, the highest available one where it is unset.
fn chosen(variable: Option<&str>) -> Result<SimdLevel, SimdLevelError> {
    let best = SimdLevel::best();
    let Some(name) = variable else {
        return Ok(best);
    };
    match SimdLevel::ALL.into_iter().find(|l| l.name() == name) {
        None => Err(SimdLevelError::Unknown(name.to_owned())),
        Some(wanted) if wanted.is_available() => Ok(wanted),
        Some(wanted) => Err(SimdLevelError::Unavailable { wanted, best }),
    }
}

/// Read once: a level that changed between two tiles would be hard to reason about.
static CHOSEN: LazyLock<Result<SimdLevel, SimdLevelError>> = LazyLock::new(|| {
    let variable = std::env::var_os(VARIABLE);
    chosen(
        variable
            .map(|v| v.to_string_lossy().into_owned())
            .as_deref(),
    )
});

/// The level that the kernels run at: the highest that the CPU has, or the one that the
/// environment variable `HCT_SIMD` named when it was first needed. Speed is all that depends on it.
///
/// # Errors
/// When the variable names no level, or one that the CPU lacks. Kernels then run at the highest
/// available; programs should say so rather than go on.
pub fn simd_level() -> Result<SimdLevel, SimdLevelError> {
    CHOSEN.clone()
}

/// The level to dispatch on; always one that the CPU has.
#[inline]
pub(crate) fn level() -> SimdLevel {
    #[cfg(any(test, fuzzing))]
    if let Some(level) = forced::level() {
        return level;
    }
    match &*CHOSEN {
        Ok(level) => *level,
        Err(_) => SimdLevel::best(),
    }
}

#[cfg(any(test, fuzzing))]
pub use forced::same_at_every_level;

#[cfg(any(test, fuzzing))]
mod forced {
    use std::fmt::Debug;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::{Mutex, PoisonError};

    use super::SimdLevel;

    const NONE: u8 = u8::MAX;
    /// For the whole process, since rayon's threads take part; that tests which run meanwhile see
    /// it too changes only their speed.
    static FORCED: AtomicU8 = AtomicU8::new(NONE);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    pub(super) fn level() -> Option<SimdLevel> {
        let index = FORCED.load(Ordering::Relaxed);
        SimdLevel::ALL.get(usize::from(index)).copied()
    }

    /// Runs `f` at every level that this CPU has, and asserts that all give what the portable one
    /// gives, which it returns. Must not be nested.
    #[track_caller]
    pub fn same_at_every_level<T: PartialEq + Debug>(f: impl Fn() -> T) -> T {
        struct Release;
        impl Drop for Release {
            fn drop(&mut self) {
                FORCED.store(NONE, Ordering::Relaxed);
            }
        }
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let _release = Release;
        let at = |index: usize| {
            FORCED.store(index as u8, Ordering::Relaxed);
            f()
        };
        let portable = at(0);
        for (index, level) in SimdLevel::ALL.into_iter().enumerate().skip(1) {
            if level.is_available() {
                let same = at(index) == portable;
                assert!(same, "{} differs from portable", level.name());
            }
        }
        portable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_takes_available_levels_by_name_and_nothing_else() {
        assert_eq!(chosen(None), Ok(SimdLevel::best()));
        assert_eq!(chosen(Some("portable")), Ok(SimdLevel::Portable));
        for name in ["", "AVX2", "avx2 ", "neon"] {
            assert_eq!(
                chosen(Some(name)),
                Err(SimdLevelError::Unknown(name.into()))
            );
        }
        for wanted in SimdLevel::ALL {
            let best = SimdLevel::best();
            let expected = match wanted.is_available() {
                true => Ok(wanted),
                false => Err(SimdLevelError::Unavailable { wanted, best }),
            };
            assert_eq!(chosen(Some(wanted.name())), expected);
            assert!(!wanted.is_available() || wanted <= best);
        }
    }

    #[test]
    fn forcing_reaches_every_thread_and_ends() {
        let available = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
        let seen = std::sync::Mutex::new(Vec::new());
        same_at_every_level(|| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
            let levels = pool.unwrap().broadcast(|_| level());
            assert_eq!(levels[0], levels[1]);
            seen.lock().unwrap().push(levels[0]);
        });
        assert!(seen.into_inner().unwrap().into_iter().eq(available));
    }

    #[test]
    #[should_panic(expected = "differs from portable")]
    fn a_kernel_whose_bits_depend_on_the_level_is_found() {
        if SimdLevel::best() == SimdLevel::Portable {
            panic!("only one level here: nothing differs from portable");
        }
        same_at_every_level(level);
    }
}
