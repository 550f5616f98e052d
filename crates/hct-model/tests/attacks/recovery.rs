//! Recovery blocks that lie: what is left of such a file is recovered or refused, and the work is linear.

use std::path::Path;
use std::time::{Duration, Instant};

use hct_core::Limits;
use hct_model::{Error, HctModel, RecoverReport, TensorSource, innermost, recover_to, verify};

use crate::made::{U8, blob, chunk, varint};

/// A file without an index, and entries that the next block will have.
struct Lost {
    bytes: Vec<u8>,
    first: Option<u32>,
    files: u64,
    tensors: u64,
}

/// What a block says, and could lie about.
struct Block<'a> {
    files_before: u64,
    tensors_before: u64,
    last: bool,
    labels: &'a [&'a [u8]],
    /// Number and bytes of the entries.
    files: (u64, &'a [u8]),
    tensors: (u64, &'a [u8]),
}

/// The record of a tensor of three bytes as they are, whose tile lies at `at`.
fn tensor(name: &str, at: u64, tile: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    blob(&mut out, name.as_bytes());
    out.extend([U8, 1, 3, 0, 0]);
    varint(&mut out, at);
    out.extend([0, 3]);
    chunk(&mut out, tile);
    out
}

/// A lossless tile of three bytes, raw.
const TILE: &[u8] = &[0, 7, 8, 9];

impl Lost {
    fn new() -> Lost {
        Lost {
            bytes: b"\x89HCT\r\n\x1a\n\x03\0\0\0\0\0\0\0".to_vec(),
            first: None,
            files: 0,
            tensors: 0,
        }
    }

    fn at(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes of a block at `offset`.
    fn block(&self, offset: u64, block: &Block<'_>) -> Vec<u8> {
        let mut body = self.first.unwrap_or(0).to_le_bytes().to_vec();
        body.extend([0, 0, block.last.into()]);
        varint(&mut body, block.files_before);
        varint(&mut body, block.tensors_before);
        body.push(0);
        varint(&mut body, block.labels.len() as u64);
        block.labels.iter().for_each(|label| blob(&mut body, label));
        for (count, entries) in [block.files, block.tensors] {
            varint(&mut body, count);
            body.extend(entries);
        }
        framed(offset, &body)
    }

    fn put(&mut self, block: &Block<'_>) {
        let bytes = self.block(self.at(), block);
        let crc = u32::from_le_bytes(*bytes[20..].first_chunk().unwrap());
        self.first.get_or_insert(crc);
        self.bytes.extend(bytes);
        self.files = block.files_before + block.files.0;
        self.tensors = block.tensors_before + block.tensors.0;
    }

    /// An honest tensor and its block.
    fn honest(&mut self, name: &str, last: bool) {
        let record = tensor(name, self.at(), TILE);
        self.bytes.extend(TILE);
        self.put(&Block {
            tensors: (1, &record),
            last,
            ..self.next()
        });
    }

    /// A block of nothing, that goes on from here.
    fn next(&self) -> Block<'static> {
        Block {
            files_before: self.files,
            tensors_before: self.tensors,
            last: false,
            labels: &[b""],
            files: (0, &[]),
            tensors: (0, &[]),
        }
    }

    fn recover(&self) -> Result<(Vec<u8>, RecoverReport), Error> {
        recover(&self.bytes)
    }
}

fn framed(offset: u64, body: &[u8]) -> Vec<u8> {
    let mut covered = offset.to_le_bytes().to_vec();
    covered.extend((body.len() as u32).to_le_bytes());
    covered.extend(body);
    let crc = crc32fast::hash(&covered);
    let mut out = b"HCT3REC\n".to_vec();
    out.extend(&covered[..12]);
    out.extend(crc.to_le_bytes());
    out.extend(body);
    out
}

/// Within seconds, and what comes of it is a file that is whole.
fn recover(file: &[u8]) -> Result<(Vec<u8>, RecoverReport), Error> {
    let begin = Instant::now();
    let name = Path::new("hostile.hct");
    let result = recover_to(name, file, Vec::new(), Limits::default(), &());
    assert!(begin.elapsed() < Duration::from_secs(20), "hangs");
    if let Ok((output, report)) = &result {
        let model = HctModel::new("output", &output[..]).unwrap();
        let wrong = verify(&model, &());
        assert!(wrong.iter().all(|lost| lost.kind == "index"), "{wrong:?}");
        assert_eq!(model.tensors().len(), report.tensors);
    }
    result
}

/// The tensors recovered.
fn names(output: &[u8]) -> Vec<String> {
    let model = HctModel::new("output", output).unwrap();
    model.tensors().iter().map(|t| t.name.clone()).collect()
}

#[test]
fn what_is_made_by_hand_is_recovered() {
    let mut lost = Lost::new();
    lost.honest("a", false);
    lost.honest("b", true);
    let (output, report) = lost.recover().unwrap();
    assert!(report.complete, "{report:?}");
    assert_eq!(names(&output), ["a", "b"]);
}

#[test]
fn counts_and_offsets_that_lie_are_no_blocks_of_the_file() {
    let huge = 1 << 62;
    for lie in 0..10 {
        let mut lost = Lost::new();
        lost.honest("a", false);
        let record = tensor("liar", lost.at(), TILE);
        lost.bytes.extend(TILE);
        let honest = Block {
            tensors: (1, &record),
            ..lost.next()
        };
        let before = tensor("liar", 16, TILE);
        let behind = tensor("liar", lost.at(), TILE);
        let liar = match lie {
            0 => Block {
                tensors: (huge, &record),
                ..honest
            },
            1 => Block {
                files: (huge, &record),
                ..honest
            },
            2 => Block {
                files_before: huge,
                ..honest
            },
            3 => Block {
                tensors_before: 0,
                ..honest
            },
            // It has the chunk of another block; or what comes after it; or nothing.
            4 => Block {
                tensors: (1, &before),
                ..honest
            },
            5 => Block {
                tensors: (1, &behind),
                ..honest
            },
            6 => Block {
                tensors: (0, &[]),
                ..honest
            },
            7 => Block {
                labels: &[],
                ..honest
            },
            8 => Block {
                tensors: (1, &record[..5]),
                ..honest
            },
            _ => Block {
                tensors: (2, &[&record[..], &record[..]].concat()),
                ..honest
            },
        };
        let kept = (lost.files, lost.tensors);
        lost.put(&liar);
        // The file goes on, as if it had not been there.
        (lost.files, lost.tensors) = (kept.0, kept.1 + 1);
        lost.honest("z", true);
        match lost.recover() {
            Ok((output, report)) => {
                assert!(!report.complete, "{lie} {report:?}");
                assert!(names(&output).contains(&"a".to_owned()), "{lie}");
                assert!(names(&output).len() <= 3, "{lie}");
            }
            Err(Error::Hct { error, .. }) => {
                let limit = matches!(innermost(&error), hct_core::Error::Limit(_));
                assert!(limit, "{lie} {error}");
            }
            Err(error) => panic!("{lie} {error}"),
        }
    }
    // A block that says that it is elsewhere, as one of a file within would.
    let mut lost = Lost::new();
    lost.honest("a", false);
    let record = tensor("b", lost.at(), TILE);
    lost.bytes.extend(TILE);
    let block = Block {
        tensors: (1, &record),
        ..lost.next()
    };
    let moved = lost.block(lost.at() + 1, &block);
    lost.bytes.extend(moved);
    assert_eq!(names(&lost.recover().unwrap().0), ["a"]);
}

#[test]
fn a_huge_number_of_tensors_before_is_counted_and_not_allocated() {
    let mut lost = Lost::new();
    lost.honest("a", false);
    lost.tensors = u64::MAX - 5;
    lost.honest("b", true);
    let (output, report) = lost.recover().unwrap();
    assert_eq!(report.missing_tensors, u64::MAX - 6);
    assert_eq!(names(&output), ["a", "b"]);
}

#[test]
fn a_block_within_a_block_is_left_out() {
    let mut lost = Lost::new();
    lost.honest("a", false);
    let at = lost.at();
    let record = tensor("outer", at, TILE);
    lost.bytes.extend(TILE);
    // Within a label: 24 bytes of frame, 4 + 3 + 2 + 1 + 1 + 1 or 2 before the text.
    let within = lost.at() + 24 + 4 + 3 + 2 + 1 + 1 + 1;
    let inner = tensor("inner", at, TILE);
    let inner = Block {
        tensors: (1, &inner),
        ..lost.next()
    };
    let inner = lost.block(within, &inner);
    assert!(inner.len() < 128);
    lost.put(&Block {
        labels: &[&inner],
        tensors: (1, &record),
        last: true,
        ..lost.next()
    });
    // It is where it says, all right; labels are text, which it need not be.
    assert!(lost.bytes[within as usize..].starts_with(b"HCT3REC\n"));
    let result = lost.recover();
    let (output, _) = result.unwrap();
    let names = names(&output);
    assert!(names.len() == 2 && names[0] == "a", "{names:?}");
}

#[test]
fn a_tensor_that_is_there_twice_is_taken_once() {
    let mut lost = Lost::new();
    lost.honest("a", false);
    lost.honest("a", true);
    let (output, report) = lost.recover().unwrap();
    assert_eq!(names(&output), ["a"]);
    assert_eq!(report.missing_tensors, 1);
    assert!(!report.complete);
}

/// In a file that somebody gave to carry: it would be the first block of a file, if it were one.
#[test]
fn a_block_forged_in_a_carried_file_does_not_take_the_place_of_the_others() {
    let forged_tensor = tensor("forged", 16, TILE);
    let mut lost = Lost::new();
    let forged = lost.block(
        20,
        &Block {
            tensors: (1, &forged_tensor),
            last: true,
            ..lost.next()
        },
    );
    let side = [TILE, &forged].concat();
    let mut entry = vec![1];
    blob(&mut entry, b"README");
    entry.push(0);
    varint(&mut entry, side.len() as u64);
    varint(&mut entry, 16);
    chunk(&mut entry, &side);
    lost.bytes.extend(&side);
    let record = tensor("real", lost.at(), TILE);
    lost.bytes.extend(TILE);
    lost.put(&Block {
        files: (1, &entry),
        tensors: (1, &record),
        last: true,
        ..lost.next()
    });
    let (output, report) = lost.recover().unwrap();
    assert_eq!(names(&output), ["real"]);
    assert_eq!((report.ignored_blocks, report.files), (1, 1));
}

#[test]
fn millions_of_magics_take_linear_work() {
    let size = 32 << 20;
    // Nothing else; each at home; each at home and claiming the rest of the file.
    let plain = b"HCT3REC\n".repeat(size / 8);
    let begin = |at: usize, len: u32| {
        let mut out = b"HCT3REC\n".to_vec();
        out.extend((at as u64).to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend([1; 4]);
        out
    };
    let each = |len: &dyn Fn(usize) -> u32| {
        let mut out = vec![0; 16];
        while out.len() + 24 <= size {
            out.extend(begin(out.len(), len(out.len())));
        }
        out
    };
    let least = each(&|_| 13);
    let most = each(&|at| size.saturating_sub(at + 48) as u32);
    for (what, file) in [("plain", plain), ("least", least), ("most", most)] {
        let error = recover(&file).unwrap_err();
        let known = matches!(error, Error::NoRecoveryBlocks { .. } | Error::Hct { .. });
        assert!(known, "{what}: {error}");
    }
    // Blocks that are whole, one within the other, every one of which is as long as what is left.
    let mut body = vec![0; 13];
    let mut at = 1u64 << 16;
    let mut nested = Vec::new();
    for _ in 0..2000 {
        at -= 24;
        nested = framed(at, &body);
        body = nested.clone();
    }
    let file = [vec![0; at as usize], nested].concat();
    assert!(recover(&file).is_err());
}

#[test]
fn more_entries_than_an_index_may_have_are_refused() {
    let mut lost = Lost::new();
    lost.honest("a", false);
    let limits = |tensors, index| {
        let mut limits = Limits::default();
        (limits.tensors, limits.index) = (tensors, index);
        limits
    };
    for i in 0..20 {
        lost.honest(&format!("t{i}"), i == 19);
    }
    let recover = |limits| recover_to(Path::new("x"), &lost.bytes, Vec::new(), limits, &());
    assert!(recover(limits(100, 10_000)).is_ok());
    for limits in [limits(5, 10_000), limits(100, 500)] {
        let Err(Error::Hct { error, .. }) = recover(limits) else {
            panic!("was accepted");
        };
        assert!(matches!(*error, hct_core::Error::Limit(_)), "{error}");
    }
}
