//! Lossless tiles of §10 of docs/FORMAT.md.

use super::coders::{put_blob, put_varint, rans, stored, table};
use super::file::{Part, Piece, of_tensors};
use super::{BF16, F16, F32, I16, U8};
use crate::cases::noise;

/// What follows the number of recipe 0, of one tile.
fn of_tile(tile: Vec<u8>) -> Vec<Part> {
    of_tiles(1 << 24, vec![tile])
}

/// The same of several, with so many bytes each.
fn of_tiles(tile_bytes: u64, tiles: Vec<Vec<u8>>) -> Vec<Part> {
    let mut fields = Vec::new();
    put_varint(&mut fields, tile_bytes);
    let tiles = tiles.into_iter().map(Part::Chunk);
    std::iter::once(Part::Fields(fields)).chain(tiles).collect()
}

/// The same of bytes as they are.
pub(super) fn raw(bytes: &[u8]) -> Vec<Part> {
    match bytes.is_empty() {
        true => of_tiles(1 << 24, Vec::new()),
        false => of_tile([&[0], bytes].concat()),
    }
}

/// Frequencies in 4096 of symbols that occur.
fn frequencies(symbols: &[u8]) -> Vec<u32> {
    let mut counts = vec![0u32; 256];
    symbols.iter().for_each(|&s| counts[usize::from(s)] += 1);
    let n = symbols.len().max(1) as u32;
    let used = counts.iter().filter(|&&c| c > 0).count() as u32;
    let share = |&c: &u32| if c == 0 { 0 } else { 1 + c * (4096 - used) / n };
    let mut out: Vec<u32> = counts.iter().map(share).collect();
    let largest = (0..256).max_by_key(|&s| out[s]).unwrap_or_default();
    out[largest] += 4096 - out.iter().sum::<u32>();
    while out.last() == Some(&0) {
        out.pop();
    }
    out
}

/// Table and symbols as blobs, in so many lanes.
fn put_symbols(out: &mut Vec<u8>, symbols: &[u8], lanes: usize) {
    let frequencies = frequencies(symbols);
    put_blob(out, &stored(&frequencies));
    let table = table(&frequencies);
    let symbols: Vec<_> = symbols.iter().map(|&s| table[usize::from(s)]).collect();
    put_blob(out, &rans(&symbols, lanes));
}

/// Joint numbers (§10.2) of the upper halves of elements and what is below; `escaped` says of an element that
/// it is an escape though its number has a symbol.
fn joint(first: u16, elements: &[u32], single: bool, escaped: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut out = vec![2];
    out.extend(first.to_le_bytes());
    let upper = |v: u32| (v >> 16) as u16;
    let (mut symbols, mut escapes) = (Vec::new(), Vec::new());
    let mut fives = vec![0u8; (5 * elements.len()).div_ceil(8)];
    let mut lower = Vec::new();
    for (i, &v) in elements.iter().enumerate() {
        let number = upper(v) >> 4 & 2047;
        if (first..first + 255).contains(&number) && !escaped(i) {
            symbols.push((number - first + 1) as u8);
        } else {
            symbols.push(0);
            escapes.extend(number.to_le_bytes());
        }
        let five = (upper(v) & 15) << 1 | upper(v) >> 15;
        for b in 0..5 {
            fives[(5 * i + b) / 8] |= ((five >> b & 1) as u8) << ((5 * i + b) % 8);
        }
        if single {
            lower.extend((v as u16).to_le_bytes());
        }
    }
    put_symbols(&mut out, &symbols, 32);
    put_blob(&mut out, &escapes);
    out.extend(fives);
    out.extend(lower);
    out
}

