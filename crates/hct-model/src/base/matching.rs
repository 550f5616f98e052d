//! Which tensor of a base each tensor of a checkpoint is coded against.

use std::collections::HashMap;

use hct_core::Dtype;
use rayon::prelude::*;

use super::map::BaseMap;
use super::{Base, sha256};
use crate::batch::batches;
use crate::error::Error;
use crate::progress::Progress;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// A base, and which of its tensors go with those of a checkpoint.
#[derive(Clone, Debug)]
pub struct BaseMatch<'a> {
    pub(crate) base: &'a Base,
    /// For each tensor of the checkpoint the number of the one in the base.
    pub(crate) partners: Vec<Option<usize>>,
    /// What the file says of where the base was.
    pub(crate) hint: Option<&'a str>,
}

impl<'a> BaseMatch<'a> {
    /// Finds for every tensor of `source` one of the same dtype and shape in `base`: that which
    /// `map` says; else that of the same name; else one of the same contents, for which the
    /// tensors in question are read. What has none is coded alone.
    ///
    /// # Errors
    /// When the map does not go with the two, or a tensor cannot be read.
    pub fn new(
        source: &dyn TensorSource,
        base: &'a Base,
        map: &BaseMap,
        progress: &dyn Progress,
    ) -> Result<BaseMatch<'a>, Error> {
        let tensors = source.tensors();
        let alike = |i: usize, name: &str| {
            let tensor: &TensorInfo = &tensors[i];
            base.find(name).filter(|&number| {
                let other = &base.tensors()[number];
                other.dtype == tensor.dtype && other.shape == tensor.shape
            })
        };
        let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
        let mut partners = map.apply(&names, alike)?;
        for (i, partner) in partners.iter_mut().enumerate() {
            *partner = partner.or_else(|| alike(i, names[i]));
        }
        find_renamed(source, base, &mut partners, progress)?;
        Ok(BaseMatch {
            base,
            partners,
            hint: None,
        })
    }

    /// Lets the file say where the base was, a path or a URL (see
    /// [`hct_core::HctWriter::set_base_hint`]).
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// Finds partners of the same contents for the tensors that have none.
fn find_renamed(
    source: &dyn TensorSource,
    base: &Base,
    partners: &mut [Option<usize>],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut of_form: HashMap<(Dtype, &[u64]), Vec<usize>> = HashMap::new();
    for (i, tensor) in base.tensors().iter().enumerate() {
        let form = (tensor.dtype, tensor.shape.as_slice());
        of_form.entry(form).or_default().push(i);
    }
    let candidates = |i: usize| {
        let tensor = &source.tensors()[i];
        of_form.get(&(tensor.dtype, tensor.shape.as_slice()))
    };
    let open: Vec<usize> = (0..partners.len())
        .filter(|&i| partners[i].is_none() && candidates(i).is_some())
        .collect();
    let mut wanted: Vec<usize> = open
        .iter()
        .filter_map(|&i| candidates(i))
        .flatten()
        .copied()
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let size_of = |tensors: &[TensorInfo], numbers: &[usize]| -> Vec<u64> {
        numbers.iter().map(|&i| tensors[i].byte_len()).collect()
    };
    let hashes = in_batches(&size_of(base.tensors(), &wanted), progress, |k| {
        base.hash(wanted[k])
    })?;
    let of_base: HashMap<usize, [u8; 32]> = wanted.iter().copied().zip(hashes).collect();
    let own = in_batches(&size_of(source.tensors(), &open), progress, |k| {
        source.read(open[k]).map(|bytes| sha256(&bytes))
    })?;
    for (&i, hash) in open.iter().zip(own) {
        let mut same = candidates(i).into_iter().flatten().copied();
        partners[i] = same.find(|number| of_base.get(number) == Some(&hash));
    }
    Ok(())
}

/// What `work` gives for each of the items of these sizes, a few at a time.
pub(crate) fn in_batches<T: Send>(
    sizes: &[u64],
    progress: &dyn Progress,
    work: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let mut out = Vec::with_capacity(sizes.len());
    for batch in batches(sizes) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let done: Result<Vec<T>, Error> = batch.into_par_iter().map(&work).collect();
        out.extend(done?);
    }
    Ok(out)
}
