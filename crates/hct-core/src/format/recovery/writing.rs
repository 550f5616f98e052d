//! When a writer puts a block, and what is in it.

use super::super::index::{Index, Parts};
use super::block::{Frame, MAGIC};
use crate::wire::put_varint;
use crate::{Error, Result};

/// Bytes of payload from which on a block is due. A block takes some 50 bytes besides its entries, a
/// thousandth of this at most; what is lost where a file breaks off is less than this and one tensor.
const DUE: u64 = 64 << 10;

/// What a writer has put in blocks so far.
#[derive(Default)]
pub(in super::super) struct Recovery {
    /// Entries of the index that are in a block.
    files: usize,
    tensors: usize,
    /// Where the last block ended, and with it the payload that has one.
    end: u64,
    /// Checksum of the first block.
    first_crc: Option<u32>,
}

impl Recovery {
    /// Of a file whose payload begins at `start`.
    pub fn new(start: u64) -> Self {
        Recovery {
            end: start,
            ..Recovery::default()
        }
    }

    /// The block that is due before more payload is written at `offset`, if one is.
    pub fn due(&mut self, index: &Index, offset: u64) -> Result<Option<Vec<u8>>> {
        let entries = index.files.len() + index.tensors.len() - self.files - self.tensors;
        match offset - self.end < DUE || entries == 0 {
            true => Ok(None),
            false => self.block(index, offset, false).map(Some),
        }
    }

    /// The last block, which lies at `offset`; none of a file without entries.
    pub fn last(&mut self, index: &Index, offset: u64) -> Result<Option<Vec<u8>>> {
        match index.files.is_empty() && index.tensors.is_empty() {
            true => Ok(None),
            false => self.block(index, offset, true).map(Some),
        }
    }

    fn block(&mut self, index: &Index, offset: u64, last: bool) -> Result<Vec<u8>> {
        let entries = Parts {
            files: &index.files[self.files..],
            tensors: &index.tensors[self.tensors..],
            // Final only then.
            provenance: index.provenance.as_deref().filter(|_| last),
            base_hint: index.base_hint.as_deref().filter(|_| last),
        };
        let mut body = self.first_crc.unwrap_or(0).to_le_bytes().to_vec();
        body.extend(entries.since().to_le_bytes());
        body.push(last.into());
        put_varint(&mut body, self.files as u64);
        put_varint(&mut body, self.tensors as u64);
        entries.write(&mut body);
        let Ok(len) = u32::try_from(body.len()) else {
            let why = "entries of 4 GiB are too long for a recovery block";
            return Err(Error::argument("index", why));
        };
        let crc = Frame::crc_of(offset, &body);
        let mut block = MAGIC.to_vec();
        block.extend(offset.to_le_bytes());
        block.extend(len.to_le_bytes());
        block.extend(crc.to_le_bytes());
        block.append(&mut body);
        *self = Recovery {
            files: index.files.len(),
            tensors: index.tensors.len(),
            end: offset + block.len() as u64,
            first_crc: Some(self.first_crc.unwrap_or(crc)),
        };
        Ok(block)
    }
}
