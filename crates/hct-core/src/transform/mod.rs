//! Separable orthonormal transforms of a matrix.

mod dct;
#[cfg(feature = "encode")]
mod forward;
#[cfg(feature = "encode")]
mod gain;
mod lanes;
mod matrix;
#[cfg(target_arch = "x86_64")]
mod radix;

#[cfg(feature = "encode")]
pub(crate) use forward::forward;
#[cfg(feature = "encode")]
pub use gain::{CodingGain, coding_gain};
pub(crate) use matrix::inverse;

/// Which transform a plane's values went through before quantization. Orthonormal, so squared
/// error in the transform domain is squared error of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Transform {
    /// The values themselves.
    None = 0,
    /// DCT-II along each row.
    DctRows = 1,
    /// DCT-II along each column.
    DctCols = 2,
    /// 2-D DCT-II.
    Dct2 = 3,
}

impl Transform {
    /// Every transform, in code order.
    pub const ALL: [Transform; 4] = [
        Transform::None,
        Transform::DctRows,
        Transform::DctCols,
        Transform::Dct2,
    ];

    /// The transform with this on-disk code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Short name for tables: `none`, `dct-rows`, `dct-cols`, `dct2`.
    pub fn name(self) -> &'static str {
        match self {
            Transform::None => "none",
            Transform::DctRows => "dct-rows",
            Transform::DctCols => "dct-cols",
            Transform::Dct2 => "dct2",
        }
    }

    fn along_rows(self) -> bool {
        matches!(self, Transform::DctRows | Transform::Dct2)
    }

    fn along_cols(self) -> bool {
        matches!(self, Transform::DctCols | Transform::Dct2)
    }
}
