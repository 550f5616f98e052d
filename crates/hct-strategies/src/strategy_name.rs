//! The strategies by name.

use crate::named::named;

/// Which strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrategyName {
    /// [`UniformEncoder`](crate::UniformEncoder).
    Uniform,
    /// [`AdaptiveEncoder`](crate::AdaptiveEncoder).
    Adaptive,
    /// [`SvdEncoder`](crate::SvdEncoder).
    Svd,
    /// [`HybridEncoder`](crate::HybridEncoder).
    Hybrid,
    /// [`MixedPrecisionEncoder`](crate::MixedPrecisionEncoder).
    Mixed,
    /// [`ImportanceEncoder`](crate::ImportanceEncoder).
    Importance,
    /// [`MlpOnlyEncoder`](crate::MlpOnlyEncoder).
    MlpOnly,
    /// [`HybridLayersEncoder`](crate::HybridLayersEncoder).
    HybridLayers,
    /// [`RdoEncoder`](crate::RdoEncoder).
    #[default]
    Rdo,
    /// [`CalibratedEncoder`](crate::CalibratedEncoder).
    Calibrated,
    /// [`LosslessEncoder`](crate::LosslessEncoder).
    Lossless,
}

named!(StrategyName, "strategy", {
    Uniform: "uniform",
        "2-D DCT, the same share of the largest coefficients kept as INT4 in every tensor";
    Adaptive: "adaptive",
        "As many coefficients of each tensor as its cosine needs, embeddings judged row by row";
    Svd: "svd",
        "Low-rank factors and a residual, where that takes fewer bits than the residual coder alone";
    Hybrid: "hybrid",
        "Factors, a transform or neither, by measured cost";
    Mixed: "mixed",
        "INT4 base and FP16 refinement";
    Importance: "importance",
        "Better quality for the tensors that matter more, by name or by an importance map";
    MlpOnly: "mlp-only",
        "MLP matrices only, the rest lossless";
    HybridLayers: "hybrid-layers",
        "First and last layers lossless, their neighbours at 0.80, the rest at the retention";
    Rdo: "rdo",
        "For every tensor the fewest bits that reach a cosine, a relative error or a size";
    Calibrated: "calibrated",
        "Every weight as finely as its errors matter to the outputs, as a calibration tells";
    Lossless: "lossless",
        "Every bit comes back";
});
