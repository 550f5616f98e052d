//! Damaged files of every recipe: opening and decoding gives an answer or an error, never a
//! panic, a hang or an absurd allocation. Checksums catch most damage, so most tests repair them
//! afterwards, for the parsers themselves to face the garbage.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use common::{Kind, Rng, bytes_of, file_of, meta, preparation, trellis, with_gains};
use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, Error, HctReader, HctWriter, MatrixView, Preparation,
    SparseFormat, Transform, encode_sparse,
};

/// Counts what the current thread holds.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: all work is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `f` in a pool of one thread, so that all it allocates is counted, and both cores serve
/// different tests.
fn alone<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f)
}

/// Opens and decodes all of a file, in every way, and tells whether all of it was accepted.
fn face(file: &[u8]) -> bool {
    PEAK.set(LIVE.get());
    let before = LIVE.get();
    let start = Instant::now();
    let accepted = match HctReader::open(file) {
        Ok(reader) => (0..reader.index().tensors.len()).all(|i| {
            let record = &reader.index().tensors[i];
            let rows = record.shape.first().copied().unwrap_or(1);
            let part = reader.decode_rows(i, rows / 2..rows);
            let _ = reader.sections(i);
            let _ = record.recipe.to_string();
            let all = reader.decode(i);
            if let Ok(all) = &all {
                assert_eq!(all.len() as u64, record.decoded_bytes());
                assert!(part.is_err() || all.ends_with(&part.unwrap()));
            }
            all.is_ok()
        }),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    };
    let taken = PEAK.get() - before;
    let limit = (64 << 20) + 64 * file.len() as isize;
    assert!(taken <= limit, "{taken} bytes for a file of {}", file.len());
    assert!(start.elapsed() < Duration::from_secs(10), "hangs");
    accepted
}

const TRAILER: usize = 32;

fn index_range(file: &[u8]) -> std::ops::Range<usize> {
    let end = file.len() - TRAILER;
    let field = |at: usize| u64::from_le_bytes(file[end + at..end + at + 8].try_into().unwrap());
    field(0) as usize..(field(0) + field(8)) as usize
}

/// The file of this payload (with its header) and index.
fn sealed(payload: &[u8], index: &[u8], file: &[u8]) -> Vec<u8> {
    let mut out = payload.to_vec();
    out.extend_from_slice(index);
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend((index.len() as u64).to_le_bytes());
    out.extend(crc32fast::hash(index).to_le_bytes());
    out.extend_from_slice(&file[file.len() - 12..]);
    out
}

