//! Which minor version of the format a file needs: the newest that any part of it came with.

#[cfg(feature = "encode")]
use super::index::Parts;
use super::index::{FileEntry, FileKind, Index};
use super::record::{Fragment, PlaneRecord, Recipe, TensorRecord};
use super::version::FORMAT_VERSION;
use crate::recipe::{BlockBits, Quantizer};
use crate::transform::Transform;

impl Index {
    /// The oldest version of the format, major and minor, that has all that the file uses: the one that writers say.
    pub fn version(&self) -> (u16, u16) {
        (FORMAT_VERSION.0, self.since())
    }

    /// The minor version that the newest thing in the file came with. Whoever adds a variant
    /// says here which.
    pub(super) fn since(&self) -> u16 {
        since(&self.files, &self.tensors)
    }
}

#[cfg(feature = "encode")]
impl Parts<'_> {
    /// The same of these entries.
    pub fn since(&self) -> u16 {
        since(self.files, self.tensors)
    }
}

/// Most states of a trellis of 3.0.
const STATES_OF_3_0: usize = 256;

fn since(files: &[FileEntry], tensors: &[TensorRecord]) -> u16 {
    let files = files.iter().map(FileEntry::since);
    let tensors = tensors.iter().map(TensorRecord::since);
    files.chain(tensors).max().unwrap_or(0)
}

impl FileEntry {
    fn since(&self) -> u16 {
        match self.kind {
            FileKind::Shard | FileKind::Side | FileKind::Gguf => 0,
        }
    }
}

impl TensorRecord {
    fn since(&self) -> u16 {
        match &self.recipe {
            Recipe::Lossless(_) | Recipe::Unchanged(_) | Recipe::Delta(..) => 0,
            Recipe::Fragments { fragments, .. } => {
                fragments.iter().map(Fragment::since).max().unwrap_or(0)
            }
        }
    }
}

impl Fragment {
    fn since(&self) -> u16 {
        match self {
            Fragment::Plane(plane) => plane.since(),
            Fragment::Product(left, right) => left.since().max(right.since()),
        }
    }
}

impl PlaneRecord {
    fn since(&self) -> u16 {
        let transform = match self.recipe.transform {
            Transform::None | Transform::DctRows | Transform::DctCols | Transform::Dct2 => 0,
        };
        let quantizer = match self.recipe.quantizer {
            Quantizer::Block(BlockBits::Int4 | BlockBits::Int8) | Quantizer::Half => 0,
            Quantizer::Trellis { states, .. } => u16::from(states > STATES_OF_3_0),
        };
        u16::max(transform, quantizer)
    }
}

#[cfg(test)]
mod tests {
    use crate::{BlockType, Dtype};

    /// What 3.0 has of codes that say nothing here of when they came. A longer list needs a minor
    /// version, and an arm above for what is new.
    #[test]
    fn the_codes_of_3_0_are_those() {
        assert_eq!(Dtype::ALL.len(), 22);
        assert_eq!(BlockType::ALL.len(), 25);
    }
}
