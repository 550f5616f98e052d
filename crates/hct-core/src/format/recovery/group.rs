//! Blocks that say that they are of one file, in order.

use super::block::Block;

/// Blocks of one file.
#[derive(Default)]
pub(super) struct Group {
    pub blocks: Vec<Block>,
    /// Bytes of payload that they have entries for.
    pub payload: u64,
}

impl Group {
    /// Takes the next block if it can follow those that are there; others than hostile files have none that
    /// cannot.
    pub fn take(&mut self, block: Block) -> bool {
        let (files, tensors) = self.counted();
        let end = self.blocks.last().map_or(0, Block::end);
        let follows = block.files_before >= files
            && block.tensors_before >= tensors
            && block.check_place(end).is_ok();
        if !follows || self.is_ended() {
            return false;
        }
        let ranges = block.index.ranges().map(|range| range.end - range.start);
        // Entries may share chunks, and lie as they like; there is no more than there is room for.
        let payload = ranges.fold(0, u64::saturating_add);
        self.payload += payload.min(block.offset.saturating_sub(end));
        self.blocks.push(block);
        true
    }

    /// Whether the last block of the file is there.
    pub fn is_ended(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.last)
    }

    /// Files and tensors of the file up to here, those that are missing too.
    fn counted(&self) -> (u64, u64) {
        self.blocks.last().map_or((0, 0), Block::entries_end)
    }
}
