//! Two models by their paths, compared.

use std::collections::HashMap;

use serde::Serialize;

use super::opened::Opened;
use crate::diff::{Agreement, DiffError, DiffReport, TensorDiff, diff, is_matrix};
use crate::error::Error;
use crate::gguf::{AsCheckpoint, GgufHeader, GgufTensor, GgufType};
use crate::progress::Progress;
use crate::rates::{bits_per, ratio};
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// How far one model is from another, and what either takes. As JSON it is what `hct diff --json`
/// prints: what is infinite or undefined is null there.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComparisonReport {
    /// All float tensors.
    pub total: ComparisonSummary,
    /// All matrices.
    pub matrices: ComparisonSummary,
    /// Each tensor of A, in A's order.
    pub tensors: Vec<ComparedTensor>,
    /// Tensors that A does not have.
    pub only_in_b: Vec<String>,
}

/// Many tensors as one vector.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComparisonSummary {
    /// Elements compared.
    pub elements: u64,
    /// What B takes.
    pub bits_per_weight: f64,
    /// Bytes of A by bytes of B.
    pub ratio: f64,
    /// Cosine of the angle between them.
    pub cosine: f64,
    /// ‖A − B‖² / ‖A‖².
    pub rel_mse: f64,
    /// Bits per weight above what an ideal coder of Gaussian weights would need for that error.
    pub shannon_gap: Option<f64>,
}

/// One tensor.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComparedTensor {
    /// Its name.
    pub name: String,
    /// Elements compared.
    pub elements: u64,
    /// What B takes.
    pub bits_per_weight: f64,
    /// Cosine of the angle between them.
    pub cosine: f64,
    /// ‖A − B‖² / ‖A‖².
    pub rel_mse: f64,
    /// Bits per weight above what an ideal coder of Gaussian weights would need for that error.
    pub shannon_gap: Option<f64>,
    /// Largest difference of two elements.
    pub max_abs_err: f64,
    /// Cosine of the worst row.
    pub min_row_cosine: f64,
    /// The median of row cosines after A's mean row is subtracted from both; of matrices.
    pub median_row_cosine: Option<f64>,
    /// The 1st percentile of them.
    pub p1_row_cosine: Option<f64>,
}

/// Compares the tensors of `a` with those of the same name in `b`, as [`diff`] does, and says what
/// both take. A GGUF model is compared with another kind as the checkpoint that it was made of, and with
/// one of other types as numbers ([`AsCheckpoint`]).
///
/// # Errors
/// Those of [`diff`], or when it is not known what numbers blocks stand for.
pub fn compare(
    a: &Opened,
    b: &Opened,
    progress: &dyn Progress,
) -> Result<ComparisonReport, DiffError> {
    let headers = (a.gguf_header()?, b.gguf_header()?);
    let views = match &headers {
        (Some(of_a), Some(of_b)) if same_types(of_a, of_b) => (None, None),
        _ => (view(a, headers.0.as_ref())?, view(b, headers.1.as_ref())?),
    };
    let source_a = views.0.as_ref().map_or(a.source(), |view| view);
    let source_b = views.1.as_ref().map_or(b.source(), |view| view);
    let found = diff(source_a, source_b, progress)?;
    Ok(report((a, source_a), (b, source_b), found))
}

/// Whether tensors of the same name are stored in the same way.
fn same_types(a: &GgufHeader, b: &GgufHeader) -> bool {
    let in_b: HashMap<&str, GgufType> = b.tensors.iter().map(|t| (&t.name[..], t.kind)).collect();
    let differs = |t: &GgufTensor| in_b.get(&t.name[..]).is_some_and(|&kind| kind != t.kind);
    !a.tensors.iter().any(differs)
}

/// A GGUF model as a checkpoint.
fn view<'a>(
    model: &'a Opened,
    header: Option<&GgufHeader>,
) -> Result<Option<AsCheckpoint<'a>>, Error> {
    let Some(header) = header else {
        return Ok(None);
    };
    let view = AsCheckpoint::new(model.source(), header);
    view.map(Some).map_err(Error::gguf(model.name()))
}

/// Each model goes with its tensors as they were compared.
fn report(
    (a, source_a): (&Opened, &dyn TensorSource),
    (b, source_b): (&Opened, &dyn TensorSource),
    found: DiffReport,
) -> ComparisonReport {
    let infos = source_a.tensors();
    let numbers: HashMap<&str, usize> = (source_b.tensors().iter().enumerate())
        .map(|(i, t)| (t.name.as_str(), i))
        .collect();
    let in_b = |name: &str| numbers.get(name).map_or(0, |&i| b.tensor_bytes(i));
    // Bytes in A and in B of those tensors of A that pass the filter.
    let bytes_of = |filter: &dyn Fn(&TensorInfo) -> bool| {
        let chosen = infos.iter().enumerate().filter(|(_, t)| filter(t));
        chosen.fold((0, 0), |(in_a, of_b), (i, t)| {
            (in_a + a.tensor_bytes(i), of_b + in_b(&t.name))
        })
    };
    let matrices = bytes_of(&is_matrix);
    // Side files count where both have them: their absence is not compression.
    let with_side_files = a.has_side_files() && b.has_side_files();
    let whole = (a.bytes(with_side_files), b.bytes(with_side_files));
    let rated = match b {
        Opened::Hct(model) => model.file_bytes(),
        Opened::Checkpoint(_) => bytes_of(&|t| t.dtype.is_float()).1,
    };
    let tensors = found.tensors.into_iter().map(|t| {
        let bytes = in_b(&t.name);
        tensor(t, bytes)
    });
    ComparisonReport {
        total: summary(found.total, rated, whole),
        matrices: summary(found.matrices, matrices.1, matrices),
        tensors: tensors.collect(),
        only_in_b: found.only_in_b,
    }
}

fn summary(agreement: Agreement, rated_bytes: u64, bytes: (u64, u64)) -> ComparisonSummary {
    let bits_per_weight = bits_per(rated_bytes, agreement.elements);
    ComparisonSummary {
        elements: agreement.elements,
        bits_per_weight,
        ratio: ratio(bytes.0 as f64, bytes.1 as f64),
        cosine: agreement.cosine,
        rel_mse: agreement.rel_mse,
        shannon_gap: shannon_gap(bits_per_weight, agreement.rel_mse),
    }
}

fn tensor(diff: TensorDiff, bytes: u64) -> ComparedTensor {
    let TensorDiff {
        name,
        agreement,
        max_abs_err,
        min_row_cosine,
        centred,
    } = diff;
    let bits_per_weight = bits_per(bytes, agreement.elements);
    ComparedTensor {
        name,
        elements: agreement.elements,
        bits_per_weight,
        cosine: agreement.cosine,
        rel_mse: agreement.rel_mse,
        shannon_gap: shannon_gap(bits_per_weight, agreement.rel_mse),
        max_abs_err,
        min_row_cosine,
        median_row_cosine: centred.map(|c| c.median_cosine),
        p1_row_cosine: centred.map(|c| c.p1_cosine),
    }
}

/// Bits above the rate–distortion function of a Gaussian source.
fn shannon_gap(bits_per_weight: f64, rel_mse: f64) -> Option<f64> {
    (rel_mse > 0.0 && rel_mse.is_finite()).then(|| bits_per_weight + 0.5 * rel_mse.log2())
}
