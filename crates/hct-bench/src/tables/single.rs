//! One tensor coded and decoded in memory.

use std::time::{Duration, Instant};

use anyhow::Result;
use hct_core::{HctReader, HctWriter, RowComparison};
use hct_strategies::Strategy;

use crate::measure::{compared, rank};
use crate::rd::Tensor;

/// What came of it.
pub struct Single {
    /// Bytes of payload and record.
    pub bytes: u64,
    /// Components of the low-rank product, if there is one.
    pub rank: Option<usize>,
    /// How the decoded tensor agrees with the original.
    pub sums: RowComparison,
    /// Time to code it.
    pub encode: Duration,
    /// Time to decode it.
    pub decode: Duration,
}

/// Codes `tensor` with `strategy` to a file in memory, reads it back and compares.
pub fn code(tensor: &Tensor, strategy: &dyn Strategy) -> Result<Single> {
    let start = Instant::now();
    let coded = strategy.encode(tensor.view())?;
    let encode = start.elapsed();
    let mut writer = HctWriter::new(Vec::new())?;
    writer.add_tensor(tensor.meta.clone(), coded.tensor, None, &coded.label)?;
    let reader = HctReader::open(writer.finish()?)?;
    let start = Instant::now();
    let decoded = reader.decode(0)?;
    let decode = start.elapsed();
    let record = &reader.index().tensors[0];
    let (rows, cols) = (tensor.rows, tensor.cols);
    Ok(Single {
        bytes: record.stored_bytes(),
        rank: rank(record),
        sums: compared(tensor.bytes(), &decoded, tensor.meta.dtype, rows, cols)?,
        encode,
        decode,
    })
}
