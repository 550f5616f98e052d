//! Opening a file; nothing is trusted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::accounting;
use super::bands::BAND_BYTES;
use super::base::BaseSource;
use super::chunk::{Chunk, expect};
use super::cost::{Excess, excess};
use super::index::{FileEntry, Index};
use super::limits::{LimitExceeded, Limited, Limits};
use super::part::TensorPart;
use super::record::TensorRecord;
use super::recovery::RecoveredIndex;
use super::source::{ReadAt, read_range};
use super::trailer::{self, HEADER_LEN, TRAILER_LEN, Trailer};
use super::version::{FORMAT_VERSION, check_claim, check_smallest};
use crate::sections::Sections;
use crate::{Error, Result};

/// An HCT V3 file opened for reading.
pub struct HctReader<S> {
    source: S,
    index: Index,
    index_bytes: u64,
    /// The minor version that the file says, none where nothing was read that says it.
    minor: Option<u16>,
    payload_end: u64,
    by_name: HashMap<Box<str>, usize>,
    base: Option<Arc<dyn BaseSource>>,
    limits: Limits,
    excess: Excess,
}

impl<S: ReadAt> HctReader<S> {
    /// Reads the trailer and the index, within the usual [`Limits`].
    ///
    /// # Errors
    /// When `source` is not an HCT V3 file, of a later version than [`FORMAT_VERSION`], or its
    /// index is damaged.
    pub fn open(source: S) -> Result<Self> {
        Self::open_within(source, Limits::default())
    }

    /// The same within other limits. A file whose tensors and carried files exceed them opens, so that
    /// it can be looked at, but decodes nothing: [`HctReader::check_limits`] says why.
    ///
    /// # Errors
    /// Those of [`HctReader::open`], and when the index itself exceeds `limits`.
    pub fn open_within(source: S, limits: Limits) -> Result<Self> {
        Self::open_as(source, FORMAT_VERSION.1, limits)
    }

    /// Opens as a decoder of 3.`own` does.
    pub(super) fn open_as(source: S, own: u16, limits: Limits) -> Result<Self> {
        let size = source.size();
        let read = |offset, len| read_range(&source, offset, len);
        if size < (HEADER_LEN + TRAILER_LEN) as u64 {
            return Err(Error::NotHct("it is too short"));
        }
        // The trailer tells as much, at the price of no request more.
        if !source.is_remote() {
            trailer::check_header(&read(0, HEADER_LEN as u64)?, own)?;
        }
        let trailer = Trailer::read(
            &read(size - TRAILER_LEN as u64, TRAILER_LEN as u64)?,
            size,
            own,
        )?;
        if trailer.index_len > limits.index {
            return Err(Error::Limit(LimitExceeded {
                what: Limited::Index,
                asked: trailer.index_len,
                limit: limits.index,
                file_bytes: size,
                name: None,
            }));
        }
        let bytes = read(trailer.index_offset, trailer.index_len)?;
        let chunk = Chunk {
            offset: trailer.index_offset,
            len: trailer.index_len,
            crc: trailer.index_crc,
        };
        chunk.check(&bytes, || "the index".into())?;
        let index = Index::read(&bytes, trailer.index_offset, &limits, size)?;
        check_claim(trailer.minor, index.since())?;
        drop(bytes);
        let reader = Self::of_index(source, index, trailer.index_offset, limits);
        Ok(HctReader {
            index_bytes: trailer.index_len,
            minor: Some(trailer.minor),
            ..reader
        })
    }

    /// Opens a file by what its recovery blocks say, without its index, as far as that has been rebuilt:
    /// see [`RecoveredIndex::scan`].
    pub fn open_recovered(source: S, recovered: RecoveredIndex, limits: Limits) -> Self {
        let size = source.size();
        Self::of_index(source, recovered.index, size, limits)
    }

    fn of_index(source: S, index: Index, payload_end: u64, limits: Limits) -> Self {
        let names = index.tensors.iter().map(|t| t.name.as_str().into());
        let by_name = names.enumerate().map(|(i, name)| (name, i)).collect();
        HctReader {
            excess: excess(&index, &limits, source.size()),
            source,
            index,
            index_bytes: 0,
            minor: None,
            payload_end,
            by_name,
            base: None,
            limits,
        }
    }

    /// Takes what the file is coded against from `base`, whose contents the caller vouches for.
    pub fn with_base(mut self, base: Arc<dyn BaseSource>) -> Self {
        self.base = Some(base);
        self
    }

    /// What the file says of itself.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Errs when the file says a later version than the oldest that has all that it uses. It is damaged then, since no
    /// checksum covers that, but decodes to what it did (docs/FORMAT.md, §2).
    ///
    /// # Errors
    /// As said.
    pub fn check_version(&self) -> Result<()> {
        let since = self.index.since();
        check_smallest(self.minor.unwrap_or(since), since)
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.source.size()
    }

    /// Bytes of the index; 0 where it was rebuilt.
    pub fn index_bytes(&self) -> u64 {
        self.index_bytes
    }

    /// Bytes of the recovery blocks (docs/FORMAT.md, §20), and of whatever else is neither of a tensor nor of a
    /// carried file between the header and the index.
    pub fn recovery_bytes(&self) -> u64 {
        self.gaps().map(|gap| gap.end - gap.start).sum()
    }

