//! How far one set of tensors is from another.

mod error;
mod pair;
mod sums;
mod values;

use std::collections::{HashMap, HashSet};

use hct_core::fold;
use rayon::prelude::*;

use crate::batch::batches;
use crate::error::Error;
use crate::progress::Progress;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;
pub use error::DiffError;
use pair::Pair;
use sums::Sums;
use values::Values;

/// Agreement of many weights taken as one vector. A is the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Cosine of the angle between A and B; 1 when both are zero.
    pub cosine: f64,
    /// ‖A − B‖² / ‖A‖². When A is zero: 0 if B is too, else infinity.
    pub rel_mse: f64,
    /// Number of weights.
    pub elements: u64,
}

/// Agreement of one tensor. Rows are those of the tensor folded to a matrix ([`hct_core::fold`]);
/// a vector is one row.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorDiff {
    /// The name.
    pub name: String,
    /// All of it as one vector.
    pub agreement: Agreement,
    /// Largest |a − b|.
    pub max_abs_err: f64,
    /// Cosine of the worst row.
    pub min_row_cosine: f64,
    /// For matrices of floats.
    pub centred: Option<CentredRows>,
}

/// Row cosines once A's mean row is subtracted from both matrices. Rows of embeddings share a
/// large common part, which hides from the plain cosine how well they are told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CentredRows {
    /// The median row.
    pub median_cosine: f64,
    /// The 1st percentile: 99 % of the rows are better.
    pub p1_cosine: f64,
}

/// What [`diff`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct DiffReport {
    /// Each tensor of A, in A's order.
    pub tensors: Vec<TensorDiff>,
    /// All float tensors as one vector.
    pub total: Agreement,
    /// All matrices ([`is_matrix`]) as one vector.
    pub matrices: Agreement,
    /// Tensors of B that A does not have; they are not compared.
    pub only_in_b: Vec<String>,
}

/// Whether `tensor` counts as a matrix: floats with two or more dimensions longer than 1.
pub fn is_matrix(tensor: &TensorInfo) -> bool {
    tensor.dtype.is_float() && tensor.shape.iter().filter(|&&d| d > 1).count() > 1
}

/// Compares the tensors of `a` with those of the same name in `b`, in f64, a few at a time. Dtypes
/// may differ; shapes may not.
///
/// An element that is NaN in both, or the same infinity, counts as equal and is left out of all
/// sums. One that is not finite in one of them only makes the errors infinite and the cosines NaN.
/// Integers whose bytes agree have cosine 1 whatever they are. Complex and packed 4- and 6-bit
/// elements are compared byte for byte and left out of the totals.
///
/// # Errors
/// When `b` lacks a tensor or has it in another shape, when a tensor cannot be read, or when
/// elements that are only comparable byte for byte differ.
pub fn diff(
    a: &dyn TensorSource,
    b: &dyn TensorSource,
    progress: &dyn Progress,
) -> Result<DiffReport, DiffError> {
    let partners = pair_up(a.tensors(), b.tensors())?;
    let sizes: Vec<u64> = a.tensors().iter().map(TensorInfo::byte_len).collect();
    let both: Vec<u64> = sizes
        .iter()
        .zip(&partners)
        .map(|(size, &partner)| size.saturating_add(b.tensors()[partner].byte_len()))
        .collect();
    let mut tensors = Vec::with_capacity(sizes.len());
    let (mut total, mut matrices) = (Total::default(), Total::default());
    for batch in batches(&both) {
        if progress.cancelled() {
            return Err(Error::Cancelled.into());
        }
        let compared: Vec<_> = batch
            .clone()
            .into_par_iter()
            .map(|i| compare(a, i, b, partners[i]))
            .collect();
        for (i, compared) in batch.zip(compared) {
            let (diff, sums) = compared?;
            let info = &a.tensors()[i];
            if let Some(sums) = sums.filter(|_| info.dtype.is_float()) {
                total.add(&sums, diff.agreement.elements);
                if is_matrix(info) {
                    matrices.add(&sums, diff.agreement.elements);
                }
            }
            tensors.push(diff);
            progress.advance(sizes[i], &info.name);
        }
    }
    let in_a: HashSet<&str> = a.tensors().iter().map(|t| t.name.as_str()).collect();
    let only_in_b = b
        .tensors()
        .iter()
        .filter(|t| !in_a.contains(t.name.as_str()))
        .map(|t| t.name.clone())
        .collect();
    Ok(DiffReport {
        tensors,
        total: total.agreement(),
        matrices: matrices.agreement(),
        only_in_b,
    })
}