/// A run of payload and where the index says so: a varint length, then a CRC.
struct Chunk {
    start: usize,
    len: usize,
    field: usize,
    crc: usize,
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Finds the chunks without parsing the index: payload is contiguous and in index order, and a
/// length followed by the right checksum cannot be an accident.
fn chunks(file: &[u8]) -> Vec<Chunk> {
    let range = index_range(file);
    let index = &file[range.clone()];
    let (mut start, mut field, mut out) = (16, 0, Vec::new());
    while start < range.start {
        let mut crc = field;
        let len = varint(index, &mut crc).unwrap_or(0);
        let stored = index
            .get(crc..crc + 4)
            .expect("a chunk is not in the index");
        if (1..=range.start - start).contains(&len)
            && crc32fast::hash(&file[start..start + len]).to_le_bytes() == stored
        {
            out.push(Chunk {
                start,
                len,
                field,
                crc,
            });
            start += len;
            field = crc + 4;
        } else {
            field += 1;
        }
    }
    out
}

/// `file` with other bytes in one chunk, its length and all checksums made to fit. For files of
/// one tensor, whose later chunks move along.
fn with_chunk(file: &[u8], chunk: &Chunk, bytes: &[u8]) -> Vec<u8> {
    let range = index_range(file);
    let mut payload = file[..chunk.start].to_vec();
    payload.extend_from_slice(bytes);
    payload.extend_from_slice(&file[chunk.start + chunk.len..range.start]);
    let old = &file[range];
    let mut index = old[..chunk.field].to_vec();
    let mut len = bytes.len();
    while len >= 0x80 {
        index.push(len as u8 | 0x80);
        len >>= 7;
    }
    index.push(len as u8);
    index.extend(crc32fast::hash(bytes).to_le_bytes());
    index.extend_from_slice(&old[chunk.crc + 4..]);
    sealed(&payload, &index, file)
}

fn planes() -> Vec<(String, EncodedPlane)> {
    let (rows, cols) = (32, 24);
    let mut out = Vec::new();
    let small = Kind::LowRank.values(rows, cols, 7);
    let small = MatrixView::from_values(&small, rows, cols).unwrap();
    let tiles = |transform| preparation(transform, false, Some(200));
    for (format, retention) in [
        (SparseFormat::Int4, 1.0),
        (SparseFormat::Int4, 0.98),
        (SparseFormat::Int4, 0.4),
        (SparseFormat::Int4, 0.03),
        (SparseFormat::Int8, 0.9),
        (SparseFormat::Half, 0.6),
    ] {
        let plane = encode_sparse(small, tiles(Transform::Dct2), format, retention).unwrap();
        out.push((format!("{format:?} {retention}"), plane));
    }
    for states in [1, 4, 8, 16, 32] {
        for (transform, whole) in Transform::ALL.into_iter().zip([false, true, false, true]) {
            let how = match whole {
                true => preparation(transform, true, Some(200)),
                false => preparation(transform, false, None),
            };
            let plane = trellis(small, how, states, 0.4).unwrap();
            out.push((format!("trellis {states} {transform:?}"), plane));
        }
    }
    let loud = Kind::LoudRows.values(128, 96, 8);
    let loud = MatrixView::from_values(&loud, 128, 96).unwrap();
    let plane = trellis(
        loud,
        preparation(Transform::None, false, Some(6000)),
        8,
        0.9,
    );
    out.push(("classes".into(), plane.unwrap()));
    let mut means = preparation(Transform::DctRows, false, Some(200));
    means.remove_means = true;
    let gains: Vec<i32> = (0..rows as i32).map(|r| r % 11 - 5).collect();
    let plane = with_gains(small, means, 4, 0.5, gains).unwrap();
    out.push(("means and gains".into(), plane));
    let patched = Kind::HugeOutlier.values(rows, cols, 9);
    let patched = MatrixView::from_values(&patched, rows, cols).unwrap();
    let plane = trellis(patched, Preparation::tiled(Transform::None), 8, 1e-5);
    out.push(("patches".into(), plane.unwrap()));
    out
}

/// Small files of every recipe, one tensor each.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<_> = planes()
        .into_iter()
        .enumerate()
        .map(|(i, (name, plane))| {
            let recipe = *plane.recipe();
            let dtype = [Dtype::F32, Dtype::BF16, Dtype::F16][i % 3];
            let meta = meta("t", dtype, &[recipe.rows as u64, recipe.cols as u64]);
            (name, file_of(meta, EncodedTensor::plane(plane)))
        })
        .collect();
    for dtype in [Dtype::BF16, Dtype::F32] {
        let meta = meta("t", dtype, &[20, 30]);
        let bytes = bytes_of(&Kind::Gaussian.values(20, 30, 1), dtype);
        let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
        out.push((format!("lossless {dtype}"), file_of(meta, tensor)));
    }
    let meta = meta("t", Dtype::U8, &[400]);
    let bytes: Vec<u8> = (0..400u32).map(|i| (i * i % 7) as u8).collect();
    let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
    out.push(("lossless U8".into(), file_of(meta, tensor)));
    out
}

