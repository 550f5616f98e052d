//! What checkpoints have in common.

mod estimate;
mod member;
mod plan;
mod sample;
mod slots;

use std::collections::HashMap;

use hct_core::Dtype;
use rayon::prelude::*;

use crate::base::sha256;
use crate::batch::in_batches;
use crate::error::Error;
use crate::progress::Progress;
use crate::tensor_info::TensorInfo;
use estimate::{alone, difference};
pub use member::Member;
use plan::plan;
use sample::Sample;
use slots::{Slot, slots};

/// A difference that takes at most this share of what the tensor takes alone makes the two near
/// duplicates.
pub const NEAR_DUPLICATE: f64 = 0.75;

/// Bytes that the record of a tensor takes to name its base: the length of a name, and a hash.
const NAMING: f64 = 34.0;

/// What [`dedup`] found. Checkpoints are numbered as they were given.
#[derive(Clone, Debug, PartialEq)]
pub struct DedupReport {
    /// Each checkpoint.
    pub checkpoints: Vec<CheckpointEstimate>,
    /// Tensors of the same dtype, shape and contents (SHA-256) that are there more than once, what
    /// wastes most first.
    pub duplicates: Vec<DuplicateTensor>,
}

/// A checkpoint, and what storing it losslessly would take. Sizes are estimates from samples of
/// its tensors that went through the coder, without names and side files.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointEstimate {
    /// What it is called.
    pub name: String,
    /// Number of tensors.
    pub tensors: usize,
    /// Bytes of its tensors as they are.
    pub bytes: u64,
    /// Bytes that it would take alone.
    pub alone: u64,
    /// The same on each of the other checkpoints that has tensors for it, fewest first.
    pub bases: Vec<BaseEstimate>,
    /// The one of `bases` to store it on so that all checkpoints together take least, bases being
    /// stored alone; none where it is to be stored alone itself.
    pub base: Option<usize>,
}

/// What a checkpoint would take on another.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseEstimate {
    /// The number of the other.
    pub checkpoint: usize,
    /// Bytes, each tensor alone where that is less.
    pub bytes: u64,
    /// Tensors that it has as they are, under any name.
    pub unchanged: usize,
    /// Names of the tensors whose differences take at most [`NEAR_DUPLICATE`] of what they take
    /// alone.
    pub near: Vec<String>,
}

impl CheckpointEstimate {
    /// Bytes that it takes as planned.
    pub fn planned(&self) -> u64 {
        let of = |base: usize| self.bases.iter().find(|b| b.checkpoint == base);
        self.base.and_then(of).map_or(self.alone, |b| b.bytes)
    }
}

/// A tensor that is there more than once.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateTensor {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// The element type.
    pub dtype: Dtype,
    /// The dimensions.
    pub shape: Vec<u64>,
    /// Bytes of one of them.
    pub bytes: u64,
    /// Numbers of checkpoints, and what each calls it.
    pub places: Vec<(usize, String)>,
}

impl DuplicateTensor {
    /// Bytes that all but one take.
    pub fn wasted(&self) -> u64 {
        self.bytes.saturating_mul(self.places.len() as u64 - 1)
    }
}

/// Looks through `members` for tensors that are the same and tensors that hardly differ, and for
/// the base that serves each checkpoint best. Every tensor is read once; what it would take alone
/// or as a difference from another of the same name, dtype and shape is estimated by coding a
/// sample of its rows. Memory holds a few tensors at a time, and of one tensor the samples of all
/// checkpoints.
///
/// # Errors
/// When a tensor cannot be read or coded.
pub fn dedup(members: &[Member<'_>], progress: &dyn Progress) -> Result<DedupReport, Error> {
    let n = members.len();
    let mut totals = Totals::new(n);
    let mut by_contents: HashMap<Contents, Vec<(usize, String)>> = HashMap::new();
    // Tensors without one of their name in another checkpoint, which may have it all the same.
    let mut renamed: Vec<(usize, Contents, Vec<usize>, f64)> = Vec::new();
    for slot in slots(members) {
        let looked = look(members, &slot, progress)?;
        let info = slot.info(members);
        let costs = Costs::of(info, &looked).map_err(|error| Error::Hct {
            path: members[slot.places[0].0].name.into(),
            error: Box::new(error.in_tensor(&info.name)),
        })?;
        for (k, &(member, _)) in slot.places.iter().enumerate() {
            let contents = looked[k].0.clone();
            let places = by_contents.entry(contents.clone()).or_default();
            places.push((member, info.name.clone()));
            let own = costs.alone[k];
            totals.alone[member] += own;
            let mut missing: Vec<usize> = (0..n).filter(|&m| m != member).collect();
            for (j, &(base, _)) in slot.places.iter().enumerate().filter(|(j, _)| *j != k) {
                missing.retain(|&m| m != base);
                totals.pairs[member * n + base].add(&info.name, own, costs.pairs[k][j]);
            }
            renamed.push((member, contents, missing, own));
        }
    }
    for (member, contents, missing, own) in renamed {
        let places = &by_contents[&contents];
        for base in missing {
            let pair = &mut totals.pairs[member * n + base];
            match places.iter().any(|&(m, _)| m == base) {
                true => pair.add("", own, Some(0.0)),
                false => pair.bytes += own,
            }
        }
    }
    Ok(DedupReport {
        checkpoints: totals.checkpoints(members),
        duplicates: duplicates(by_contents),
    })
}

/// What makes two tensors the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Contents {
    sha256: [u8; 32],
    dtype: Dtype,
    shape: Vec<u64>,
}