    /// Runs of the file between header and index in which no tensor and no carried file lies, in order.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Range<u64>> {
        let start = HEADER_LEN as u64;
        let end = self.payload_end;
        let mut taken: Vec<_> = self.index.ranges().filter(|r| !r.is_empty()).collect();
        taken.sort_unstable_by_key(|range| range.start);
        taken.push(end..end);
        let gaps = taken.into_iter().scan(start, |at, range| {
            let gap = *at..range.start;
            *at = range.end.max(*at);
            Some(gap)
        });
        gaps.filter(|gap| !gap.is_empty())
    }

    /// The limits that the file is read within.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes of the file that no checksum of the index covers.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>> {
        read_range(&self.source, range.start, range.end - range.start)
    }

    /// Whether all of the file may be decoded and unpacked within the limits it was opened with, by what
    /// its index says. Parts of tensors that are too large may be decoded all the same.
    ///
    /// # Errors
    /// [`Error::Limit`] when it may not.
    pub fn check_limits(&self) -> Result<()> {
        let Excess { file, tensor } = &self.excess;
        match file.as_ref().or(tensor.as_ref()) {
            Some(excess) => Err(Error::Limit(excess.clone())),
            None => Ok(()),
        }
    }

    /// The same for parts of tensors, which are held against a limit on memory that was asked for when
    /// they are decoded.
    fn check_limits_of_parts(&self) -> Result<()> {
        match (self.limits.memory, &self.excess.file) {
            (None, _) => self.check_limits(),
            (Some(_), Some(excess)) => Err(Error::Limit(excess.clone())),
            (Some(_), None) => Ok(()),
        }
    }

    /// Number of the tensor called `name`, in [`Index::tensors`].
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<usize> {
        let number = self.by_name.get(name).copied();
        number.ok_or_else(|| Error::NoSuchTensor(name.to_owned()))
    }

    pub(super) fn record(&self, number: usize) -> Result<&TensorRecord> {
        self.index.tensors.get(number).ok_or_else(|| {
            let count = self.index.tensors.len();
            Error::request("tensor number", format!("{number} is not below {count}"))
        })
    }

    /// Says that all of a tensor will be read.
    pub(super) fn expect(&self, record: &TensorRecord) -> Result<()> {
        expect(&self.source, record.chunks()).map_err(|e| e.in_tensor(&record.name))
    }

    /// Gives the bytes of a chunk to `take`, checked at the end, `what` naming them.
    pub(super) fn pass(
        &self,
        chunk: &Chunk,
        what: impl FnOnce() -> String,
        take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        chunk.pass(&self.source, what, take)
    }

    /// Says that all of these gaps will be read, if they are no longer than any index.
    pub(super) fn expect_gaps(&self, gaps: &[Range<u64>]) -> Result<()> {
        let total: u64 = gaps.iter().map(|gap| gap.end - gap.start).sum();
        if !self.source.is_remote() || total > self.limits.index {
            return Ok(());
        }
        self.source.expect(gaps).map_err(|source| Error::Io {
            context: "reading the file",
            source,
        })
    }

    /// The stored bytes of a carried file, checked; unpacking them is up to the caller, after
    /// [`HctReader::check_limits`].
    ///
    /// # Errors
    /// When they cannot be read or fail their checksum.
    pub fn file(&self, entry: &FileEntry) -> Result<Cow<'_, [u8]>> {
        entry
            .data
            .fetch(&self.source, || format!("carried file {:?}", entry.path))
    }

    /// Decodes tensor `number` to little-endian bytes of its dtype.
    ///
    /// # Errors
    /// When there is no such tensor, or anything in it is damaged, which the error names; when the
    /// file exceeds its limits.
    pub fn decode(&self, number: usize) -> Result<Vec<u8>> {
        self.tensor(number)?.decode()
    }

    /// A part of tensor `number`, all of it at first.
    ///
    /// # Errors
    /// When there is no such tensor, or the file exceeds its limits.
    pub fn tensor(&self, number: usize) -> Result<TensorPart<'_, S>> {
        let record = self.record(number)?;
        self.check_limits_of_parts()?;
        let base = self.base.as_deref();
        let memory = self.limits.memory;
        Ok(TensorPart::whole(&self.source, base, record, memory))
    }

    /// Checks every checksum of tensor `number` and that all of it decodes.
    ///
    /// # Errors
    /// When something does not; the error names the tensor.
    pub fn verify(&self, number: usize) -> Result<()> {
        let bands = self.tensor(number)?.bands(BAND_BYTES);
        bands.iter().try_for_each(|band| band.decode().map(drop))
    }

    /// Checks every checksum of tensor `number`, and nothing else: what is coded against a base
    /// does not decode without it.
    ///
    /// # Errors
    /// When one does not fit, or the bytes cannot be read; the error names the tensor.
    pub fn verify_checksums(&self, number: usize) -> Result<()> {
        let record = self.record(number)?;
        self.expect(record)?;
        for (i, chunk) in record.chunks().enumerate() {
            let checked = self.pass(chunk, || format!("chunk {i}"), |_| Ok(()));
            checked.map_err(|e| e.in_tensor(&record.name))?;
        }
        Ok(())
    }

    /// The pieces of tensor `number` whose checksums do not fit, or that cannot be read, each by what it
    /// is, such as `tile 3`; empty of a tensor that is not damaged, as far as checksums tell.
    ///
    /// # Errors
    /// When there is no such tensor.
    pub fn damaged_pieces(&self, number: usize) -> Result<Vec<String>> {
        let record = self.record(number)?;
        let mut damaged = Vec::new();
        for (piece, chunk) in record.pieces() {
            if self.pass(chunk, String::new, |_| Ok(())).is_err() {
                damaged.push(piece.to_string());
            }
        }
        Ok(damaged)
    }

    /// Where the bytes of tensor `number` go.
    ///
    /// # Errors
    /// As [`HctReader::decode`].
    pub fn sections(&self, number: usize) -> Result<Sections> {
        let record = self.record(number)?;
        self.expect(record)?;
        accounting::sections(record, |chunk| {
            chunk.fetch(&self.source, || "a tile".into())
        })
        .map_err(|e| e.in_tensor(&record.name))
    }
}
