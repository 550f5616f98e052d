//! Sums over tokens from which the statistics of linear layers are made.

mod group;
mod reliability;
mod sums;
mod table;

pub(crate) use group::GroupSums;
pub(crate) use reliability::{Halves, Pooled};
pub(crate) use sums::ProductSums;
pub(crate) use table::{of_rows, tensor};
