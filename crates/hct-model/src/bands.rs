//! Decoding tensors band by band, in memory that is used again.

use std::ops::{Range, RangeInclusive};

use hct_core::ReadAt;
use rayon::prelude::*;

use crate::batch::{BATCH_BYTES, overlapped, runs};
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::model_part::ModelPart;
use crate::progress::Progress;

/// Most bytes of a band: few enough that what was decoded is in a core's cache still when it is written or
/// compared, enough tiles that several cores have something to do.
pub(crate) const BAND: u64 = 4 << 20;
/// Bands that are decoded together, for each thread of the pool.
const BANDS_PER_THREAD: u64 = 2;
/// Bands that are decoded together at least and at most; where tensors are small, there are more of them.
const BANDS: RangeInclusive<u64> = 4..=16;
/// Most bands and tensors that are decoded together.
const BATCH_BANDS: usize = 64;

/// A band of a tensor.
pub(crate) struct Band<'m, R> {
    /// The tensor's place among those that are decoded, and its number in the model.
    pub k: usize,
    pub number: usize,
    pub part: ModelPart<'m, R>,
    /// Whether it is the tensor's first, and its last.
    pub first: bool,
    pub last: bool,
}

impl<R: ReadAt> Band<'_, R> {
    pub fn is_whole(&self) -> bool {
        self.first && self.last
    }
}

/// The bands of the tensors of these numbers, in order, each of about as many bytes as `bytes` says of its tensor.
pub(crate) fn bands<'m, R: ReadAt>(
    model: &'m HctModel<R>,
    numbers: &[usize],
    bytes: impl Fn(usize) -> u64,
) -> Result<Vec<Band<'m, R>>, Error> {
    let mut bands = Vec::with_capacity(numbers.len());
    for (k, &number) in numbers.iter().enumerate() {
        let parts = model.tensor(number)?.bands(bytes(number));
        let count = parts.len();
        bands.extend(parts.into_iter().enumerate().map(|(i, part)| Band {
            k,
            number,
            part,
            first: i == 0,
            last: i + 1 == count,
        }));
    }
    Ok(bands)
}

/// Gives `take` what `work` makes of bands, in order, some while the next are worked on. `fault` says of a tensor's number
/// what is wrong with what it is coded against.
pub(crate) fn overlapped_bands<R: ReadAt, T: Send>(
    model: &HctModel<R>,
    bands: &[Band<'_, R>],
    progress: &dyn Progress,
    fault: impl Fn(usize, Error) -> Error + Sync,
    work: impl Fn(&Band<'_, R>) -> Result<T, Error> + Sync,
    mut take: impl FnMut(&Band<'_, R>, T) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let sizes: Vec<u64> = bands.iter().map(|band| band.part.byte_len()).collect();
    let batches = band_batches(model, bands, &sizes);
    let work_all = |batch: Range<usize>| {
        let bands = &bands[batch];
        match prepare_bases(model, bands) {
            Ok(()) => bands.par_iter().map(&work).collect(),
            Err((number, error)) => vec![Err(fault(number, error))],
        }
    };
    overlapped(&sizes, batches, progress, work_all, |i, made| {
        take(&bands[i], made)
    })
}

/// Makes sure of what the tensors of some bands are coded against, once for each of these tensors: a file that is a
/// base decodes all of its tensor, and would for every band that asks at the same time. What failed has the number of
/// its tensor.
fn prepare_bases<R: ReadAt>(
    model: &HctModel<R>,
    bands: &[Band<'_, R>],
) -> Result<(), (usize, Error)> {
    let mut numbers: Vec<usize> = bands.iter().map(|band| band.number).collect();
    numbers.dedup();
    let base = model.needed_base();
    let prepare = |i| base.prepare(i).map_err(|error| (i, error));
    let prepared: Vec<_> = numbers.into_par_iter().map(prepare).collect();
    prepared.into_iter().collect()
}

/// Runs of bands to decode together, a few for each thread. What their tensors are coded against is not more than
/// a batch of tensors has, since it may have to be decoded whole and kept as long.
fn band_batches<R: ReadAt>(
    model: &HctModel<R>,
    bands: &[Band<'_, R>],
    sizes: &[u64],
) -> Vec<Range<usize>> {
    let count = BANDS_PER_THREAD * rayon::current_num_threads() as u64;
    let bytes = BAND * count.clamp(*BANDS.start(), *BANDS.end());
    let mut batches = Vec::new();
    for run in runs(sizes, bytes, BATCH_BANDS) {
        let (mut start, mut bases) = (run.start, 0u64);
        for i in run.clone() {
            let number = bands[i].number;
            if i > start && number == bands[i - 1].number {
                continue;
            }
            let record = &model.index().tensors[number];
            let base = record.base().map_or(0, |_| record.decoded_bytes());
            if i > start && bases.saturating_add(base) > BATCH_BYTES {
                batches.push(start..i);
                (start, bases) = (i, 0);
            }
            bases = bases.saturating_add(base);
        }
        batches.push(start..run.end);
    }
    batches
}
