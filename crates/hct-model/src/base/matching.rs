//! Which tensor of a base each tensor of a checkpoint is coded against.

use std::collections::HashMap;

use hct_core::Dtype;

use super::map::BaseMap;
use super::{Base, sha256};
use crate::batch::in_batches;
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
        let mut partners = named(source, base, map)?;
        find_renamed(source, base, &mut partners, progress)?;
        Ok(BaseMatch {
            base,
            partners,
            hint: None,
        })
    }

    /// Bytes of tensors that [`BaseMatch::new`] reads to find renamed ones, and tells its progress.
    ///
    /// # Errors
    /// When the map does not go with the two.
    pub fn bytes_to_hash(
        source: &dyn TensorSource,
        base: &Base,
        map: &BaseMap,
    ) -> Result<u64, Error> {
        let partners = named(source, base, map)?;
        let search = Search::new(source, base, &partners);
        let own = search.open.iter().map(|&i| source.tensors()[i].byte_len());
        let of_base = search.wanted.iter().map(|&i| base.tensors()[i].byte_len());
        Ok(own.chain(of_base).fold(0, u64::saturating_add))
    }

    /// Lets the file say where the base was, a path or a URL (see
    /// [`hct_core::HctWriter::set_base_hint`]).
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// For each tensor of `source` the number of the one of `base` that `map` says, or that of the same
/// name, where dtype and shape are the same.
fn named(
    source: &dyn TensorSource,
    base: &Base,
    map: &BaseMap,
) -> Result<Vec<Option<usize>>, Error> {
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
    Ok(partners)
}

/// Which tensors are hashed to find renamed ones.
struct Search<'a> {
    /// Numbers of the tensors of the base of a dtype and shape.
    of_form: HashMap<(Dtype, &'a [u64]), Vec<usize>>,
    /// Tensors of the source that have no partner and may have one.
    open: Vec<usize>,
    /// Tensors of the base that may be it.
    wanted: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(source: &dyn TensorSource, base: &'a Base, partners: &[Option<usize>]) -> Self {
        let mut of_form: HashMap<(Dtype, &[u64]), Vec<usize>> = HashMap::new();
        for (i, tensor) in base.tensors().iter().enumerate() {
            let form = (tensor.dtype, tensor.shape.as_slice());
            of_form.entry(form).or_default().push(i);
        }
        let mut search = Search {
            of_form,
            open: Vec::new(),
            wanted: Vec::new(),
        };
        for (i, tensor) in source.tensors().iter().enumerate() {
            let candidates = search.candidates(tensor);
            if partners[i].is_none() && !candidates.is_empty() {
                let candidates = candidates.to_vec();
                search.open.push(i);
                search.wanted.extend(candidates);
            }
        }
        search.wanted.sort_unstable();
        search.wanted.dedup();
        search
    }

    /// Numbers of the tensors of the base that `tensor` may be.
    fn candidates<'s>(&'s self, tensor: &'s TensorInfo) -> &'s [usize] {
        let form = (tensor.dtype, tensor.shape.as_slice());
        self.of_form.get(&form).map_or(&[], Vec::as_slice)
    }
}

/// Finds partners of the same contents for the tensors that have none.
fn find_renamed(
    source: &dyn TensorSource,
    base: &Base,
    partners: &mut [Option<usize>],
    progress: &dyn Progress,
) -> Result<(), Error> {
    let search = Search::new(source, base, partners);
    let hashes = |tensors: &[TensorInfo],
                  numbers: &[usize],
                  hash: &(dyn Fn(usize) -> Result<[u8; 32], Error> + Sync)| {
        let sizes: Vec<u64> = numbers.iter().map(|&i| tensors[i].byte_len()).collect();
        in_batches(&sizes, progress, |k| {
            let found = hash(numbers[k])?;
            progress.advance(sizes[k], &tensors[numbers[k]].name);
            Ok(found)
        })
    };
    let of_base = hashes(base.tensors(), &search.wanted, &|i| base.hash(i))?;
    let of_base: HashMap<usize, [u8; 32]> = search.wanted.iter().copied().zip(of_base).collect();
    let own = hashes(source.tensors(), &search.open, &|i| {
        source.read(i).map(|bytes| sha256(&bytes))
    })?;
    for (&i, hash) in search.open.iter().zip(own) {
        let mut same = search.candidates(&source.tensors()[i]).iter().copied();
        partners[i] = same.find(|number| of_base.get(number) == Some(&hash));
    }
    Ok(())
}
