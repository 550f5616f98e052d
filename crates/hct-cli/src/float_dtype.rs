//! Dtypes of floats as options name them.

use clap::ValueEnum;
use hct_core::Dtype;

/// A dtype that numbers are written in.
#[derive(Clone, Copy, ValueEnum)]
pub enum FloatDtype {
    F16,
    Bf16,
    F32,
}

impl From<FloatDtype> for Dtype {
    fn from(dtype: FloatDtype) -> Dtype {
        match dtype {
            FloatDtype::F16 => Dtype::F16,
            FloatDtype::Bf16 => Dtype::BF16,
            FloatDtype::F32 => Dtype::F32,
        }
    }
}
