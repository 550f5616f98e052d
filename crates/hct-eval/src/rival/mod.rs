//! Rival formats: what a model would be after llama.cpp's block quantizers, as candle has them.

mod format;
mod model;

pub use format::RivalFormat;
pub use model::RivalModel;
