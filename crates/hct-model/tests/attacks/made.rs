//! `.hct` files made by hand, byte by byte as docs/FORMAT.md has them, with every checksum right: so
//! that they can lie. The command line's tests include this file by path.
#![allow(dead_code, reason = "each test binary uses some of it")]

/// A code of docs/FORMAT.md, §4.
pub const U8: u8 = 1;
pub const F32: u8 = 11;
pub const BF16: u8 = 10;

/// A tile of zeros of any length, of U8 and of F32.
pub const ZERO_BYTES: &[u8] = &[1, 1, 0];
pub const ZERO_FLOATS: &[u8] = &[1, 1, 0, 1, 0, 1, 0, 1, 0];

/// Most bytes of a lossless tile, and most values of a tile of a plane.
pub const LOSSLESS_TILE: u64 = 1 << 24;
pub const PLANE_TILE: u64 = 1 << 22;

pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Bytes of the payload: where they are, their length and checksum.
pub struct Stored {
    offset: u64,
    chunk: Vec<u8>,
}

/// A file that is being made.
pub struct Made {
    payload: Vec<u8>,
    labels: Vec<u8>,
    label_count: u64,
    files: Vec<u8>,
    file_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
}

impl Made {
    pub fn new() -> Made {
        Made {
            payload: b"\x89HCT\r\n\x1a\n\x03\0\0\0\0\0\0\0".to_vec(),
            labels: vec![0],
            label_count: 1,
            files: Vec::new(),
            file_count: 0,
            tensors: Vec::new(),
            tensor_count: 0,
        }
    }

    /// Puts bytes into the payload; gives where.
    pub fn stored(&mut self, bytes: &[u8]) -> Stored {
        let (offset, mut of_bytes) = (self.payload.len() as u64, Vec::new());
        chunk(&mut of_bytes, bytes);
        self.payload.extend(bytes);
        Stored {
            offset,
            chunk: of_bytes,
        }
    }

    pub fn empty_label(&mut self) {
        self.labels.push(0);
        self.label_count += 1;
    }

    /// Carries a file whose bytes are at `at` already. Kind 0 is a header, 1 a side file; packing 0 is
    /// none, 1 zlib.
    pub fn carried_at(&mut self, kind: u8, path: &str, packing: u8, unpacked: u64, at: &Stored) {
        let out = &mut self.files;
        out.push(kind);
        blob(out, path.as_bytes());
        out.push(packing);
        varint(out, unpacked);
        varint(out, at.offset);
        out.extend(&at.chunk);
        self.file_count += 1;
    }

    /// Carries a file as it is.
    pub fn carried(&mut self, kind: u8, path: &str, bytes: &[u8]) {
        let at = self.stored(bytes);
        self.carried_at(kind, path, 0, bytes.len() as u64, &at);
    }

    /// The fields of a tensor up to its recipe. `shard` is 0, or 1 more than the number of its file.
    pub fn tensor(&mut self, name: &str, dtype: u8, shape: &[u64], shard: u64, recipe: &[u8]) {
        // What is unchanged, and what has no elements, has no chunks.
        let chunkless = recipe[0] == 2 || recipe[0] == 0 && shape.contains(&0);
        let at = if chunkless {
            0
        } else {
            self.payload.len() as u64
        };
        self.tensor_at(name, dtype, shape, shard, at, recipe);
    }

    fn tensor_at(
        &mut self,
        name: &str,
        dtype: u8,
        shape: &[u64],
        shard: u64,
        at: u64,
        recipe: &[u8],
    ) {
        let out = &mut self.tensors;
        blob(out, name.as_bytes());
        out.push(dtype);
        varint(out, shape.len() as u64);
        shape.iter().for_each(|&dim| varint(out, dim));
        varint(out, shard);
        varint(out, 0);
        varint(out, at);
        out.extend(recipe);
        self.tensor_count += 1;
    }

    /// A lossless tensor whose tiles are all `tile`.
    pub fn lossless(&mut self, name: &str, dtype: u8, shape: &[u64], bytes: u64, tile: &[u8]) {
        self.lossless_in(0, name, dtype, shape, bytes, tile);
    }

    /// The same in a shard, 1 more than the number of its file.
    pub fn lossless_in(
        &mut self,
        shard: u64,
        name: &str,
        dtype: u8,
        shape: &[u64],
        bytes: u64,
        tile: &[u8],
    ) {
        let tiles = bytes.div_ceil(LOSSLESS_TILE);
        let mut recipe = vec![0];
        varint(&mut recipe, LOSSLESS_TILE);
        (0..tiles).for_each(|_| chunk(&mut recipe, tile));
        self.tensor(name, dtype, shape, shard, &recipe);
        (0..tiles).for_each(|_| drop(self.stored(tile)));
    }

    /// A tensor that is a sum of products of this rank whose tiles are all `tile`, sparse ones of
    /// zeros.
    pub fn products(&mut self, name: &str, side: u64, rank: u64, count: u64, tile: &[u8]) {
        let mut recipe = vec![1];
        varint(&mut recipe, side);
        varint(&mut recipe, side);
        varint(&mut recipe, count);
        let mut payload = Vec::new();
        for _ in 0..count {
            recipe.push(1);
            varint(&mut recipe, rank);
            plane(&mut recipe, &mut payload, side, rank, tile);
            plane(&mut recipe, &mut payload, rank, side, tile);
        }
        self.tensor(name, F32, &[side, side], 0, &recipe);
        self.stored(&payload);
    }

    /// A tensor of a single plane.
    pub fn plane(&mut self, name: &str, rows: u64, cols: u64, tile: &[u8]) {
        let mut recipe = vec![1];
        varint(&mut recipe, rows);
        varint(&mut recipe, cols);
        recipe.extend([1, 0]);
        let mut payload = Vec::new();
        plane(&mut recipe, &mut payload, rows, cols, tile);
        self.tensor(name, F32, &[rows, cols], 0, &recipe);
        self.stored(&payload);
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        let mut index = vec![0];
        varint(&mut index, self.label_count);
        index.extend(&self.labels);
        varint(&mut index, self.file_count);
        index.extend(&self.files);
        varint(&mut index, self.tensor_count);
        index.extend(&self.tensors);
        let mut out = self.payload;
        let at = out.len() as u64;
        out.extend(&index);
        out.extend(at.to_le_bytes());
        out.extend((index.len() as u64).to_le_bytes());
        out.extend(crc32(&index).to_le_bytes());
        out.extend([0; 4]);
        out.extend(b"HCT3END\n");
        out
    }
}

/// The checksum of docs/FORMAT.md, §1.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), bit))
}

/// Length and checksum of a chunk of these bytes.
pub fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.extend(crc32(bytes).to_le_bytes());
}

/// A plane of FP16 numbers without a transform, in tiles of whole rows.
fn plane(recipe: &mut Vec<u8>, payload: &mut Vec<u8>, rows: u64, cols: u64, tile: &[u8]) {
    let tile_rows = (PLANE_TILE / cols).clamp(1, rows);
    varint(recipe, tile_rows);
    varint(recipe, cols);
    recipe.extend([0, 0, 2]);
    chunk(recipe, b"");
    for _ in 0..rows.div_ceil(tile_rows) {
        chunk(recipe, tile);
        payload.extend(tile);
    }
}

/// A sparse tile that keeps nothing, as the encoder makes it: so it is of FP16 numbers of any number.
pub fn sparse_zeros() -> Vec<u8> {
    // Positions as gaps, of which there are none: their number in the adaptive coder, whose zeros at
    // the end are left out. Then their exponent, and
    // no bytes of theirs as they are.
    vec![3, 0, 0, 0]
}