#[derive(Default)]
struct Total {
    sums: Sums,
    elements: u64,
}

impl Total {
    fn add(&mut self, sums: &Sums, elements: u64) {
        self.sums.merge(sums);
        self.elements += elements;
    }

    fn agreement(&self) -> Agreement {
        agreement(&self.sums, self.elements)
    }
}

fn agreement(sums: &Sums, elements: u64) -> Agreement {
    Agreement {
        cosine: sums.cosine(),
        rel_mse: sums.rel_mse(),
        elements,
    }
}

/// For each tensor of A, its number in B.
fn pair_up(a: &[TensorInfo], b: &[TensorInfo]) -> Result<Vec<usize>, DiffError> {
    let in_b: HashMap<&str, usize> = b
        .iter()
        .enumerate()
        .map(|(i, t)| (t.name.as_str(), i))
        .collect();
    let mut missing = Vec::new();
    let mut partners = Vec::with_capacity(a.len());
    for tensor in a {
        match in_b.get(tensor.name.as_str()) {
            Some(&i) => partners.push(i),
            None => missing.push(tensor.name.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(DiffError::Missing { tensors: missing });
    }
    let shapes_differ = a
        .iter()
        .zip(&partners)
        .find(|(t, i)| t.shape != b[**i].shape);
    match shapes_differ {
        None => Ok(partners),
        Some((t, &i)) => Err(DiffError::Shape {
            tensor: t.name.clone(),
            a: t.shape.clone(),
            b: b[i].shape.clone(),
        }),
    }
}

/// Compares one tensor; gives its sums too, unless it is not for totals.
fn compare(
    a: &dyn TensorSource,
    in_a: usize,
    b: &dyn TensorSource,
    in_b: usize,
) -> Result<(TensorDiff, Option<Sums>), DiffError> {
    let (info, other) = (&a.tensors()[in_a], &b.tensors()[in_b]);
    let elements = info.shape.iter().product();
    let Some((rows, cols)) = fold(&info.shape) else {
        return Ok((equal(info, elements), None));
    };
    let (bytes_a, bytes_b) = (a.read(in_a)?, b.read(in_b)?);
    let same = info.dtype == other.dtype && *bytes_a == *bytes_b;
    let values_a = Values::new(&bytes_a, info.dtype, rows, cols);
    let values_b = Values::new(&bytes_b, other.dtype, rows, cols);
    let (values_a, values_b) = match (values_a, values_b) {
        (Some(x), Some(y)) if !same || info.dtype.is_float() => (x, y),
        _ if same => return Ok((equal(info, elements), None)),
        _ => {
            return Err(DiffError::NoValues {
                tensor: info.name.clone(),
                a: info.dtype,
                b: other.dtype,
            });
        }
    };
    let pair = Pair {
        a: values_a,
        b: values_b,
        rows,
        cols,
    };
    let scan = pair.scan(is_matrix(info));
    let centred = scan.mean_row.map(|mean| {
        let mut cosines = pair.centred_row_cosines(&mean);
        cosines.sort_by(f64::total_cmp);
        CentredRows {
            median_cosine: quantile(&cosines, 0.5),
            p1_cosine: quantile(&cosines, 0.01),
        }
    });
    let diff = TensorDiff {
        name: info.name.clone(),
        agreement: agreement(&scan.sums, elements),
        max_abs_err: scan.sums.max_abs_err(),
        min_row_cosine: scan.min_row_cosine,
        centred,
    };
    Ok((diff, Some(scan.sums)))
}

/// The diff of a tensor that is the same in both, byte for byte.
fn equal(info: &TensorInfo, elements: u64) -> TensorDiff {
    TensorDiff {
        name: info.name.clone(),
        agreement: agreement(&Sums::default(), elements),
        max_abs_err: 0.0,
        min_row_cosine: 1.0,
        centred: None,
    }
}

/// Linear interpolation between the neighbouring order statistics.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}