/// One file with everything: carried files, shards, labels, many tensors.
fn big_file() -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    let kind = hct_core::FileKind::Shard;
    let shard = writer.add_file(kind, "a.safetensors", b"{}", 0, 2).unwrap();
    let kind = hct_core::FileKind::Side;
    writer
        .add_file(kind, "config.json", b"{\"a\":1}", 0, 7)
        .unwrap();
    for (i, (name, plane)) in planes().into_iter().enumerate() {
        let recipe = *plane.recipe();
        let meta = meta(
            &name,
            Dtype::BF16,
            &[recipe.rows as u64, 2, recipe.cols as u64 / 2],
        );
        let label = ["rdo", "uniform"][i % 2];
        let tensor = EncodedTensor::plane(plane);
        writer.add_tensor(meta, tensor, Some(shard), label).unwrap();
    }
    for (i, &dtype) in Dtype::ALL.iter().enumerate() {
        let meta = meta(dtype.name(), dtype, &[i as u64 % 3, 8]);
        let bytes = vec![i as u8; dtype.byte_len(i as u64 % 3 * 8).unwrap() as usize];
        let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
        writer
            .add_tensor(meta, tensor, None, "lossless (dtype)")
            .unwrap();
    }
    writer.finish().unwrap()
}

const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];

#[test]
fn every_byte_flipped_is_refused() {
    alone(|| {
        for (name, mut file) in files() {
            assert!(face(&file), "{name}");
            for i in 0..file.len() {
                for flip in FLIPS {
                    file[i] ^= flip;
                    assert!(
                        !face(&file),
                        "{name}: byte {i} flipped by {flip:#x} went unnoticed"
                    );
                    file[i] ^= flip;
                }
            }
        }
    });
}

#[test]
fn every_truncation_and_extension_is_refused() {
    alone(|| {
        for (name, file) in files() {
            for len in 0..file.len() {
                assert!(!face(&file[..len]), "{name} cut to {len}");
                assert!(!face(&file[file.len() - len..]), "the last {len} of {name}");
            }
            assert!(!face(&[&file[..], &[0]].concat()), "{name} and a byte");
        }
    });
}

#[test]
fn every_payload_byte_flipped_under_valid_checksums() {
    alone(|| {
        for (_, file) in files() {
            for chunk in chunks(&file) {
                let mut bytes = file[chunk.start..chunk.start + chunk.len].to_vec();
                for i in 0..bytes.len() {
                    for flip in FLIPS {
                        bytes[i] ^= flip;
                        face(&with_chunk(&file, &chunk, &bytes));
                        bytes[i] ^= flip;
                    }
                }
            }
        }
    });
}

#[test]
fn every_chunk_cut_grown_or_noise_under_valid_checksums() {
    alone(|| {
        let mut rng = Rng(3);
        for (name, file) in files() {
            for chunk in chunks(&file) {
                let bytes = &file[chunk.start..chunk.start + chunk.len];
                assert!(face(&with_chunk(&file, &chunk, bytes)), "{name}");
                for len in 0..bytes.len() {
                    assert!(
                        !face(&with_chunk(&file, &chunk, &bytes[..len])),
                        "{name} {len}"
                    );
                }
                let grown = [bytes, &[0]].concat();
                assert!(!face(&with_chunk(&file, &chunk, &grown)), "{name} grown");
                for _ in 0..40 {
                    let kept = rng.below(bytes.len() + 1);
                    let mut noise = bytes[..kept].to_vec();
                    let noisy = rng.below(2 * bytes.len());
                    noise.extend((0..noisy).map(|_| rng.next() as u8));
                    face(&with_chunk(&file, &chunk, &noise));
                }
            }
        }
    });
}

