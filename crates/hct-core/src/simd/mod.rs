//! Compiling one portable loop for several instruction sets, and choosing among them.
//!
//! Rust never fuses or reorders floating-point operations, so every version gives the same bits;
//! only the speed differs. `tests.rs` runs every kernel at every level that the CPU has.

mod level;
#[cfg(all(test, feature = "encode"))]
pub(crate) mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use level::features;
pub(crate) use level::level;
#[cfg(any(all(test, feature = "encode"), fuzzing))]
pub use level::same_at_every_level;
pub use level::{SimdLevel, SimdLevelError, simd_level};

/// Defines a function whose body is compiled for every [`SimdLevel`] and dispatched at run time.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$(const $g:ident: usize),+>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?
        = $body:path;
    ) => {
        $(#[$meta])*
        $vis fn $name $(<$(const $g: usize),+>)? ($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                $crate::simd::features!(avx2 enable
                    fn avx2 $(<$(const $g: usize),+>)? ($($arg: $ty),*) $(-> $ret)? {
                        $body($($arg),*)
                    }
                );
                #[cfg(hct_avx512)]
                $crate::simd::features!(avx512 enable
                    fn avx512 $(<$(const $g: usize),+>)? ($($arg: $ty),*) $(-> $ret)? {
                        $body($($arg),*)
                    }
                );
                match $crate::simd::level() {
                    $crate::SimdLevel::Portable => {}
                    // SAFETY: `level` returns only levels all of whose features were detected.
                    $crate::SimdLevel::Avx2 => {
                        return unsafe { avx2 $(::<$($g),+>)? ($($arg),*) };
                    }
                    #[cfg(not(hct_avx512))]
                    $crate::SimdLevel::Avx512 => {}
                    // SAFETY: as above.
                    #[cfg(hct_avx512)]
                    $crate::SimdLevel::Avx512 => {
                        return unsafe { avx512 $(::<$($g),+>)? ($($arg),*) };
                    }
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;
