//! Files that are valid and that no encoder here makes, or only at lengths that are too long for a
//! committed file: put together from docs/FORMAT.md, with nothing of the crate.

mod coders;
mod differences;
mod file;
mod lossless;
mod trellis;

pub(super) use differences::{ELEMENTS, element};
use file::{Part, Piece, file, of_tensors};
use trellis::{COLUMN_GAINS, COLUMN_ORDER, FINE, GAINS, MEANS, Plane, WHOLE};

use super::Cases;

// dtypes
const U8: u8 = 1;
const I16: u8 = 4;
const U32: u8 = 5;
const F16: u8 = 9;
const BF16: u8 = 10;
const F32: u8 = 11;

pub(super) fn add(cases: &mut Cases) {
    cases.file("by_hand_joint_numbers", lossless::joint_numbers());
    cases.file("by_hand_byte_planes", lossless::byte_planes());
    cases.file("by_hand_trellis_lanes", lanes());
    cases.file("by_hand_trellis_512_states", states_of_3_1());
    cases.file("by_hand_trellis_gains", gains());
    cases.file("by_hand_whole", whole());
    cases.file("by_hand_trellis_limits", limits());
    cases.file("by_hand_recovery_blocks", recovery_blocks());
    cases.file("on_second_base_by_hand", differences::all());
}

fn plane(name: String, dtype: u8, plane: Plane) -> Piece {
    let shape = [plane.rows as u64, plane.cols as u64];
    Piece::tensor(&name, dtype, &shape, 1, plane.tensor())
}

/// Every number of states in every number of lanes at every precision.
fn lanes() -> Vec<u8> {
    let mut tensors = Vec::new();
    for (i, states) in [1, 4, 8, 16, 32, 64, 128, 256].into_iter().enumerate() {
        for lanes in [8, 32] {
            let flags = if i % 2 == 0 { 0 } else { COLUMN_ORDER };
            let precision = (i as u64 + u64::from(lanes == 32)) % 3;
            let name = format!("{states} states, {lanes} lanes");
            tensors.push(ragged(name, states, lanes, precision, flags));
        }
    }
    of_tensors(tensors)
}

/// Tiles whose last step has fewer values than lanes; the last tile is one such step.
fn ragged(name: String, states: usize, lanes: usize, precision: u64, flags: u8) -> Piece {
    let shape = Plane {
        tile: (9, 29),
        states,
        lanes,
        precision,
        flags,
        ..Plane::new(19, 29)
    };
    plane(name, F32, shape)
}

/// A recovery block of 3.0, one of 3.1 and one of 3.0 again, in a file of 3.1: what came with it in all lanes and
/// orders.
fn states_of_3_1() -> Vec<u8> {
    let mut pieces = vec![ragged("of 3.0".into(), 256, 8, 1, 0), Piece::Block(0)];
    for (i, (lanes, flags)) in [(8, 0), (32, 0), (8, COLUMN_ORDER), (32, COLUMN_ORDER)]
        .into_iter()
        .enumerate()
    {
        let name = format!("512 states, {lanes} lanes, flags {flags}");
        pieces.push(ragged(name, 512, lanes, i as u64 % 3, flags));
    }
    pieces.extend([
        Piece::Block(1),
        ragged("of 3.0 again".into(), 8, 8, 2, 0),
        Piece::Block(0),
    ]);
    file(None, pieces)
}

/// Gains of pieces of rows; gains of rows, columns and both with means, in either order.
fn gains() -> Vec<u8> {
    let pieces = Plane {
        tile: (1, 40),
        ..Plane::new(3, 101)
    };
    let bands = Plane {
        tile: (5, 23),
        states: 16,
        ..Plane::new(13, 23)
    };
    let mut tensors = Vec::new();
    for (name, shape) in [("pieces", pieces), ("bands", bands)] {
        for flags in [
            GAINS,
            COLUMN_GAINS,
            GAINS | COLUMN_GAINS,
            GAINS | FINE,
            MEANS | GAINS,
            MEANS | COLUMN_GAINS,
            MEANS | GAINS | COLUMN_GAINS | FINE,
            MEANS | GAINS | COLUMN_ORDER,
            MEANS | COLUMN_GAINS | COLUMN_ORDER | FINE,
            MEANS | GAINS | COLUMN_GAINS | COLUMN_ORDER,
        ] {
            if name == "pieces" && flags & COLUMN_ORDER != 0 {
                continue;
            }
            let dtype = if flags & MEANS != 0 { F16 } else { F32 };
            tensors.push(plane(
                format!("{name} {flags}"),
                dtype,
                Plane { flags, ..shape },
            ));
        }
    }
    of_tensors(tensors)
}