/// Reads the tensors of a slot: their contents and samples.
fn look(
    members: &[Member<'_>],
    slot: &Slot,
    progress: &dyn Progress,
) -> Result<Vec<(Contents, Sample)>, Error> {
    let info = slot.info(members);
    let sizes = vec![info.byte_len(); slot.places.len()];
    in_batches(&sizes, progress, |k| {
        let (member, index) = slot.places[k];
        let bytes = members[member].source.read(index)?;
        let contents = Contents {
            sha256: sha256(&bytes),
            dtype: info.dtype,
            shape: info.shape.clone(),
        };
        progress.advance(sizes[k], &info.name);
        Ok((contents, Sample::of(info, &bytes)))
    })
}

/// What the tensors of a slot would take.
struct Costs {
    alone: Vec<f64>,
    /// As differences, by tensor and base; 0 where they are the same, none where there is no
    /// difference to code.
    pairs: Vec<Vec<Option<f64>>>,
}

impl Costs {
    fn of(info: &TensorInfo, looked: &[(Contents, Sample)]) -> hct_core::Result<Costs> {
        // What is the same is coded once.
        let first = |k: usize| {
            let same = |(contents, _): &(Contents, Sample)| *contents == looked[k].0;
            looked.iter().position(same).unwrap_or(k)
        };
        let firsts: Vec<usize> = (0..looked.len()).map(first).collect();
        let distinct: Vec<usize> = (0..looked.len()).filter(|&k| firsts[k] == k).collect();
        let alone = distinct
            .par_iter()
            .map(|&k| Ok((k, alone(info, &looked[k].1)?)))
            .collect::<hct_core::Result<HashMap<usize, f64>>>()?;
        let differing: Vec<(usize, usize)> = distinct
            .iter()
            .flat_map(|&k| distinct.iter().map(move |&j| (k, j)))
            .filter(|(k, j)| k != j)
            .collect();
        let pairs = differing
            .par_iter()
            .map(|&(k, j)| Ok(((k, j), difference(info, &looked[k].1, &looked[j].1)?)))
            .collect::<hct_core::Result<HashMap<_, _>>>()?;
        let pair = |k: usize, j: usize| match (firsts[k], firsts[j]) {
            (a, b) if a == b => Some(0.0),
            pair => pairs.get(&pair).copied().flatten(),
        };
        let all = || 0..looked.len();
        Ok(Costs {
            alone: firsts.iter().map(|k| alone[k]).collect(),
            pairs: all().map(|k| all().map(|j| pair(k, j)).collect()).collect(),
        })
    }
}

/// One checkpoint on another, summed up.
#[derive(Clone, Default)]
struct PairTotal {
    bytes: f64,
    unchanged: usize,
    near: Vec<String>,
}

impl PairTotal {
    /// Adds a tensor that takes `alone` by itself and `difference` on the base; 0 is unchanged.
    fn add(&mut self, name: &str, alone: f64, difference: Option<f64>) {
        let on_base = difference.map(|d| d + NAMING);
        self.bytes += on_base.unwrap_or(alone).min(alone);
        match difference {
            Some(0.0) => self.unchanged += 1,
            Some(d) if d <= NEAR_DUPLICATE * alone => self.near.push(name.to_owned()),
            _ => {}
        }
    }
}

struct Totals {
    alone: Vec<f64>,
    /// By checkpoint and base.
    pairs: Vec<PairTotal>,
}

impl Totals {
    fn new(n: usize) -> Self {
        Totals {
            alone: vec![0.0; n],
            pairs: vec![PairTotal::default(); n * n],
        }
    }

    fn checkpoints(self, members: &[Member<'_>]) -> Vec<CheckpointEstimate> {
        let n = members.len();
        let planned = plan(&self.alone, |i, base| self.pairs[i * n + base].bytes);
        let all = members.iter().zip(&self.alone).zip(planned).enumerate();
        all.map(|(i, ((member, &alone), base))| {
            let others = self.pairs[i * n..(i + 1) * n].iter().enumerate();
            let mut bases: Vec<BaseEstimate> = others
                .filter(|(_, pair)| pair.unchanged > 0 || pair.bytes < alone)
                .map(|(checkpoint, pair)| BaseEstimate {
                    checkpoint,
                    bytes: pair.bytes.round() as u64,
                    unchanged: pair.unchanged,
                    near: pair.near.clone(),
                })
                .filter(|base| base.checkpoint != i)
                .collect();
            bases.sort_by_key(|base| (base.bytes, base.checkpoint));
            let tensors = member.source.tensors();
            CheckpointEstimate {
                name: member.name.to_owned(),
                tensors: tensors.len(),
                bytes: tensors.iter().map(TensorInfo::byte_len).sum(),
                alone: alone.round() as u64,
                bases,
                base,
            }
        })
        .collect()
    }
}

/// What is there more than once, in a fixed order.
fn duplicates(by_contents: HashMap<Contents, Vec<(usize, String)>>) -> Vec<DuplicateTensor> {
    let mut found: Vec<DuplicateTensor> = by_contents
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(contents, mut places)| {
            places.sort();
            let info = TensorInfo {
                name: String::new(),
                dtype: contents.dtype,
                shape: contents.shape.clone(),
            };
            DuplicateTensor {
                sha256: contents.sha256,
                dtype: contents.dtype,
                bytes: info.byte_len(),
                shape: contents.shape,
                places,
            }
        })
        .collect();
    found.sort_by(|a, b| {
        let order = b.wasted().cmp(&a.wasted());
        order.then_with(|| a.places.cmp(&b.places))
    });
    found
}
