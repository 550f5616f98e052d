//! `hct diff`.

use std::path::PathBuf;

use clap::Args;
use hct_model::{ComparisonReport, Opened, TensorInfo, compare};

use crate::base_args::{BaseArgs, unneeded};
use crate::common_args::CommonArgs;
use crate::opened::on_base;
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

impl Diff {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let base = self.base.open()?;
        let limits = self.base.limits();
        let (a, a_needs) = on_base(Opened::open_within(&self.a, limits)?, base.as_ref())?;
        let (b, b_needs) = on_base(Opened::open_within(&self.b, limits)?, base.as_ref())?;
        if base.is_some() && !a_needs && !b_needs {
            return Err(unneeded(&self.b));
        }
        let bytes = |t: &TensorInfo| t.dtype.byte_len(t.shape.iter().product()).unwrap_or(0);
        let bar = Bar::new("comparing", a.source().tensors().iter().map(bytes).sum());
        let found = compare(&a, &b, &bar)?;
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
        self.common.print(&found, table)
    }
}

fn table(report: &ComparisonReport) -> String {
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
