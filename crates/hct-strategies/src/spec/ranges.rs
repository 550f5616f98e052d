//! What the options may be.

use super::error::SpecError;
use super::options::SpecOption;
use crate::MAX_FRAGMENTS;
use crate::named::excerpt;

/// Most components of factors that can be asked for.
const MAX_RANK: usize = 65_536;
/// Bits per weight that no file takes.
const MAX_BITS: f64 = 64.0;

impl SpecOption {
    /// Errs unless it may be this number.
    ///
    /// # Errors
    /// When the number is out of range, or the option is none.
    pub fn check(self, value: f64) -> Result<(), SpecError> {
        let whole = |most: usize| value.fract() == 0.0 && (1.0..=most as f64).contains(&value);
        let valid = match self {
            SpecOption::Retention => value > 0.0 && value <= 1.0,
            SpecOption::Cosine | SpecOption::RelMse | SpecOption::DeltaCosine => {
                value > 0.0 && value < 1.0
            }
            SpecOption::Step => value > 0.0 && value < 1.0,
            SpecOption::BitsPerWeight => value > 0.0 && value < MAX_BITS,
            SpecOption::Rank => whole(MAX_RANK),
            SpecOption::Fp16Ratio => (0.0..=1.0).contains(&value),
            SpecOption::Fragments => whole(MAX_FRAGMENTS),
            SpecOption::Preset | SpecOption::Effort | SpecOption::ImportanceMap => false,
        };
        match valid {
            true => Ok(()),
            false => Err(self.wrong(&value.to_string())),
        }
    }

    /// The error that `value` is not what it may be.
    pub(super) fn wrong(self, value: &str) -> SpecError {
        SpecError::Value {
            option: self,
            value: excerpt(value),
        }
    }
}