pub(super) fn joint_numbers() -> Vec<u8> {
    let gauss = |n: usize| -> Vec<u32> { (0..n).map(|i| noise(i).to_bits()).collect() };
    let odd = [
        0u32,
        1 << 31,
        0x7f80_0000,
        0xff80_0001,
        0x7fff_ffff,
        u32::MAX,
        1,
        0x8043_0001,
    ];
    let mut tensors = Vec::new();
    let mut tensor = |name: &str, single: bool, n: usize, tiles: Vec<Vec<u8>>, tile: usize| {
        let dtype = if single { F32 } else { BF16 };
        let tile_bytes = tile as u64 * if single { 4 } else { 2 };
        let parts = of_tiles(tile_bytes, tiles);
        tensors.push(Piece::tensor(name, dtype, &[n as u64], 0, parts));
    };
    let never = |_: usize| false;
    // Longer than the pieces that decoders take, which end within a byte of fives.
    let mut long = gauss(4109);
    long.iter_mut()
        .step_by(509)
        .zip(odd)
        .for_each(|(v, odd)| *v = odd);
    tensor(
        "escapes",
        true,
        4109,
        vec![joint(800, &long, true, never)],
        4109,
    );
    for n in [0usize, 1, 7, 8, 31, 33, 37, 300] {
        let values: Vec<u32> = (0..n)
            .map(|i| {
                (800 + i as u32 * 7 % 255) << 20
                    | (i as u32).wrapping_mul(0x9e37_79b9) & 0x800f_ffff
            })
            .collect();
        for single in [false, true] {
            let tiles = match n {
                0 => Vec::new(),
                _ => vec![joint(800, &values, single, never)],
            };
            tensor(
                &format!("{n} of {}", 2 + 2 * u8::from(single)),
                single,
                n,
                tiles,
                n.max(1),
            );
        }
    }
    // Numbers that are escapes or symbols, from the first and to the last.
    let element = |number: u32| number << 20 | number.wrapping_mul(0x9e37_79b9) & 0x800f_ffff;
    let ends = [1, 254, 255, 256, 1792, 1793, 2047];
    let some = (0..2048).filter(|n| n % 13 == 0 || ends.contains(n));
    let all: Vec<u32> = some.map(element).collect();
    for (name, first) in [
        ("first is 0", 0),
        ("first is 1", 1),
        ("first is 1793", 1793),
    ] {
        tensor(
            name,
            false,
            all.len(),
            vec![joint(first, &all, false, never)],
            all.len(),
        );
    }
    let both = joint(
        900,
        &(850..1250).map(element).collect::<Vec<_>>(),
        true,
        |i| i % 3 == 0,
    );
    tensor("escapes that have a symbol", true, 400, vec![both], 400);
    let nothing = joint(0, &odd, false, |_| true);
    tensor("nothing but escapes", false, 8, vec![nothing], 8);
    let tiles = (900..1000)
        .map(element)
        .collect::<Vec<_>>()
        .chunks(13)
        .map(|t| joint(900, t, false, never))
        .collect();
    tensor("tiles", false, 100, tiles, 13);
    of_tensors(tensors)
}

/// Byte planes in streams that encoders would not choose at such lengths; a tile of each kind in turn.
pub(super) fn byte_planes() -> Vec<u8> {
    let mut tensors = Vec::new();
    let plane = |mode: u8, n: usize, salt: usize| {
        let bytes: Vec<u8> = (0..n)
            .map(|i| (noise(i + salt) * 80.0) as i8 as u8)
            .collect();
        let mut out = vec![mode];
        match mode {
            0 => out.extend(bytes),
            1 => out.push(salt as u8),
            2 => put_symbols(&mut out, &bytes, 8),
            _ => put_symbols(&mut out, &bytes, 32),
        }
        out
    };
    for (name, dtype, width) in [
        ("u8", U8, 1),
        ("i16", I16, 2),
        ("f16", F16, 2),
        ("f32", F32, 4),
    ] {
        for n in [1, 8, 70] {
            for modes in 0..4u8 {
                let mut tile = vec![1];
                (0..width).for_each(|p| tile.extend(plane((modes + p) % 4, n, 100 * p as usize)));
                let name = format!("{name}, {n}, {modes}");
                tensors.push(Piece::tensor(&name, dtype, &[n as u64], 0, of_tile(tile)));
            }
        }
    }
    // Raw, in planes, in planes of nothing but one byte.
    let tiles = vec![
        [&[0][..], &[7; 20]].concat(),
        [&[1][..], &plane(2, 10, 3), &plane(3, 10, 4)].concat(),
        [&[1][..], &plane(1, 3, 5), &plane(0, 3, 6)].concat(),
    ];
    tensors.push(Piece::tensor("tiles", I16, &[23], 0, of_tiles(20, tiles)));
    // A tile of no elements is no tile at all.
    tensors.push(Piece::tensor(
        "empty",
        I16,
        &[0],
        0,
        of_tiles(2, Vec::new()),
    ));
    of_tensors(tensors)
}
