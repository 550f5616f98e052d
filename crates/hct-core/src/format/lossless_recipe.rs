//! How a tensor is stored bit for bit: cut into tiles, of plain elements or of ggml's blocks.

use super::chunk::{Chunk, read_chunks};
use crate::kernels::fresh::Room;
use crate::wire::Reader;
use crate::{BlockType, Dtype, Error, Result, blocks, lossless};

/// Most bytes of a lossless tile.
pub(crate) const MAX_LOSSLESS_TILE: u64 = 1 << 24;

/// How a losslessly stored tensor is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LosslessRecipe {
    /// What the bytes are blocks of, where they are coded as such.
    pub(crate) blocks: Option<BlockType>,
    /// Bytes of a tile, whole elements; the last tile may be shorter.
    pub(crate) tile_bytes: u64,
    pub(crate) tiles: Vec<Chunk>,
}

impl LosslessRecipe {
    /// The type of the block-quantized weights that the tensor's bytes are, if they are.
    pub fn blocks(&self) -> Option<BlockType> {
        self.blocks
    }

    /// Decodes a tile into `out`, which is as long as the tile.
    pub(super) fn decode_tile(
        &self,
        payload: &[u8],
        dtype: Dtype,
        mut out: Room<'_>,
    ) -> Result<()> {
        match self.blocks {
            Some(kind) => blocks::decode_tile(payload, kind, out.all()),
            None => lossless::decode_tile_to(payload, dtype, out),
        }
    }

    pub(super) fn read(
        r: &mut Reader<'_>,
        dtype: Dtype,
        bytes: u64,
        offset: &mut u64,
    ) -> Result<Self> {
        let tile_bytes = read_tile_bytes(r, dtype)?;
        let tiles = read_chunks(r, bytes.div_ceil(tile_bytes), offset)?;
        Ok(LosslessRecipe {
            blocks: None,
            tile_bytes,
            tiles,
        })
    }

    pub(super) fn read_blocks(
        r: &mut Reader<'_>,
        dtype: Dtype,
        bytes: u64,
        offset: &mut u64,
    ) -> Result<Self> {
        let code = r.u8()?;
        let kind = BlockType::from_code(code).ok_or(Error::Reserved {
            field: "type of blocks",
            value: code.into(),
        })?;
        let recipe = Self::read(r, dtype, bytes, offset)?;
        let block = kind.bytes() as u64;
        let whole = bytes.is_multiple_of(block) && recipe.tile_bytes.is_multiple_of(block);
        if dtype != Dtype::U8 || !whole {
            return Err(Error::invalid(
                "blocks",
                format!("the tensor or its tiles are not whole {kind} blocks in U8"),
            ));
        }
        Ok(LosslessRecipe {
            blocks: Some(kind),
            ..recipe
        })
    }
}

/// Bytes of a tile of whole elements.
pub(super) fn read_tile_bytes(r: &mut Reader<'_>, dtype: Dtype) -> Result<u64> {
    let tile_bytes = r.varint_below(MAX_LOSSLESS_TILE + 1, "lossless tile size")?;
    let element = dtype.bits().div_ceil(8) as u64;
    if tile_bytes == 0 || tile_bytes % element != 0 {
        return Err(Error::invalid(
            "lossless tile size",
            "is not a positive number of elements",
        ));
    }
    Ok(tile_bytes)
}
