//! Copying what is whole.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use hct_core::{FileEntry, FileKind, HctWriter, ReadAt};

use crate::error::Error;
use crate::error_chain::innermost;
use crate::hct_model::{HctModel, MAX_CARRIED};
use crate::packing::pack;
use crate::parts::merge::put_file;
use crate::progress::Progress;
use crate::shard_header::ShardHeader;
use crate::tensor_source::TensorSource;
use crate::verify::{VerifyFailure, failure, lost_part};

/// A file that is being copied, but for what is damaged.
pub(super) struct Copying<'a, R, W: Write> {
    model: &'a HctModel<R>,
    writer: HctWriter<W>,
    /// The numbers of files in the copy.
    files: Vec<Option<usize>>,
    /// Tensors in the copy.
    tensors: usize,
    lost: Vec<VerifyFailure>,
}

impl<'a, R: ReadAt, W: Write> Copying<'a, R, W> {
    pub fn new(model: &'a HctModel<R>, writer: HctWriter<W>) -> Self {
        Copying {
            model,
            writer,
            files: Vec::new(),
            tensors: 0,
            lost: Vec::new(),
        }
    }

    /// Copies all carried files. A damaged header of a safetensors file is made anew, for its tensors to have one.
    pub fn files(&mut self) -> Result<(), Error> {
        for (number, entry) in self.model.index().files.iter().enumerate() {
            let placed = match self.stored(entry) {
                Ok(stored) => Some(put_file(entry, &stored, &mut self.writer)?),
                Err(error) if is_damage(&error) => {
                    let mut lost = failure("file", &entry.path, &error);
                    let header = self.new_header(number, entry);
                    let placed = match header {
                        Some(header) => {
                            lost.error += "; its tensors have a new header, without metadata";
                            let (packed, packing) = pack(&header);
                            let (path, len) = (&entry.path, header.len() as u64);
                            let put = self
                                .writer
                                .add_file(entry.kind, path, &packed, packing, len);
                            Some(put.map_err(Error::output)?)
                        }
                        None => None,
                    };
                    self.lost.push(lost);
                    placed
                }
                Err(error) => return Err(error),
            };
            self.files.push(placed);
        }
        Ok(())
    }

    fn stored(&self, entry: &FileEntry) -> Result<Vec<u8>, Error> {
        let (stored, unpacked) = (entry.stored_bytes(), entry.unpacked_len);
        // More is not unpacked, either.
        let reason = if stored > MAX_CARRIED {
            Some(format!("{stored} bytes are too many"))
        } else if entry.packing == 0 && stored != unpacked {
            Some(format!("it should unpack to {unpacked} bytes"))
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Error::Carried {
                path: self.model.name().to_owned(),
                file: entry.path.clone(),
                reason,
            });
        }
        Ok(self.model.stored(entry)?.into_owned())
    }

    /// A header of the tensors that are of file `number`.
    fn new_header(&self, number: usize, entry: &FileEntry) -> Option<Vec<u8>> {
        let records = self.model.index().tensors.iter().enumerate();
        let of_file = records.filter(|(_, record)| record.file == Some(number));
        let infos: Vec<_> = of_file
            .map(|(i, _)| self.model.tensors()[i].clone())
            .collect();
        if entry.kind != FileKind::Shard || infos.is_empty() {
            return None;
        }
        match ShardHeader::of(&infos, Path::new(&entry.path)) {
            Ok(ShardHeader::Safetensors(header)) => Some(header.header_bytes().to_vec()),
            _ => None,
        }
    }

    /// Copies all tensors.
    pub fn tensors(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        for (number, record) in self.model.index().tensors.iter().enumerate() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            // Before any of it is written.
            match self.model.verify_checksums(number) {
                Ok(()) => {
                    let file = record.file.and_then(|file| self.files[file]);
                    self.model.copy_to(number, file, &mut self.writer)?;
                    self.tensors += 1;
                }
                Err(error) if is_damage(&error) => {
                    let mut lost = failure("tensor", &record.name, &error);
                    lost.pieces = self.model.damaged_pieces(number);
                    self.lost.push(lost);
                }
                Err(error) => return Err(error),
            }
            progress.advance(record.payload_bytes(), &record.name);
        }
        Ok(())
    }

    /// Names tensors that headers tell of and no entry.
    pub fn name_missing(&mut self) {
        let records = self.model.index().tensors.iter();
        let known: HashSet<&str> = records.map(|record| &record.name[..]).collect();
        let files = self.model.index().files.iter();
        for entry in files.filter(|entry| entry.kind.has_tensors()) {
            let path = Path::new(&entry.path);
            let carried = self.model.carried(entry);
            let header = carried.and_then(|bytes| ShardHeader::parse(entry.kind, bytes, path));
            // A damaged one is among what is lost already.
            let Ok(header) = header else { continue };
            let missing = header.tensors_as_coded().into_iter();
            let missing = missing.filter(|tensor| !known.contains(&tensor.name[..]));
            let lost = missing.map(|tensor| lost_part("tensor", &tensor.name, MISSING));
            self.lost.extend(lost);
        }
    }

    pub fn files_copied(&self) -> usize {
        self.files.iter().flatten().count()
    }

    pub fn tensors_copied(&self) -> usize {
        self.tensors
    }

    /// What was written, and what was not.
    pub fn done(self) -> (HctWriter<W>, Vec<VerifyFailure>) {
        (self.writer, self.lost)
    }
}

const MISSING: &str = "nothing tells where it is, or it is in another part";

/// Whether the file itself is at fault, not the reading of it.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Hct { error, .. } => !matches!(innermost(error), hct_core::Error::Io { .. }),
        _ => matches!(error, Error::Carried { .. }),
    }
}
