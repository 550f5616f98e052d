//! How much memory a file may ask for.

use clap::Args;
use hct_core::Limits;

use crate::size;

/// `--max-memory`.
#[derive(Args)]
pub struct LimitArgs {
    /// Let .hct files take up to SIZE of memory for a tensor, such as 8GiB, and unpack to as much in
    /// all however short they are [default: 256MiB and 1,024 times the length of the file, in all]
    #[arg(long, value_name = "SIZE", value_parser = size::bytes)]
    max_memory: Option<u64>,
}

impl LimitArgs {
    /// The limits to read files within.
    pub fn limits(&self) -> Limits {
        self.max_memory
            .map_or_else(Limits::default, Limits::with_memory)
    }
}
