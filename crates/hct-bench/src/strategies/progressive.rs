//! Table 2: quality against the length of a prefix, of tensors divided into fragments.

use anyhow::Result;
use hct_core::Recipe;
use hct_strategies::{MixedPrecisionEncoder, Preset, Quality, RdoEncoder, UniformEncoder};
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::curve::Curve;
use super::entrants::{RETENTION, VIABLE_FP16};
use crate::contestant::Ours;
use crate::text::cells::{self, bits, bits_per_weight};
use crate::text::table::table;

const FRAGMENTS: [usize; 4] = [1, 2, 4, 8];

/// A file decoded from the first fragments of every tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prefix {
    /// The strategy.
    pub strategy: String,
    /// Fragments asked for.
    pub fragments: usize,
    /// Fragments decoded, of tensors that have as many.
    #[serde(rename = "layers")]
    pub decoded: usize,
    /// Bytes of them, and of the records.
    pub matrix_bytes: u64,
    /// Cosine over all matrices.
    pub cosine: f64,
    /// Cosine of the worst matrix.
    pub worst_cosine: f64,
}

/// Measures every prefix. `cosine` is the one that `rdo` reaches in the end.
pub fn measure(bench: &Bench<'_>, cosine: f64) -> Result<Vec<Prefix>> {
    let mut prefixes = Vec::new();
    for fragments in FRAGMENTS {
        let rdo = RdoEncoder::new(Quality::Cosine(cosine)).fragments(fragments);
        let uniform = UniformEncoder::new(RETENTION).fragments(fragments);
        let mixed = MixedPrecisionEncoder::new(RETENTION, VIABLE_FP16).fragments(fragments);
        let setting = || format!("in {fragments}");
        for contestant in [
            Ours::new(setting(), rdo),
            Ours::new(setting(), uniform).of_preset(Preset::Viable),
            Ours::new(setting(), mixed).of_preset(Preset::Viable),
        ] {
            prefixes.extend(prefixes_of(bench, &contestant, fragments)?);
        }
    }
    Ok(prefixes)
}

fn prefixes_of(bench: &Bench<'_>, contestant: &Ours, fragments: usize) -> Result<Vec<Prefix>> {
    let coded = bench.code(contestant)?;
    let file = coded.open()?;
    let label = contestant.label();
    let counts = bench
        .matrices
        .iter()
        .map(|&i| match &file.index().tensors[i].recipe {
            Recipe::Fragments { fragments, .. } => fragments.len(),
            _ => 1,
        });
    let most = counts.max().unwrap_or(1);
    (1..=most)
        .map(|decoded| {
            let compared = bench.compare(&coded, decoded)?;
            let cosines = compared.tensors.iter().map(|t| t.sums.cosine());
            Ok(Prefix {
                strategy: label.name.clone(),
                fragments,
                decoded,
                matrix_bytes: compared.bytes(),
                cosine: compared.total.cosine(),
                worst_cosine: cosines.fold(f64::INFINITY, f64::min),
            })
        })
        .collect()
}

/// Renders the table beside `curve`; `key` is the model's, in the name of the plot.
pub fn render(prefixes: &[Prefix], curve: &Curve, weights: u64, key: &str) -> String {
    let rows: Vec<Vec<String>> = prefixes
        .iter()
        .map(|prefix| {
            let own = bits_per_weight(prefix.matrix_bytes, weights);
            let rdo = curve.bits_at(prefix.cosine, weights);
            vec![
                prefix.strategy.clone(),
                prefix.fragments.to_string(),
                prefix.decoded.to_string(),
                bits(prefix.matrix_bytes, weights),
                cells::cosine(prefix.cosine),
                cells::cosine(prefix.worst_cosine),
                rdo.map_or("–".into(), |rdo| format!("{:+.3}", own - rdo)),
            ]
        })
        .collect();
    let head = [
        "strategy",
        "`--fragments`",
        "layers decoded",
        "bits per weight",
        "cosine",
        "worst tensor",
        "against `rdo` in one, bits",
    ];
    format!(
        "### Progressive decoding\n\n`rdo` at the cosine of the reference, `uniform` at retention \
         {RETENTION}, `mixed` at the same with FP16 {VIABLE_FP16}. Bits are those of the layers \
         decoded and of all records. `mixed` has its FP16 refinement as a layer of its own in any \
         case.\n\n![Quality against prefix](strategies-{}-prefix.svg)\n\n{}",
        key,
        table("lrrrrrr", &head, &rows)
    )
}
