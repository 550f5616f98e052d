//! What is looked through.

use crate::tensor_source::TensorSource;

/// One of the checkpoints that are looked through.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// What to call it.
    pub name: &'a str,
    /// Its tensors.
    pub source: &'a dyn TensorSource,
}
