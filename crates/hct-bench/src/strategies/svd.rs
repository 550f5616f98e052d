//! Table 2: factors of attention matrices, by rank, and the rank that rate and distortion choose.

use anyhow::Result;
use hct_core::RowComparison;
use hct_strategies::{Preset, SvdEncoder, role};
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::strategy::Measured;
use crate::comparison::{TensorRow, code};
use crate::contestant::Ours;
use crate::text::cells::{self, bits};
use crate::text::table::table;

const RANKS: [usize; 4] = [32, 64, 128, 256];

/// Factors on the attention matrices of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SvdTable {
    /// Number of attention matrices.
    pub matrices: usize,
    /// Their elements.
    pub weights: u64,
    /// The classic preset, FP16 factors, by rank.
    pub ranks: Vec<RankRow>,
    /// The viable preset and `rdo` at the cosine of viable `uniform`.
    pub chosen: Chosen,
}

/// FP16 factors of one rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankRow {
    /// The rank, or all components of a matrix that has fewer.
    pub rank: usize,
    /// Bytes of the matrices.
    pub bytes: u64,
    /// Cosine over them.
    pub cosine: f64,
    /// Cosine of the worst of them.
    pub worst_cosine: f64,
}

/// Factors where they pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Bytes of the matrices with factors where they pay.
    pub bytes: u64,
    /// Cosine over them.
    pub cosine: f64,
    /// Bytes of the same matrices by `rdo`.
    pub rdo_bytes: u64,
    /// The cosine of that.
    pub rdo_cosine: f64,
    /// The ranks of the matrices that got factors, in ascending order.
    pub ranks: Vec<usize>,
    /// Number of matrices that take more bytes than by `rdo`.
    pub larger: usize,
}

/// Measures the classic ranks, and looks up the rest; none for a model without attention.
pub fn measure(bench: &Bench<'_>, measured: &Measured) -> Result<Option<SvdTable>> {
    let tensors = bench.tensors(|name| role(name).is_attention())?;
    if tensors.is_empty() {
        return Ok(None);
    }
    let mut ranks = Vec::new();
    for rank in RANKS {
        bench.say(format!("svd, rank {rank}"));
        let encoder = SvdEncoder::new(rank).preset(Preset::Classic);
        let contestant = Ours::new(String::new(), encoder);
        let mut row = RankRow {
            rank,
            bytes: 0,
            cosine: 0.0,
            worst_cosine: f64::INFINITY,
        };
        let mut total = RowComparison::default();
        for tensor in &tensors {
            let coded = code(tensor, &contestant)?;
            row.bytes += coded.bytes;
            row.worst_cosine = row.worst_cosine.min(coded.sums.cosine());
            total.merge(&coded.sums);
        }
        row.cosine = total.cosine();
        ranks.push(row);
    }
    Ok(Some(SvdTable {
        matrices: tensors.len(),
        weights: tensors.iter().map(|t| t.weights() as u64).sum(),
        ranks,
        chosen: chosen(measured),
    }))
}

fn chosen(measured: &Measured) -> Chosen {
    let attention = |t: &&TensorRow| role(&t.name).is_attention();
    let svd: Vec<_> = measured.svd.iter().filter(attention).collect();
    let rdo: Vec<_> = measured.rdo.iter().filter(attention).collect();
    let bytes = |tensors: &[&TensorRow]| tensors.iter().map(|t| t.bytes).sum();
    let cosine = |tensors: &[&TensorRow]| {
        let mut total = RowComparison::default();
        tensors.iter().for_each(|t| total.merge(&t.sums));
        total.cosine()
    };
    let mut ranks: Vec<usize> = svd.iter().filter_map(|t| t.rank).collect();
    ranks.sort_unstable();
    let pairs = svd.iter().zip(&rdo);
    Chosen {
        bytes: bytes(&svd),
        cosine: cosine(&svd),
        rdo_bytes: bytes(&rdo),
        rdo_cosine: cosine(&rdo),
        ranks,
        larger: pairs.filter(|(svd, rdo)| svd.bytes > rdo.bytes).count(),
    }
}

/// Renders the table.
pub fn render(svd: &SvdTable) -> String {
    let bits = |bytes| bits(bytes, svd.weights);
    let mut rows: Vec<Vec<String>> = svd
        .ranks
        .iter()
        .map(|row| {
            vec![
                format!("FP16 factors of rank {}", row.rank),
                bits(row.bytes),
                cells::cosine(row.cosine),
                cells::cosine(row.worst_cosine),
            ]
        })
        .collect();
    let chosen = &svd.chosen;
    rows.push(vec![
        "viable: factors where they pay".into(),
        bits(chosen.bytes),
        cells::cosine(chosen.cosine),
        String::new(),
    ]);
    rows.push(vec![
        "`rdo`, no factors".into(),
        bits(chosen.rdo_bytes),
        cells::cosine(chosen.rdo_cosine),
        String::new(),
    ]);
    let took = match (chosen.ranks.first(), chosen.ranks.last()) {
        (Some(rank), _) if chosen.ranks.len() == 1 => {
            format!("Rate and distortion give factors to one of them, of rank {rank}")
        }
        (Some(least), Some(most)) => format!(
            "Rate and distortion give factors to {} of them, of ranks {least} to {most} (median \
             {})",
            chosen.ranks.len(),
            chosen.ranks[chosen.ranks.len() / 2]
        ),
        _ => "Rate and distortion give factors to none of them".into(),
    };
    let head = [
        "attention matrices",
        "bits per weight",
        "cosine",
        "worst tensor",
    ];
    format!(
        "### Low rank\n\nThe {} attention matrices, of {} weights. A rank is at most the smaller \
         side of a matrix. {took}; {} of them takes more bytes than by `rdo` at the same cosine.\
         \n\n{}",
        svd.matrices,
        cells::thousands(svd.weights),
        match chosen.larger {
            0 => "none".into(),
            n => format!("{n}"),
        },
        table("lrrr", &head, &rows)
    )
}
