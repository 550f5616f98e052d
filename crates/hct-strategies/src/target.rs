//! The target that strategies share which set one quality for a tensor.

use crate::engine::{Quality, RowFloor, Target};
use crate::names::is_embedding;

/// `quality`, and for embeddings also of the median row where it is a cosine.
pub(crate) fn target_for(name: &str, quality: Quality) -> Target {
    let by_row = matches!(quality, Quality::Cosine(_)) && is_embedding(name);
    Target {
        quality,
        floors: if by_row {
            vec![RowFloor::median(quality)]
        } else {
            Vec::new()
        },
    }
}
