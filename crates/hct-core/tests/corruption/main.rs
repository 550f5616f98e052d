//! Damaged files of every recipe: opening and decoding gives an answer or an error, never a
//! panic, a hang or an absurd allocation. Checksums catch most damage, so most tests repair them
//! afterwards, for the parsers themselves to face the garbage.

mod blocks;
#[path = "../common/mod.rs"]
mod common;
mod facing;
mod files;
mod flags;
mod sealing;

use common::{Rng, bytes_of, file_of, meta, trellis};
use facing::{alone, face};
use files::{big_file, files};
use hct_core::{
    Dtype, EncodedTensor, Error, HctReader, HctWriter, MatrixView, Preparation, Transform,
};
use sealing::{chunks, index_range, sealed, with_chunk};

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
fn long_lossless_tiles_survive_damage() {
    alone(|| {
        let mut rng = Rng(8);
        // Joint numbers, with escapes; byte planes, of which one is a wide stream.
        for (dtype, n) in [
            (Dtype::BF16, (1 << 15) + 3),
            (Dtype::F32, (1 << 15) + 3),
            (Dtype::F16, 1 << 18),
        ] {
            let values = (0..n).map(|i| match i % 601 {
                0 => 0.0,
                _ => rng.normal() as f32,
            });
            let bytes = bytes_of(&values.collect::<Vec<_>>(), dtype);
            let meta = meta("t", dtype, &[n]);
            let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
            let file = file_of(meta, tensor);
            assert!(face(&file));
            let chunk = &chunks(&file)[0];
            let good = file[chunk.start..chunk.start + chunk.len].to_vec();
            let mut damaged = |i: usize| {
                let mut bytes = good.clone();
                bytes[i] ^= 1 << rng.below(8);
                face(&with_chunk(&file, chunk, &bytes));
                assert!(!face(&with_chunk(&file, chunk, &good[..i])), "{dtype} cut");
            };
            // The table, the states and the first words; then anything.
            (0..400).step_by(9).for_each(&mut damaged);
            (0..16).for_each(|k| damaged(k * (good.len() - 1) / 15));
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
            Err(Error::Version {
                major: 3,
                minor: 9,
                ..
            })
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
