//! Where a tensor's bytes go.

use std::borrow::Cow;

use super::record::{Chunk, Layer, PlaneRecord, Recipe, TensorRecord};
use crate::recipe::Quantizer;
use crate::wire::Reader;
use crate::{Result, lossless};

/// A kind of stored information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
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

/// Bytes of a tensor by what they hold. They add up to [`TensorRecord::stored_bytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Bytes per [`Section`].
    pub bytes: [u64; 5],
}

impl Sections {
    pub(crate) fn of<'a>(
        record: &TensorRecord,
        read: impl Fn(&Chunk) -> Result<Cow<'a, [u8]>>,
    ) -> Result<Self> {
        let mut out = Sections::default();
        match &record.recipe {
            Recipe::Lossless(recipe) => {
                let total = record.decoded_bytes();
                for (i, chunk) in recipe.tiles.iter().enumerate() {
                    let first = i as u64 * recipe.tile_bytes;
                    let len = recipe.tile_bytes.min(total - first) as usize;
                    let tables = lossless::table_bytes(&read(chunk)?, record.dtype, len)? as u64;
                    out.add(Section::Tables, tables);
                    out.add(Section::Values, chunk.len - tables);
                }
            }
            Recipe::Layers { layers, .. } => {
                for plane in layers.iter().flat_map(Layer::planes) {
                    out.plane(plane, &read)?;
                }
            }
        }
        let payload: u64 = out.bytes.iter().sum();
        out.add(Section::Headers, record.stored_bytes() - payload);
        Ok(out)
    }

    /// Adds the bytes of a whole tensor's sections.
    pub fn merge(&mut self, other: &Sections) {
        self.bytes
            .iter_mut()
            .zip(other.bytes)
            .for_each(|(a, b)| *a += b);
    }

    fn add(&mut self, section: Section, bytes: u64) {
        self.bytes[section as usize] += bytes;
    }

    fn plane<'a>(
        &mut self,
        plane: &PlaneRecord,
        read: &impl Fn(&Chunk) -> Result<Cow<'a, [u8]>>,
    ) -> Result<()> {
        let common = read(&plane.common)?;
        let mut r = Reader::new(&common, "plane header");
        if plane.recipe.means {
            r.f32()?;
            self.add(Section::Scales, 4 + r.blob()?.len() as u64);
        }
        if let Quantizer::Trellis { .. } = plane.recipe.quantizer {
            r.f32()?;
            self.add(Section::Scales, 4 + r.blob()?.len() as u64);
            self.add(Section::Tables, r.blob()?.len() as u64);
        }
        for chunk in &plane.tiles {
            let payload = read(chunk)?;
            match plane.recipe.quantizer {
                Quantizer::Block(_) => {
                    let [positions, scales, tables, values] =
                        crate::quant::block::sections(&payload)?;
                    self.add(Section::Positions, positions as u64);
                    self.add(Section::Scales, scales as u64);
                    self.add(Section::Tables, tables as u64);
                    self.add(Section::Values, values as u64);
                }
                Quantizer::Half => {
                    let positions = crate::quant::half::position_bytes(&payload)? as u64;
                    self.add(Section::Positions, positions);
                    self.add(Section::Values, chunk.len - positions);
                }
                Quantizer::Trellis { .. } => {
                    let mut r = Reader::new(&payload, "trellis tile");
                    self.add(Section::Scales, r.blob()?.len() as u64);
                    let patches = r.blob()?.len();
                    self.add(Section::Values, (patches + r.remaining()) as u64);
                }
            }
        }
        Ok(())
    }
}
