//! Decoding tiles against a base.

use super::bits::BitReader;
use super::header::Header;
use super::rows::{self, Row};
use super::{Layout, token};
use crate::entropy::binary::Decoder;
use crate::entropy::symbols;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Dtype, Error, Result};

/// A tensor's difference, ready to decode any of its tiles.
pub(crate) struct DeltaDecoder {
    layout: Layout,
    header: Header,
}

/// Adds the bytes of a tile.
///
/// # Errors
/// When it is cut short.
pub(crate) fn sections(payload: &[u8], out: &mut Sections) -> Result<()> {
    let mut r = Reader::new(payload, "tile of a difference");
    let rows = r.blob()?.len() as u64;
    out.add(Section::Scales, rows);
    out.add(Section::Values, payload.len() as u64 - rows);
    Ok(())
}

impl DeltaDecoder {
    /// Reads what the tiles share.
    ///
    /// # Errors
    /// When `common` is not what an encoder makes, or `dtype` has no coding against a base.
    pub fn new(common: &[u8], dtype: Dtype) -> Result<Self> {
        let layout = Layout::of(dtype).ok_or_else(|| {
            Error::invalid("recipe", format!("{dtype} tensors have no difference"))
        })?;
        let header = Header::read(common, layout)?;
        Ok(DeltaDecoder { layout, header })
    }

    /// Decodes a tile into `out`; `base` are the bytes of the base in the same place.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes, or `base` is not as long as `out`.
    pub fn tile(&self, payload: &[u8], base: &[u8], out: &mut [u8]) -> Result<()> {
        let (layout, header) = (self.layout, &self.header);
        let width = layout.bytes();
        if base.len() != out.len() || !out.len().is_multiple_of(width) {
            return Err(Error::invalid("base", "is not as long as the tensor"));
        }
        let n = out.len() / width;
        let mut r = Reader::new(payload, "tile of a difference");
        let mut dec = Decoder::new(r.blob()?);
        let rows = rows::read(&mut dec, n.div_ceil(header.row), !header.drift.is_empty())?;
        dec.finish("rows of a difference")?;
        let stream = r.blob()?;
        let classes = self.classes(&rows, base);
        let symbols = symbols::decode(stream, n, &header.tables, |i, _| usize::from(classes[i]))?;
        let mut raw = BitReader::new(r.rest());
        let elements = layout.elements(base).zip(out.chunks_exact_mut(width));
        for ((i, (base, out)), &symbol) in elements.enumerate().zip(&symbols) {
            let element = match symbol {
                token::ZERO => layout.zero(base, true),
                token::OTHER_ZERO => layout.zero(base, false),
                _ => {
                    let low = raw.take(token::raw_bits(symbol));
                    let d = token::difference(symbol, low);
                    if header.xor {
                        base ^ d as u32
                    } else {
                        let row = rows[i / header.row];
                        layout.moved(base, d.wrapping_add(header.drift(layout, row, base)))
                    }
                }
            };
            layout.store(element, out);
        }
        raw.finish("tile of a difference")
    }

    fn classes(&self, rows: &[Row], base: &[u8]) -> Vec<u8> {
        let mut classes = Vec::with_capacity(base.len() / self.layout.bytes());
        let run = self.header.row * self.layout.bytes();
        for (&row, base) in rows.iter().zip(base.chunks(run)) {
            let class = |base| self.header.class(self.layout, row, base) as u8;
            classes.extend(self.layout.elements(base).map(class));
        }
        classes
    }
}
