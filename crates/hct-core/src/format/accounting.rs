//! Where a tensor's bytes go.

use std::borrow::Cow;

use super::chunk::Chunk;
use super::record::{Fragment, PlaneRecord, Recipe, TensorRecord};
use crate::plane::means;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Result, blocks, delta, lossless, quant};

/// The sections of a tensor, `read` giving the bytes of a chunk.
pub(crate) fn sections<'a>(
    record: &TensorRecord,
    read: impl Fn(&Chunk) -> Result<Cow<'a, [u8]>>,
) -> Result<Sections> {
    let mut out = Sections::default();
    match &record.recipe {
        Recipe::Lossless(recipe) => {
            let total = record.decoded_bytes();
            for (i, chunk) in recipe.tiles.iter().enumerate() {
                let first = i as u64 * recipe.tile_bytes;
                let len = recipe.tile_bytes.min(total - first) as usize;
                let payload = read(chunk)?;
                match recipe.blocks {
                    Some(kind) => blocks::sections(&payload, kind, &mut out)?,
                    None => lossless::sections(&payload, record.dtype, len, &mut out)?,
                }
            }
        }
        Recipe::Unchanged(_) => {}
        Recipe::Delta(_, recipe) => {
            out.add(Section::Tables, recipe.common.len);
            for chunk in &recipe.tiles {
                delta::sections(&read(chunk)?, &mut out)?;
            }
        }
        Recipe::Fragments { fragments, .. } => {
            for plane in fragments.iter().flat_map(Fragment::planes) {
                add_plane(plane, &read, &mut out)?;
            }
        }
    }
    let payload: u64 = out.bytes.iter().sum();
    out.add(Section::Headers, record.stored_bytes() - payload);
    Ok(out)
}

fn add_plane<'a>(
    plane: &PlaneRecord,
    read: &impl Fn(&Chunk) -> Result<Cow<'a, [u8]>>,
    out: &mut Sections,
) -> Result<()> {
    let quantizer = plane.recipe.quantizer;
    let common = read(&plane.common)?;
    let mut r = Reader::new(&common, "plane header");
    if plane.recipe.means {
        means::sections(&mut r, out)?;
    }
    quant::header_sections(quantizer, &mut r, out)?;
    for chunk in &plane.tiles {
        quant::tile_sections(quantizer, &read(chunk)?, out)?;
    }
    Ok(())
}
