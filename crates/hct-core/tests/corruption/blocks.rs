//! Recovery blocks that are damaged, or say otherwise than the index under checksums that fit.

use std::ops::Range;

use hct_core::{Dtype, EncodedTensor, FileKind, HctReader, HctWriter};

use crate::common::{Rng, meta};
use crate::facing::{alone, face};
use crate::files::big_file;
use crate::sealing::{block, index_range, sealed};

/// Carried files and tensors of 40 KB each, so that there are several blocks.
fn long_file() -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    writer.set_provenance("{}").unwrap();
    writer.set_base_hint("somewhere").unwrap();
    let mut rng = Rng(4);
    let mut noise = |n: usize| (0..n).map(|_| rng.next() as u8).collect::<Vec<u8>>();
    let kind = FileKind::Shard;
    let shard = writer.add_file(kind, "s.safetensors", b"{}", 0, 2).unwrap();
    let side = noise(70_000);
    let kind = FileKind::Side;
    writer.add_file(kind, "vocab", &side, 0, 70_000).unwrap();
    for i in 0..5 {
        let meta = meta(&format!("t{i}"), Dtype::U8, &[40_000]);
        let tensor = EncodedTensor::lossless(&meta, &noise(40_000)).unwrap();
        writer
            .add_tensor(meta, tensor, Some(shard), "lossless")
            .unwrap();
    }
    writer.finish().unwrap()
}

/// Where blocks lie.
fn blocks(file: &[u8]) -> Vec<Range<usize>> {
    let end = index_range(file).start;
    let found = (16..end).filter_map(|start| block(file, start));
    found.filter(|block| block.end <= end).collect()
}

/// Makes the checksum of a block fit.
fn seal(file: &mut [u8], block: Range<usize>) {
    let block = &mut file[block];
    let mut crc = crc32fast::Hasher::new();
    crc.update(&block[8..20]);
    crc.update(&block[24..]);
    block[20..24].copy_from_slice(&crc.finalize().to_le_bytes());
}

/// Where a fault is found, of which there must be one, that takes nothing from what is decoded.
fn only_fault(file: &[u8], whole: &HctReader<Vec<u8>>) -> u64 {
    let reader = HctReader::open(file.to_vec()).unwrap();
    let faults = reader.check_recovery_blocks();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(!faults[0].error.to_string().is_empty());
    let last = reader.index().tensors.len() - 1;
    assert!(reader.decode(last).unwrap() == whole.decode(last).unwrap());
    faults[0].offset
}

#[test]
fn every_block_is_held_against_the_index() {
    alone(|| {
        let file = long_file();
        let whole = HctReader::open(file.clone()).unwrap();
        assert!(face(&file));
        let found = blocks(&file);
        // After the side file, after two tensors twice, and the last.
        assert_eq!(found.len(), 4);
        let bytes: usize = found.iter().map(Range::len).sum();
        assert_eq!(whole.recovery_bytes(), bytes as u64);
        for block in &found {
            let mut damaged = file.clone();
            for i in block.clone() {
                for flip in [0x01, 0x80, 0xff] {
                    damaged[i] ^= flip;
                    assert_eq!(only_fault(&damaged, &whole), block.start as u64, "{i}");
                    if i >= block.start + 24 {
                        seal(&mut damaged, block.clone());
                        assert_eq!(only_fault(&damaged, &whole), block.start as u64, "{i}");
                        let crc = block.start + 20..block.start + 24;
                        damaged[crc.clone()].copy_from_slice(&file[crc]);
                    }
                    damaged[i] ^= flip;
                }
            }
        }
    });
}

#[test]
fn blocks_are_all_there_or_none() {
    alone(|| {
        let file = long_file();
        let range = index_range(&file);
        let found = blocks(&file);
        let last = found.last().unwrap();
        // The payload ends before the last, which may not be missing where others are.
        let cut = sealed(&file[..last.start], &file[range.clone()], &file);
        assert!(!face(&cut));
        // A file of one block does without.
        let file = big_file();
        let [block] = &blocks(&file)[..] else {
            panic!()
        };
        assert!(face(&file));
        let bare = sealed(&file[..block.start], &file[index_range(&file)], &file);
        assert!(face(&bare));
        assert_eq!(HctReader::open(bare).unwrap().recovery_bytes(), 0);
        // What belongs to nothing is damage.
        let payload = [&file[..block.end], b"?"].concat();
        assert!(!face(&sealed(&payload, &file[index_range(&file)], &file)));
    });
}
