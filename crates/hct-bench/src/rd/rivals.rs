//! Other formats' points, quoted from the project's research note, not measured by this code.

/// A quoted point.
pub struct Rival {
    /// The format.
    pub name: &'static str,
    /// Bits per weight.
    pub bpw: f64,
    /// Relative mean squared error.
    pub rel_mse: f64,
}

const fn rival(name: &'static str, bpw: f64, rel_mse: f64) -> Rival {
    Rival { name, bpw, rel_mse }
}

/// On MiniLM: all matrices but the position embeddings; of the word embedding, the first 8,192
/// rows.
pub const FORMATS: [Rival; 10] = [
    rival("Q8_0", 8.50, 0.00003),
    rival("Q6_K", 6.56, 0.00034),
    rival("Q5_K", 5.50, 0.00138),
    rival("Q4_K", 4.50, 0.00539),
    rival("Q4_0", 4.50, 0.00805),
    rival("IQ4_XS", 4.25, 0.00624),
    rival("Q3_K", 3.44, 0.0241),
    rival("IQ3_S", 3.44, 0.0296),
    rival("Q2_K", 2.63, 0.0920),
    rival("IQ2_XS", 2.31, 0.0948),
];

/// NNCodec 2.1 with dependent quantization on MiniLM: all matrices of layers 0 and 5, the first
/// 8,192 rows of the word embedding, each scaled to one standard deviation.
pub const NNCODEC: [Rival; 5] = [
    rival("NNCodec 2.1", 3.47, 0.0089),
    rival("NNCodec 2.1", 2.59, 0.032),
    rival("NNCodec 2.1", 2.10, 0.065),
    rival("NNCodec 2.1", 1.78, 0.104),
    rival("NNCodec 2.1", 1.34, 0.197),
];
