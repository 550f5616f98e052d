//! Where bytes go: the kinds of stored information.

/// A kind of stored information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[non_exhaustive]
pub enum Section {
    /// Quantized values: coded symbols, patches, raw bytes.
    Values,
    /// Which coefficients are kept.
    Positions,
    /// Block scales, row and column scales, means.
    Scales,
    /// Frequency tables and reproduction points.
    Tables,
    /// The record in the index, lengths and modes.
    Headers,
}

impl Section {
    /// Every kind, in the order of [`Sections::bytes`].
    pub const ALL: [Section; 5] = [
        Section::Values,
        Section::Positions,
        Section::Scales,
        Section::Tables,
        Section::Headers,
    ];

    /// Lower-case name for tables and JSON.
    pub fn name(self) -> &'static str {
        ["values", "positions", "scales", "tables", "headers"][self as usize]
    }
}

/// Bytes of a tensor by what they hold. They add up to [`crate::TensorRecord::stored_bytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Bytes per [`Section`].
    pub bytes: [u64; 5],
}

impl Sections {
    /// Adds the bytes of a whole tensor's sections.
    pub fn merge(&mut self, other: &Sections) {
        self.bytes
            .iter_mut()
            .zip(other.bytes)
            .for_each(|(a, b)| *a += b);
    }

    pub(crate) fn add(&mut self, section: Section, bytes: u64) {
        self.bytes[section as usize] += bytes;
    }
}
