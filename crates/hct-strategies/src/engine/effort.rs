//! How hard to look.

use hct_core::TrellisSettings;

use crate::named::named;

/// How hard to look for the least rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effort {
    /// Scalar quantization.
    Fast,
    /// 64-state trellis, of 128 with a calibration.
    Default,
    /// 512-state trellis, more passes, every transform measured.
    Max,
}

named!(Effort, "effort", {
    Fast: "fast", "Scalar quantization";
    Default: "default", "64-state trellis, 128 with a calibration";
    Max: "max", "512-state trellis, every transform tried";
});

impl Effort {
    pub(crate) fn settings(self) -> TrellisSettings {
        let (states, passes) = match self {
            Effort::Fast => (1, 1),
            Effort::Default => (64, 1),
            Effort::Max => (512, 3),
        };
        TrellisSettings {
            passes,
            ..TrellisSettings::new(states)
        }
    }
}
