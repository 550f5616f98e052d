//! Files that are smaller than asked for.

use hct_model::CompressReport;

/// Why a file is smaller than asked for.
pub fn short_of(asked: f64, done: &CompressReport) -> String {
    let reached = done.bits_per_weight();
    let why = match done.lossy_weights {
        0 => "all of it is lossless, and nothing takes more",
        _ => {
            "most of it is lossless, which takes no more; between this size and a larger one there is \
             nothing"
        }
    };
    format!("the file takes {reached:.3} bits per weight, not the {asked:.3} asked for: {why}")
}
