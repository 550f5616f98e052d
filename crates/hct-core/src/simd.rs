//! Compiling one portable loop for several instruction sets.
//!
//! Rust never fuses or reorders floating-point operations, so every version gives the same bits;
//! only the speed differs.

/// Defines a function whose body is compiled for the baseline, AVX2 and AVX-512 and dispatched
/// at run time.
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
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn avx2 $(<$(const $g: usize),+>)? ($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                #[target_feature(
                    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt"
                )]
                fn avx512 $(<$(const $g: usize),+>)? ($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                let has_avx2 = is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt");
                if has_avx2
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the features were just detected.
                    return unsafe { avx512 $(::<$($g),+>)? ($($arg),*) };
                }
                if has_avx2 {
                    // SAFETY: the features were just detected.
                    return unsafe { avx2 $(::<$($g),+>)? ($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;
