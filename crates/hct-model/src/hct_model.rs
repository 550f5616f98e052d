//! An HCT file as a source of tensors.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hct_core::{FileEntry, FileKind, HctReader, HctWriter, Index, Limits, ReadAt, Sections};

use crate::base::Base;
use crate::batch::in_batches;
use crate::content_hash::hash_of;
use crate::error::Error;
use crate::gguf::GgufHeader;
use crate::model_part::ModelPart;
use crate::needed_base::NeededBase;
use crate::packing::unpack;
use crate::progress::Progress;
use crate::shard_header::ShardHeader;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Largest carried file that is unpacked; a header may have 100 MB.
pub(crate) const MAX_CARRIED: u64 = 256 << 20;

/// An HCT file opened for reading. Its bytes are any [`ReadAt`]: a slice, an open file, a remote
/// object; only what is asked for is read.
pub struct HctModel<R> {
    name: PathBuf,
    reader: HctReader<R>,
    tensors: Vec<TensorInfo>,
    fragments: usize,
    base: Option<Arc<Base>>,
}

impl<R: ReadAt> HctModel<R> {
    /// Reads and checks the index; `name` stands for the file in messages. The file is read within
    /// the usual [`Limits`].
    ///
    /// # Errors
    /// When it cannot be read or is not an HCT V3 file.
    pub fn new(name: impl Into<PathBuf>, source: R) -> Result<Self, Error> {
        Self::new_within(name, source, Limits::default())
    }

    /// The same within other limits. What exceeds them opens, for [`crate::info()`], and can be copied
    /// as it is coded, but neither decoded nor unpacked: [`HctModel::check_limits`] says why.
    ///
    /// # Errors
    /// Those of [`HctModel::new`], and when the index itself exceeds `limits`.
    pub fn new_within(name: impl Into<PathBuf>, source: R, limits: Limits) -> Result<Self, Error> {
        let name = name.into();
        let reader = HctReader::open_within(source, limits).map_err(Error::hct(&name))?;
        Ok(Self::of_reader(name, reader))
    }

    /// A model that has been opened.
    pub(crate) fn of_reader(name: PathBuf, reader: HctReader<R>) -> Self {
        let tensors = reader
            .index()
            .tensors
            .iter()
            .map(|t| TensorInfo {
                name: t.name.clone(),
                dtype: t.dtype,
                shape: t.shape.clone(),
            })
            .collect();
        HctModel {
            name,
            reader,
            tensors,
            fragments: usize::MAX,
            base: None,
        }
    }

