//! `hct diff`.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use hct_model::{Agreement, DiffReport, TensorDiff, TensorInfo, diff, is_matrix};
use serde::Serialize;

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::opened::Opened;
use crate::progress::Bar;
use crate::table::{Align, Table, printable};
use crate::units;

/// Compare the weights of two models, such as a checkpoint and its compressed form
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The reference: a checkpoint or an .hct file
    a: PathBuf,
    /// The other: a checkpoint or an .hct file
    b: PathBuf,
    #[command(flatten)]
    base: BaseArgs,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct diff my-model my-model.hct
  hct diff fine-tune delta.hct --base my-model
  hct diff my-model restored --json | jq .total.cosine

rel_mse is |A-B|^2 / |A|^2. Row cosines are over the rows of matrices; the median and the 1st
percentile after A's mean row is subtracted from both. bits_per_weight is what B takes: the whole
.hct file in the total, payload and record in a tensor; the width of its dtype in a checkpoint.
shannon_gap is bits_per_weight less log2(1/rel_mse)/2, what an ideal coder of Gaussian weights
would need; none where rel_mse is 0. In JSON what is infinite or undefined is null.";

#[derive(Serialize)]
struct Report {
    total: Summary,
    matrices: Summary,
    tensors: Vec<Tensor>,
    /// Tensors that A does not have.
    only_in_b: Vec<String>,
}

/// Many tensors as one vector.
#[derive(Serialize)]
struct Summary {
    elements: u64,
    bits_per_weight: f64,
    /// Bytes of A by bytes of B.
    ratio: f64,
    cosine: f64,
    rel_mse: f64,
    shannon_gap: Option<f64>,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    elements: u64,
    bits_per_weight: f64,
    cosine: f64,
    rel_mse: f64,
    shannon_gap: Option<f64>,
    max_abs_err: f64,
    min_row_cosine: f64,
    median_row_cosine: Option<f64>,
    p1_row_cosine: Option<f64>,
}

impl Diff {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let base = self.base.open()?;
        let (a, a_needs) = Opened::open(&self.a)?.on_base(base.as_ref())?;
        let (b, b_needs) = Opened::open(&self.b)?.on_base(base.as_ref())?;
        if base.is_some() && !a_needs && !b_needs {
            return Err(unneeded(&self.b));
        }
        let bytes = |t: &TensorInfo| t.dtype.byte_len(t.shape.iter().product()).unwrap_or(0);
        let bar = Bar::new("comparing", a.source().tensors().iter().map(bytes).sum());
        let found = diff(a.source(), b.source(), &bar)?;
        drop(bar);
        if !found.only_in_b.is_empty() {
            eprintln!(
                "warning: not compared: {} that only the second model has, such as {:?}",
                match found.only_in_b.len() {
                    1 => "1 tensor".to_owned(),
                    n => format!("{n} tensors"),
                },
                found.only_in_b[0]
            );
        }
        self.common.print(&report(&a, &b, found), table)
    }
}

fn report(a: &Opened, b: &Opened, found: DiffReport) -> Report {
    let infos = a.source().tensors();
    let numbers: HashMap<&str, usize> = (b.source().tensors().iter().enumerate())
        .map(|(i, t)| (t.name.as_str(), i))
        .collect();
    let in_b = |name: &str| b.tensor_bytes(numbers[name]);
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
    Report {
        total: summary(found.total, rated, whole),
        matrices: summary(found.matrices, matrices.1, matrices),
        tensors: tensors.collect(),
        only_in_b: found.only_in_b,
    }
}

fn summary(agreement: Agreement, rated_bytes: u64, bytes: (u64, u64)) -> Summary {
    let bits_per_weight = units::bits_per(rated_bytes, agreement.elements);
    Summary {
        elements: agreement.elements,
        bits_per_weight,
        ratio: units::ratio(bytes.0 as f64, bytes.1 as f64),
        cosine: agreement.cosine,
        rel_mse: agreement.rel_mse,
        shannon_gap: shannon_gap(bits_per_weight, agreement.rel_mse),
    }
}

fn tensor(diff: TensorDiff, bytes: u64) -> Tensor {
    let TensorDiff {
        name,
        agreement,
        max_abs_err,
        min_row_cosine,
        centred,
    } = diff;
    let bits_per_weight = units::bits_per(bytes, agreement.elements);
    Tensor {
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

fn table(report: &Report) -> String {
    use Align::{Left, Right};
    let mut tensors = Table::new(&[
        ("tensor", Left),
        ("cosine", Right),
        ("rel_mse", Right),
        ("max error", Right),
        ("worst row", Right),
        ("median row*", Right),
        ("p1 row*", Right),
        ("bits/weight", Right),
        ("Shannon gap", Right),
    ]);
    for t in &report.tensors {
        tensors.row([
            printable(&t.name),
            cosine(t.cosine),
            units::scientific(t.rel_mse),
            units::scientific(t.max_abs_err),
            cosine(t.min_row_cosine),
            cosine(t.median_row_cosine.unwrap_or(f64::NAN)),
            cosine(t.p1_row_cosine.unwrap_or(f64::NAN)),
            units::fixed(t.bits_per_weight, 3),
            gap(t.shannon_gap),
        ]);
    }
    let mut summaries = Table::new(&[
        ("", Left),
        ("weights", Right),
        ("cosine", Right),
        ("rel_mse", Right),
        ("ratio", Right),
        ("bits/weight", Right),
        ("Shannon gap", Right),
    ]);
    for (what, s) in [
        ("matrices", &report.matrices),
        ("all weights", &report.total),
    ] {
        summaries.row([
            what.to_owned(),
            units::grouped(s.elements),
            cosine(s.cosine),
            units::scientific(s.rel_mse),
            units::fixed(s.ratio, 2) + "x",
            units::fixed(s.bits_per_weight, 3),
            gap(s.shannon_gap),
        ]);
    }
    format!(
        "{}* after A's mean row is subtracted from both\n\n{}",
        tensors.render(),
        summaries.render()
    )
}

/// Six decimals, never rounded up to a 1 it is not.
fn cosine(value: f64) -> String {
    match value {
        v if v < 1.0 && v > 0.999_999 => "0.999999+".into(),
        v => units::fixed(v, 6),
    }
}

fn gap(value: Option<f64>) -> String {
    units::fixed(value.unwrap_or(f64::NAN), 3)
}
