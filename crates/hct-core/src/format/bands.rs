//! Cutting a tensor into bands that are decoded one after the other, in a fraction of its memory.

use super::part::TensorPart;
use super::record::{Fragment, Recipe};
use super::source::ReadAt;

/// Bytes of a band for most purposes: a hundred tiles and more, which keep many threads busy, in memory
/// that is used again for the next band. Fresh memory for a whole tensor takes as long as decoding it.
pub const BAND_BYTES: u64 = 16 << 20;

impl<S: ReadAt> TensorPart<'_, S> {
    /// Consecutive parts of about `bytes` bytes each that together are this one. They are cut where tiles
    /// end, so that decoding all of them takes no more work than decoding this one: only one where any of a
    /// tensor takes more than its own tiles (a transform of the whole, a product), and of a remote file,
    /// where each would be a request.
    pub fn bands(&self, bytes: u64) -> Vec<Self> {
        let unit = if self.source.is_remote() {
            None
        } else {
            self.unit()
        };
        let Some(unit) = unit else {
            return vec![self.of_bytes(self.bytes.clone())];
        };
        let step = unit.saturating_mul((bytes / unit).max(1));
        let mut bands = Vec::new();
        let mut at = self.bytes.start;
        loop {
            let end = (at / step).saturating_add(1).saturating_mul(step);
            let end = end.min(self.bytes.end);
            bands.push(self.of_bytes(at..end));
            at = end;
            if at >= self.bytes.end {
                return bands;
            }
        }
    }

    /// Bytes at whose multiples tiles end.
    fn unit(&self) -> Option<u64> {
        let bytes = match &self.record.recipe {
            Recipe::Lossless(recipe) => recipe.tile_bytes,
            Recipe::Delta(_, recipe) => recipe.tile_bytes,
            // A base is read by bytes; its dtype may be of several a number.
            Recipe::Unchanged(_) => 8,
            Recipe::Fragments {
                cols, fragments, ..
            } => {
                let used = fragments.iter().take(self.fragments);
                let rows = used.map(|fragment| match fragment {
                    Fragment::Plane(plane) if !plane.recipe.whole => Some(plane.recipe.tile_rows),
                    _ => None,
                });
                let rows: Vec<usize> = rows.collect::<Option<_>>()?;
                // Where tiles of one fragment end in those of another the latter would be decoded twice.
                let tallest = rows.iter().copied().max()?;
                if rows.iter().any(|&rows| tallest % rows != 0) {
                    return None;
                }
                let width = self.record.dtype.bits() / 8;
                (tallest as u64)
                    .saturating_mul(*cols as u64)
                    .saturating_mul(width as u64)
            }
        };
        (bytes > 0).then_some(bytes)
    }
}
