//! Files of calibration statistics, `.hctcal`; docs/CALIBRATION_FILE.md describes them.

mod fault;
mod file;
mod group;
mod hash;
mod info;
mod layout;
mod merge;
mod writer;

pub use fault::CalibrationFault;
pub use file::CalibrationFile;
pub use group::{GroupShape, GroupTensor, StatisticsGroup, TensorShape};
pub(crate) use hash::hex;
pub use hash::{model_hash, text_hash};
pub use info::CalibrationInfo;
pub use merge::merge_calibrations;
pub use writer::CalibrationWriter;