#[test]
fn every_index_byte_changed_under_a_valid_checksum() {
    alone(|| {
        let mut all: Vec<_> = files().into_iter().map(|(_, f)| f).collect();
        all.push(big_file());
        for file in all {
            let range = index_range(&file);
            let (payload, mut index) = (&file[..range.start], file[range.clone()].to_vec());
            for i in 0..index.len() {
                for flip in [0x01, 0x02, 0x10, 0x80, 0xff] {
                    index[i] ^= flip;
                    if let Err(error) = HctReader::open(sealed(payload, &index, &file)) {
                        assert!(!error.to_string().is_empty());
                    } else if index.len() < 400 || i % 7 == 0 {
                        face(&sealed(payload, &index, &file));
                    }
                    index[i] ^= flip;
                }
            }
        }
    });
}

#[test]
fn swaps_and_cuts_of_the_index_under_a_valid_checksum() {
    alone(|| {
        let mut rng = Rng(5);
        let file = big_file();
        assert!(face(&file));
        let range = index_range(&file);
        let (payload, index) = (&file[..range.start], &file[range.clone()]);
        for len in 0..index.len() {
            assert!(
                !face(&sealed(payload, &index[..len], &file)),
                "cut to {len}"
            );
        }
        for _ in 0..2000 {
            let mut index = index.to_vec();
            for _ in 0..1 + rng.below(3) {
                let (i, j) = (rng.below(index.len()), rng.below(index.len()));
                index.swap(i, j);
            }
            face(&sealed(payload, &index, &file));
            let i = rng.below(index.len());
            let run = rng.below(20).min(index.len() - i);
            index[i..i + run].fill_with(|| rng.next() as u8);
            face(&sealed(payload, &index, &file));
        }
    });
}

#[test]
fn wide_lanes_survive_damage() {
    alone(|| {
        // 2¹⁹ values take 32 lanes; nearly all zero, so that the file stays small.
        let mut values = vec![0f32; 1 << 19];
        let mut rng = Rng(6);
        (0..300).for_each(|_| values[rng.below(1 << 19)] = rng.normal() as f32);
        let matrix = MatrixView::from_values(&values, 512, 1024).unwrap();
        let plane = trellis(matrix, Preparation::tiled(Transform::None), 8, 20.0).unwrap();
        let file = file_of(
            meta("t", Dtype::F32, &[512, 1024]),
            EncodedTensor::plane(plane),
        );
        assert!(face(&file));
        let chunks = chunks(&file);
        for _ in 0..150 {
            let chunk = &chunks[rng.below(chunks.len())];
            let mut bytes = file[chunk.start..chunk.start + chunk.len].to_vec();
            let i = rng.below(bytes.len());
            bytes[i] ^= 1 << rng.below(8);
            face(&with_chunk(&file, chunk, &bytes));
            face(&with_chunk(&file, chunk, &bytes[..i]));
        }
    });
}

#[test]
fn what_is_no_file_is_refused_as_such() {
    alone(|| {
        let mut rng = Rng(1);
        let empty: &[u8] = &[];
        assert!(matches!(HctReader::open(empty), Err(Error::NotHct(_))));
        for magic in [
            &b"PK\x03\x04"[..],
            b"GGUF",
            b"\x89PNG\r\n\x1a\n",
            b"\x89HCT\r\n\x1a\n",
        ] {
            for len in [0, 16, 44, 48, 100, 5000] {
                let mut file = magic.to_vec();
                file.extend((0..len).map(|_| rng.next() as u8));
                assert!(!face(&file));
            }
        }
        let newer = {
            let mut file = big_file();
            file[10] = 9;
            file
        };
        assert!(matches!(
            HctReader::open(newer),
            Err(Error::Version { major: 3, minor: 9 })
        ));
    });
}

#[test]
fn a_long_label_is_held_once() {
    alone(|| {
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        let label = "l".repeat(1 << 16);
        for i in 0..4000 {
            let meta = meta(&i.to_string(), Dtype::F32, &[0]);
            let tensor = EncodedTensor::lossless(&meta, &[]).unwrap();
            writer.add_tensor(meta, tensor, None, &label).unwrap();
        }
        let file = writer.finish().unwrap();
        assert!(face(&file));
    });
}
