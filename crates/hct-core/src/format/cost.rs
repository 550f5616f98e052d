//! What a file asks of who decodes it, by its index alone.

use std::collections::HashSet;

use super::index::Index;
use super::limits::{LimitExceeded, Limited, Limits};
use super::record::{Fragment, PlaneRecord, Recipe, TensorRecord};

/// Multiply-adds of a product that take as long as decoding a byte, about.
const PRODUCT_WORK: u64 = 16;

/// Bytes of a value of a plane.
const VALUE: u64 = 4;

/// Bytes of memory that decoding a part of a tensor takes besides what comes of it: `elements` of it, from
/// its first `fragments` fragments. What is decoded tile by tile takes none to speak of.
pub(super) fn scratch(record: &TensorRecord, elements: u64, fragments: usize) -> u64 {
    let Recipe::Fragments {
        base,
        cols,
        fragments: all,
        ..
    } = &record.recipe
    else {
        return 0;
    };
    let used = &all[..fragments.min(all.len())];
    if let [Fragment::Plane(plane)] = used
        && !plane.recipe.whole
    {
        return 0;
    }
    let cols = *cols as u64;
    // Whole rows are decoded.
    let rows = elements.div_ceil(cols);
    let values = rows.saturating_mul(cols);
    // A single plane is the sum itself.
    let sum = match (base, used) {
        (None, [Fragment::Plane(_)]) => 0,
        _ => values,
    };
    let largest = used.iter().map(|fragment| match fragment {
        Fragment::Plane(plane) => of_rows(plane, rows),
        Fragment::Product(left, right) => {
            of_rows(left, rows).saturating_add(of_rows(right, right.recipe.rows as u64))
        }
    });
    sum.saturating_add(largest.max().unwrap_or(0))
        .saturating_mul(VALUE)
}

/// Values of some rows of a plane while they are decoded.
fn of_rows(plane: &PlaneRecord, rows: u64) -> u64 {
    let recipe = &plane.recipe;
    match recipe.whole {
        // All of them, and as many for the transform.
        true => (recipe.len() as u64).saturating_mul(2),
        false => rows.saturating_mul(recipe.cols as u64),
    }
}

/// Work of decoding a tensor, in that of decoding a byte.
fn work(record: &TensorRecord) -> u64 {
    let bytes = record.decoded_bytes();
    let planes = |plane: &PlaneRecord| (plane.recipe.len() as u64).saturating_mul(VALUE);
    match &record.recipe {
        Recipe::Lossless(_) | Recipe::Unchanged(_) => bytes,
        Recipe::Delta(..) => bytes.saturating_mul(2),
        Recipe::Fragments {
            rows,
            cols,
            fragments,
            ..
        } => fragments.iter().fold(0, |work, fragment| {
            let product = match fragment {
                Fragment::Plane(_) => 0,
                Fragment::Product(left, _) => {
                    let sums = *rows as u64 * *cols as u64;
                    sums.saturating_mul(left.recipe.cols as u64) / PRODUCT_WORK
                }
            };
            let planes = fragment.planes().map(planes);
            planes.fold(work.saturating_add(product), u64::saturating_add)
        }),
    }
}

/// A sum, and who has the largest part of it.
#[derive(Default)]
struct Sum<'a> {
    total: u64,
    largest: u64,
    name: Option<&'a str>,
}

impl<'a> Sum<'a> {
    fn add(&mut self, name: &'a str, part: u64) {
        self.total = self.total.saturating_add(part);
        if part > self.largest || self.name.is_none() {
            (self.largest, self.name) = (part, Some(name));
        }
    }
}

/// What a file asks for beyond its limits.
pub(super) struct Excess {
    /// In all.
    pub file: Option<LimitExceeded>,
    /// For the tensor that takes most memory, decoded whole.
    pub tensor: Option<LimitExceeded>,
}

/// What a file of `len` bytes asks for beyond `limits`.
pub(super) fn excess(index: &Index, limits: &Limits, len: u64) -> Excess {
    let (mut unpacked, mut headers, mut works) = (Sum::default(), Sum::default(), Sum::default());
    for file in &index.files {
        unpacked.add(&file.path, file.unpacked_len);
        if file.kind.has_tensors() {
            headers.add(&file.path, file.unpacked_len);
        }
    }
    let mut memory = Sum::default();
    let mut bases = HashSet::new();
    for tensor in &index.tensors {
        let bytes = tensor.decoded_bytes();
        // As much is in the base, which is checked before it is used; once.
        let of_base = match tensor.base() {
            Some(base) if bases.insert(base.name.as_str()) => bytes,
            _ => 0,
        };
        let scratch = scratch(tensor, tensor.elements(), usize::MAX);
        unpacked.add(&tensor.name, bytes - of_base);
        let earned = of_base.saturating_mul(limits.work);
        works.add(&tensor.name, work(tensor).saturating_sub(earned));
        let decoded = match limits.memory {
            Some(_) => bytes,
            None => bytes - of_base,
        };
        memory.add(&tensor.name, decoded.saturating_add(scratch));
    }
    // Tensors are decoded one by one where they are large.
    memory.total = memory.largest;
    let exceeded = |what, sum: Sum<'_>, limit| {
        (sum.total > limit).then(|| LimitExceeded {
            what,
            asked: sum.total,
            limit,
            file_bytes: len,
            name: sum.name.map(str::to_owned),
        })
    };
    Excess {
        file: exceeded(Limited::Unpacked, unpacked, limits.unpacked_of(len))
            .or_else(|| exceeded(Limited::Headers, headers, limits.headers_of(len)))
            .or_else(|| exceeded(Limited::Work, works, limits.work_of(len))),
        tensor: exceeded(Limited::Memory, memory, limits.memory_of(len)),
    }
}