    /// Whether the file may be decoded and unpacked within its limits, by what its index says.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_limits(&self) -> Result<(), Error> {
        self.reader.check_limits().map_err(Error::hct(&self.name))
    }

    /// Decodes only the first `fragments` fragments (at least one) of every tensor from now on.
    pub fn with_fragments(mut self, fragments: usize) -> Self {
        self.fragments = fragments.max(1);
        self
    }

    /// Decodes tensors that are coded against another checkpoint with the help of `base`. Each
    /// tensor used of it is checked when it is first read; [`HctModel::check_base`] checks all.
    pub fn with_base(mut self, base: Arc<Base>) -> Self {
        self.reader = self.reader.with_base(Arc::<Base>::clone(&base));
        self.base = Some(base);
        self
    }

    /// The base that was given.
    pub(crate) fn base(&self) -> Option<&Base> {
        self.base.as_deref()
    }

    /// What the file needs of its base.
    pub(crate) fn needed_base(&self) -> NeededBase<'_> {
        NeededBase {
            name: &self.name,
            index: self.index(),
            base: self.base(),
        }
    }

    /// Whether tensors are coded against another checkpoint.
    pub fn needs_base(&self) -> bool {
        self.needed_base().tensors().next().is_some()
    }

    /// Bytes of the tensors of the base that are used: what [`HctModel::check_base`] reads.
    pub fn base_bytes(&self) -> u64 {
        let sizes = self
            .needed_base()
            .tensors()
            .map(|(tensor, _)| tensor.decoded_bytes());
        sizes.fold(0, u64::saturating_add)
    }

    /// Checks that the base has every tensor that is needed, by its contents. What has been checked
    /// once is not read again.
    ///
    /// # Errors
    /// When the base is missing or another, or cannot be read.
    pub fn check_base(&self, progress: &dyn Progress) -> Result<(), Error> {
        let used: Vec<_> = self.needed_base().tensors().collect();
        if used.is_empty() {
            return Ok(());
        }
        let base = self.base().ok_or_else(|| self.needed_base().missing())?;
        let sizes: Vec<u64> = used.iter().map(|(t, _)| t.decoded_bytes()).collect();
        in_batches(&sizes, progress, |k| {
            let (tensor, wanted) = used[k];
            base.check(wanted, tensor.dtype, &tensor.shape)?;
            progress.advance(sizes[k], &tensor.name);
            Ok(())
        })
        .map(drop)
    }

    /// The path of the file, or whatever else names it.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The number of the tensor called `name`, in [`TensorSource::tensors`].
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<usize, Error> {
        self.reader.find(name).map_err(Error::hct(&self.name))
    }

    /// Tensor `number`, to be decoded in whole or by rows, for which only the tiles that hold them
    /// are read ([`hct_core::TensorPart`] says which).
    ///
    /// # Errors
    /// When there is no such tensor, or the file exceeds its limits.
    pub fn tensor(&self, number: usize) -> Result<ModelPart<'_, R>, Error> {
        let part = self.reader.tensor(number).map_err(Error::hct(&self.name))?;
        Ok(ModelPart::new(
            self.needed_base(),
            number,
            part.fragments(self.fragments),
        ))
    }

    /// What the file says of itself.
    pub fn index(&self) -> &Index {
        self.reader.index()
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.reader.file_bytes()
    }

    /// Bytes of the index.
    pub fn index_bytes(&self) -> u64 {
        self.reader.index_bytes()
    }

    /// Checks every checksum of tensor `number` and that all of it decodes; of one that is coded
    /// against a base that was not given, the checksums alone.
    ///
    /// # Errors
    /// When something does not; the error names the file and the tensor.
    pub fn verify(&self, number: usize) -> Result<(), Error> {
        let record = self.index().tensors.get(number);
        if self.base.is_none() && record.is_some_and(|r| r.base().is_some()) {
            return self.verify_checksums(number);
        }
        self.needed_base().prepare(number)?;
        self.reader.verify(number).map_err(Error::hct(&self.name))
    }

    /// Where the bytes of tensor `number` go.
    ///
    /// # Errors
    /// When a tile is damaged.
    pub fn sections(&self, number: usize) -> Result<Sections, Error> {
        self.reader.sections(number).map_err(Error::hct(&self.name))
    }

    /// Checks every checksum of tensor `number`, and decodes nothing.
    pub(crate) fn verify_checksums(&self, number: usize) -> Result<(), Error> {
        let checked = self.reader.verify_checksums(number);
        checked.map_err(Error::hct(&self.name))
    }

    /// The pieces of tensor `number` whose checksums do not fit.
    pub(crate) fn damaged_pieces(&self, number: usize) -> Vec<String> {
        self.reader.damaged_pieces(number).unwrap_or_default()
    }

    /// Errs when the file says a later version than it needs.
    pub(crate) fn check_version(&self) -> Result<(), Error> {
        self.reader.check_version().map_err(Error::hct(&self.name))
    }

    /// What is wrong with recovery blocks, each with its place.
    pub(crate) fn damaged_recovery_blocks(&self) -> Vec<(String, Error)> {
        let faults = self.reader.check_recovery_blocks().into_iter();
        faults
            .map(|fault| {
                let place = format!("at byte {}", fault.offset);
                (place, Error::hct(&self.name)(fault.error))
            })
            .collect()
    }

    /// Bytes of recovery blocks.
    pub fn recovery_bytes(&self) -> u64 {
        self.reader.recovery_bytes()
    }

    /// The contents of the side file at `path`, if one is carried.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn side_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.index()
            .files
            .iter()
            .find(|f| f.kind == FileKind::Side && f.path == path)
            .map(|entry| self.carried(entry))
            .transpose()
    }

    /// The header of the GGUF file that the model came in, if it came in one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn gguf_header(&self) -> Result<Option<GgufHeader>, Error> {
        let mut files = self.index().files.iter();
        let Some(entry) = files.find(|f| f.kind == FileKind::Gguf) else {
            return Ok(None);
        };
        let path = Path::new(&entry.path);
        match ShardHeader::parse(entry.kind, self.carried(entry)?, path)? {
            ShardHeader::Gguf { header, .. } => Ok(Some(header)),
            ShardHeader::Safetensors(_) => Ok(None),
        }
    }

    /// The bytes of a carried file as they are stored, checked.
    pub(crate) fn stored(&self, entry: &FileEntry) -> Result<Cow<'_, [u8]>, Error> {
        self.reader.file(entry).map_err(Error::hct(&self.name))
    }

    /// Writes tensor `number` as it is coded; `file` is the shard it belongs to there.
    pub(crate) fn copy_to<W: Write>(
        &self,
        number: usize,
        file: Option<usize>,
        writer: &mut HctWriter<W>,
    ) -> Result<(), Error> {
        match writer.copy_tensor(&self.reader, number, file) {
            Ok(_) => Ok(()),
            // What is wrong with the tensor says so.
            Err(error @ hct_core::Error::Io { .. }) => Err(Error::output(error)),
            Err(error) => Err(Error::hct(&self.name)(error)),
        }
    }

    /// The contents of a carried file.
    ///
    /// # Errors
    /// When it is damaged or implausibly large, or the file exceeds its limits.
    pub fn carried(&self, entry: &FileEntry) -> Result<Vec<u8>, Error> {
        self.check_limits()?;
        let bad = |reason: String| Error::Carried {
            path: self.name.clone(),
            file: entry.path.clone(),
            reason,
        };
        if entry.unpacked_len > MAX_CARRIED {
            return Err(bad(format!("{} bytes are too many", entry.unpacked_len)));
        }
        let bytes = unpack(&self.stored(entry)?, entry.packing, entry.unpacked_len);
        let bytes = bytes.map_err(bad)?;
        match entry.hash.is_some_and(|hash| hash != hash_of(&bytes)) {
            false => Ok(bytes),
            true => Err(bad("its BLAKE3 hash is another".into())),
        }
    }
}

impl<R: ReadAt> TensorSource for HctModel<R> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.tensor(index)?.decode().map(Cow::Owned)
    }
}
