//! How much a file may ask for.
//!
//! A valid file may decode to far more than its own size: a lossless tile of 2 MiB of zeros takes
//! some 15 bytes, 140,000 times less. A reader that follows any file wherever it leads can be made
//! to spend gigabytes and minutes by a kilobyte. So every file may ask for as much as a laptop has
//! to spare, and for more in proportion to its length.

use std::fmt;

/// Bytes that any file may unpack to.
const FREE: u64 = 256 << 20;

/// Bytes more for each byte of the file. F32 weights in 0.1 bits each, an order of magnitude below
/// what is of use, are 320 times their coded bytes; zlib reaches 1,032.
const PER_BYTE: u64 = 1024;

/// Bytes of headers of shards that any file may carry, unpacked, and more for each byte of the file.
/// All are held at once, parsed, which takes some times as much; packed they are a tenth as long.
const FREE_HEADERS: u64 = 64 << 20;
const HEADERS_PER_BYTE: u64 = 64;

/// Work for each byte that a file may unpack to: sums of a dozen fragments, or products of two
/// factors as large as checkpoints have them.
const WORK: u64 = 4;

/// Bytes of the longest index that is read: that of a file of 60 TB.
const INDEX: u64 = 256 << 20;

/// Most tensors, and as many carried files and labels. One takes some hundred bytes of memory.
const TENSORS: u64 = 1 << 20;

/// What a file may ask of its reader. Whatever exceeds it is an error before it is allocated,
/// decoded or unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of memory that decoding one tensor, or a part of it, may take: what comes of it and the
    /// sums on the way. `None`: as much as the file may unpack to.
    pub memory: Option<u64>,
    /// Bytes that all tensors and carried files of any file may unpack to, however short it is.
    pub unpacked: u64,
    /// Bytes more that they may unpack to for each byte of the file.
    pub unpacked_per_byte: u64,
    /// Bytes that the headers of shards in any file may unpack to, which are held all at once.
    pub headers: u64,
    /// Bytes more that they may unpack to for each byte of the file.
    pub headers_per_byte: u64,
    /// Work that decoding all tensors may take, for each byte that they may unpack to. Its unit is
    /// that of decoding a byte: a value of a plane is 4, sixteen multiply-adds of a product are 1.
    pub work: u64,
    /// Bytes of the index.
    pub index: u64,
    /// Number of tensors; of carried files, and of labels, too.
    pub tensors: u64,
}

impl Default for Limits {
    /// 256 MiB and 1,024 bytes for each byte of the file.
    fn default() -> Self {
        Limits {
            memory: None,
            unpacked: FREE,
            unpacked_per_byte: PER_BYTE,
            headers: FREE_HEADERS,
            headers_per_byte: HEADERS_PER_BYTE,
            work: WORK,
            index: INDEX,
            tensors: TENSORS,
        }
    }
}

impl Limits {
    /// Those of who trusts a file with `bytes` of memory: no tensor may take more, and all together
    /// may unpack to as much whatever the length of the file; the other limits are raised along.
    pub fn with_memory(bytes: u64) -> Self {
        Limits {
            memory: Some(bytes),
            unpacked: FREE.max(bytes),
            headers: FREE_HEADERS.max(bytes / 4),
            index: INDEX.max(bytes / 8),
            tensors: TENSORS.max(bytes / 1024),
            ..Limits::default()
        }
    }

    /// None at all, for files of one's own making.
    pub fn none() -> Self {
        Limits {
            memory: None,
            unpacked: u64::MAX,
            headers: u64::MAX,
            index: u64::MAX,
            tensors: u64::MAX,
            ..Limits::default()
        }
    }

    /// Bytes that a file of `len` bytes may unpack to.
    pub fn unpacked_of(&self, len: u64) -> u64 {
        let earned = len.saturating_mul(self.unpacked_per_byte);
        self.unpacked.saturating_add(earned)
    }

    /// Bytes of headers that a file of `len` bytes may carry.
    pub(super) fn headers_of(&self, len: u64) -> u64 {
        let earned = len.saturating_mul(self.headers_per_byte);
        self.headers.saturating_add(earned)
    }

    /// Work that a file of `len` bytes may take.
    pub(super) fn work_of(&self, len: u64) -> u64 {
        self.unpacked_of(len).saturating_mul(self.work)
    }

    /// Bytes of memory that a tensor of a file of `len` bytes may take.
    pub(super) fn memory_of(&self, len: u64) -> u64 {
        self.memory.unwrap_or_else(|| self.unpacked_of(len))
    }
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limited {
    /// Bytes of memory to decode a tensor.
    Memory,
    /// Bytes that all tensors and carried files unpack to.
    Unpacked,
    /// Bytes that the headers of shards unpack to.
    Headers,
    /// Work to decode all tensors.
    Work,
    /// Bytes of the index.
    Index,
    /// Tensors.
    Tensors,
    /// Carried files.
    Files,
    /// Labels.
    Labels,
}

/// A file that asks for more than its reader's [`Limits`] allow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitExceeded {
    /// Of what.
    pub what: Limited,
    /// How much the file asks for.
    pub asked: u64,
    /// How much it may.
    pub limit: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// The tensor or the carried file that asks for most of it, where it is theirs.
    pub name: Option<String>,
}

impl LimitExceeded {
    /// The least bytes for [`Limits::with_memory`] with which this limit is not exceeded.
    pub fn memory_needed(&self) -> u64 {
        match self.what {
            Limited::Memory | Limited::Unpacked => self.asked,
            Limited::Headers => self.asked.saturating_mul(4),
            Limited::Work => self.asked.div_ceil(WORK),
            Limited::Index => self.asked.saturating_mul(8),
            Limited::Tensors | Limited::Files | Limited::Labels => self.asked.saturating_mul(1024),
        }
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asked, limit, len) = (self.asked, self.limit, self.file_bytes);
        match self.what {
            Limited::Memory => write!(f, "decoding takes {asked} bytes of memory")?,
            Limited::Unpacked => write!(f, "{len} bytes would unpack to {asked}")?,
            Limited::Headers => write!(f, "{len} bytes would unpack to {asked} bytes of headers")?,
            Limited::Work => write!(f, "{len} bytes would take the work of {asked} to decode")?,
            Limited::Index => write!(f, "the index has {asked} bytes")?,
            Limited::Tensors => write!(f, "there are {asked} tensors")?,
            Limited::Files => write!(f, "there are {asked} carried files")?,
            Limited::Labels => write!(f, "there are {asked} labels")?,
        }
        if let (Some(name), true) = (&self.name, self.what != Limited::Memory) {
            write!(f, ", most of it for {name:?}")?;
        }
        write!(f, " (limit {limit})")
    }
}
