//! One test per way a checkpoint can lie: the right error, naming the file and the tensor.

#[path = "../common/mod.rs"]
mod common;
mod folders;
mod headers;
