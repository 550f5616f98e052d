//! The `constriction` crate: ANS and a range coder over one static table.

mod ans;
mod range;
mod stream;

pub use ans::Ans;
pub use range::Range;
