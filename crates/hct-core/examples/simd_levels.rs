//! Names the SIMD levels that this CPU has, lowest first; `HCT_SIMD` forces one.

use hct_core::SimdLevel;

fn main() {
    let available = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
    available.for_each(|level| println!("{}", level.name()));
}
