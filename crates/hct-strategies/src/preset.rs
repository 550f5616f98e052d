//! Presets and the options that strategies share.

use crate::engine::Engine;
use crate::named::named;

/// Which version of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// The scheme as first described, in V3's containers: whole-matrix DCTs, retention, INT4 and
    /// FP16. For comparison.
    Classic,
    /// The scheme's idea under the rate–distortion engine.
    Viable,
}

named!(Preset, "preset", {
    Classic: "classic",
        "The scheme as first described, for comparison: whole-matrix DCTs, INT4, FP16";
    Viable: "viable",
        "The scheme under the rate–distortion engine";
});

/// What every strategy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub preset: Preset,
    pub engine: Engine,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            preset: Preset::Viable,
            engine: Engine::default(),
        }
    }
}

impl Options {
    /// Fragments to divide a tensor into, at least one.
    pub fn fragments(&self) -> usize {
        self.engine.fragments.max(1)
    }
}

/// Gives an encoder with a field `options: Options` the builder methods that all have.
macro_rules! with_options {
    ($encoder:ty) => {
        impl $encoder {
            /// Chooses between the scheme as first described and the viable one, the default.
            pub fn preset(mut self, preset: $crate::Preset) -> Self {
                self.options.preset = preset;
                self
            }

            /// Looks harder for few bits, or less hard; for the viable preset.
            pub fn effort(mut self, effort: $crate::Effort) -> Self {
                self.options.engine.effort = effort;
                self
            }

            /// Divides every lossy tensor into up to `fragments` fragments, at least 1 and at most
            /// 32, each refining those before it: any number of the first ones decodes to an
            /// approximation.
            pub fn fragments(mut self, fragments: usize) -> Self {
                self.options.engine.fragments = fragments.clamp(1, $crate::MAX_FRAGMENTS);
                self
            }
        }
    };
}
pub(crate) use with_options;

/// Gives an encoder with the fields `retention: f64` and `quality: Option<Quality>` the builder
/// method that sets the latter.
macro_rules! with_quality {
    ($encoder:ty) => {
        impl $encoder {
            /// Sets the quality itself, for the viable preset, in place of that of the uniform
            /// scheme at the retention.
            pub fn quality(mut self, quality: $crate::Quality) -> Self {
                self.quality = Some(quality);
                self
            }

            fn base_quality(&self) -> $crate::Quality {
                self.quality
                    .unwrap_or_else(|| $crate::Quality::of_retention(self.retention))
            }
        }
    };
}
pub(crate) use with_quality;

/// Most fragments that a tensor is divided into; a file may hold twice as many.
pub const MAX_FRAGMENTS: usize = 32;
