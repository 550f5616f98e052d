//! What the chunks of a tensor are, for people.

use std::fmt;
use std::iter;

use super::chunk::Chunk;
use super::record::{Fragment, PlaneRecord, Recipe, TensorRecord};

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The term of the sum it is of, where there are several.
    fragment: Option<usize>,
    /// The factor it is of, where the term is a product.
    factor: Option<&'static str>,
    /// The tile, or else what all tiles share.
    tile: Option<usize>,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fragment) = self.fragment {
            write!(f, "fragment {fragment}, ")?;
        }
        if let Some(factor) = self.factor {
            write!(f, "{factor} factor, ")?;
        }
        match self.tile {
            Some(tile) => write!(f, "tile {tile}"),
            None => f.write_str("what its tiles share"),
        }
    }
}

impl TensorRecord {
    /// The chunks with what they are, in the order of [`TensorRecord::chunks`].
    pub(super) fn pieces<'r>(&'r self) -> Vec<(Piece, &'r Chunk)> {
        let plain = |tile| Piece {
            fragment: None,
            factor: None,
            tile,
        };
        let tiles = |tiles: &'r [Chunk]| {
            let tiles = tiles.iter().enumerate();
            tiles.map(|(i, chunk)| (plain(Some(i)), chunk))
        };
        match &self.recipe {
            Recipe::Unchanged(_) => Vec::new(),
            Recipe::Lossless(lossless) => tiles(&lossless.tiles).collect(),
            Recipe::Delta(_, delta) => iter::once((plain(None), &delta.common))
                .chain(tiles(&delta.tiles))
                .collect(),
            Recipe::Fragments { fragments, .. } => {
                let several = fragments.len() > 1;
                let mut out = Vec::new();
                for (number, fragment) in fragments.iter().enumerate() {
                    let number = several.then_some(number);
                    match fragment {
                        Fragment::Plane(plane) => add_plane(&mut out, number, None, plane),
                        Fragment::Product(left, right) => {
                            add_plane(&mut out, number, Some("left"), left);
                            add_plane(&mut out, number, Some("right"), right);
                        }
                    }
                }
                out
            }
        }
    }
}

fn add_plane<'r>(
    out: &mut Vec<(Piece, &'r Chunk)>,
    fragment: Option<usize>,
    factor: Option<&'static str>,
    plane: &'r PlaneRecord,
) {
    let piece = |tile| Piece {
        fragment,
        factor,
        tile,
    };
    out.push((piece(None), &plane.common));
    let tiles = plane.tiles.iter().enumerate();
    out.extend(tiles.map(|(i, chunk)| (piece(Some(i)), chunk)));
}