/// Most classes, magnitudes; gains, shifts and patches at the ends of their ranges.
fn limits() -> Vec<u8> {
    let mut tensors = Vec::new();
    for (i, (states, flags, classes, magnitudes)) in [
        (1, 0, 32, 1),
        (8, GAINS, 32, 2),
        (8, COLUMN_GAINS | FINE, 1, 128),
        (128, GAINS | COLUMN_ORDER | FINE, 5, 128),
        (1, COLUMN_GAINS, 3, 128),
    ]
    .into_iter()
    .enumerate()
    {
        let of = Plane {
            tile: (7, 30),
            flags,
            states,
            classes,
            magnitudes,
            precision: i as u64 % 3,
            extreme: true,
            ..Plane::new(12, 30)
        };
        tensors.push(plane(format!("{classes} classes, {magnitudes}"), F32, of));
    }
    of_tensors(tensors)
}

/// Planes with the flag *whole*: without a transform, with gains, of pieces of rows, in one tile; alone and
/// after another fragment.
fn whole() -> Vec<u8> {
    let mut tensors = Vec::new();
    for (i, (tile, transform, flags)) in [
        ((6, 17), 0, WHOLE),
        ((13, 17), 0, WHOLE | MEANS),
        ((1, 10), 0, WHOLE | MEANS | GAINS),
        ((6, 17), 0, WHOLE | COLUMN_GAINS),
        ((6, 17), 1, WHOLE | GAINS),
        ((6, 17), 2, WHOLE | GAINS | COLUMN_GAINS | FINE),
        ((13, 17), 3, WHOLE | COLUMN_GAINS | MEANS),
        ((1, 10), 3, WHOLE | GAINS | MEANS),
    ]
    .into_iter()
    .enumerate()
    {
        let of = Plane {
            tile,
            transform,
            flags,
            ..Plane::new(13, 17)
        };
        let name = format!("transform {transform}, flags {flags}");
        if i % 2 == 0 {
            tensors.push(plane(name, F32, of));
            continue;
        }
        let mut fields = vec![13, 17, 2, 0];
        let mut parts = vec![Part::Fields(std::mem::take(&mut fields))];
        parts.extend(of.parts());
        parts.push(Part::Fields(vec![0]));
        parts.extend(Plane::new(13, 17).parts());
        tensors.push(Piece::tensor(&name, BF16, &[13, 17], 1, parts));
    }
    // FP16 numbers whose zeros have signs, the last tile without any: the first of two fragments, and alone.
    let half = || {
        let mut parts = vec![
            Part::Fields(vec![2, 3, 0, WHOLE, 2]),
            Part::Chunk(Vec::new()),
        ];
        // Every position, exponent 0, a raw tile of them.
        let halves = [0x8000u16, 0, 0x3c00, 0xbc00, 0x8000, 0x8001];
        let tile = [0, 0, 0].into_iter();
        let tile = tile.chain(halves.iter().flat_map(|h| h.to_le_bytes()));
        parts.push(Part::Chunk(tile.collect()));
        // No gap in a list of none.
        let mut enc = coders::Binary::new();
        coders::Uint::new().put(&mut enc, 0);
        let none = enc.finish();
        let mut tile = vec![3, none.len() as u8];
        tile.extend(none);
        tile.extend([0, 0]);
        parts.push(Part::Chunk(tile));
        parts
    };
    for (name, dtype, count) in [
        ("one", F32, 1),
        ("one", BF16, 1),
        ("two", F32, 2),
        ("two", F16, 2),
    ] {
        let mut parts = vec![Part::Fields(vec![3, 3, count])];
        for _ in 0..count {
            parts.push(Part::Fields(vec![0]));
            parts.extend(half());
        }
        let name = format!("{name} of signed zeros, {dtype}");
        tensors.push(Piece::tensor(&name, dtype, &[9], 1, parts));
    }
    of_tensors(tensors)
}

/// Several recovery blocks, the last without a tensor, with shards that other blocks have, hashes in some,
/// labels of their own, and provenance.
fn recovery_blocks() -> Vec<u8> {
    let carried = |kind, path, bytes: &[u8], hashed: bool| Piece::File {
        kind,
        path,
        packing: 0,
        len: bytes.len() as u64,
        stored: bytes.to_vec(),
        hash: hashed.then(|| *blake3::hash(bytes).as_bytes()),
    };
    let tensor = |name: &str, label, shard, bytes: &[u8], hashed: bool| Piece::Tensor {
        name: name.into(),
        dtype: U8,
        shape: vec![bytes.len() as u64],
        shard,
        label,
        recipe: 0,
        parts: lossless::raw(bytes),
        hash: hashed.then(|| *blake3::hash(bytes).as_bytes()),
    };
    let pieces = vec![
        carried(1, "config.json", b"{}", false),
        Piece::Block(0),
        carried(0, "a.safetensors", b"{\"a\": 1}", true),
        tensor("a", "first", Some(1), b"one", true),
        tensor("b", "second", Some(1), b"two", false),
        Piece::Block(0),
        tensor("c", "second", Some(1), b"three", false),
        Piece::Block(0),
        carried(0, "b.safetensors", b"{\"b\": 2}", false),
        tensor("d", "third", Some(3 - 1), b"four", true),
        tensor("e", "first", Some(1), b"five", true),
        tensor("f", "first", None, b"", true),
        Piece::Block(0),
        carried(1, "tokenizer.json", b"[]", true),
        Piece::Block(0),
    ];
    file(Some("{\"made\":\"by hand\"}"), pieces)
}
