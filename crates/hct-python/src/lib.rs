//! The native half of the Python package `holotensor`: reading, writing and comparing HCT files with
//! the GIL released. What Python programs see is in `python/holotensor`; nothing here is for them.
//!
//! Decoded tensors are handed over as `bytearray`s, which NumPy and PyTorch take over without a copy, or
//! large ones decoded into memory that Python has mapped for them.
#![cfg(feature = "python")]
#![deny(unsafe_code)]

mod arrays;
mod bytes;
mod commands;
mod errors;
mod export;
mod file;
mod limits;
mod options;
mod task;
mod write;

use pyo3::prelude::*;

/// The module `holotensor._hct`.
#[pymodule]
fn _hct(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<file::File>()?;
    module.add_function(wrap_pyfunction!(write::save, module)?)?;
    module.add_function(wrap_pyfunction!(write::save_file, module)?)?;
    module.add_function(wrap_pyfunction!(commands::bits_per_weight_for, module)?)?;
    module.add_function(wrap_pyfunction!(commands::compress, module)?)?;
    module.add_function(wrap_pyfunction!(commands::decompress, module)?)?;
    module.add_function(wrap_pyfunction!(limits::set_max_memory, module)?)?;
    module.add_function(wrap_pyfunction!(commands::merge, module)?)?;
    module.add_function(wrap_pyfunction!(commands::recover, module)?)?;
    module.add_function(wrap_pyfunction!(commands::verify, module)?)?;
    module.add_function(wrap_pyfunction!(commands::info, module)?)?;
    module.add_function(wrap_pyfunction!(commands::diff, module)?)?;
    module.add_function(wrap_pyfunction!(commands::extract, module)?)?;
    module.add_function(wrap_pyfunction!(export::export, module)?)?;
    Ok(())
}
