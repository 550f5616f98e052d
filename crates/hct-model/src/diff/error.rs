//! Why two sets of tensors cannot be compared.

use hct_core::Dtype;

use crate::error::Error;

/// Most tensors a message names.
const NAMED: usize = 5;

/// Why two sets of tensors cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// B lacks tensors that A has.
    #[error(
        "the second model lacks {}; compare two versions of the same model",
        list(tensors)
    )]
    Missing {
        /// Their names.
        tensors: Vec<String>,
    },
    /// A tensor has another shape in B.
    #[error(
        "tensor {tensor:?} is {a:?} in the first model and {b:?} in the second; compare two versions of the same model"
    )]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its shape in A.
        a: Vec<u64>,
        /// Its shape in B.
        b: Vec<u64>,
    },
    /// Elements of a type that is compared byte for byte differ.
    #[error(
        "tensor {tensor:?} ({a} in the first model, {b} in the second) differs, and how far such elements are apart is not defined here; leave it out of both models to compare the rest"
    )]
    NoValues {
        /// The tensor.
        tensor: String,
        /// Its dtype in A.
        a: Dtype,
        /// Its dtype in B.
        b: Dtype,
    },
    /// A tensor could not be read.
    #[error(transparent)]
    Read(#[from] Error),
}

fn list(tensors: &[String]) -> String {
    let named: Vec<String> = tensors
        .iter()
        .take(NAMED)
        .map(|t| format!("{t:?}"))
        .collect();
    let noun = if tensors.len() == 1 {
        "tensor"
    } else {
        "tensors"
    };
    let rest = match tensors.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("{noun} {}{rest}", named.join(", "))
}
