//! Prints a small HCT file byte by byte: `cargo run -p hct-core --example tiny_file [OUT.hct]`.
//! docs/FORMAT.md explains the same bytes.

use hct_core::{
    Dtype, EncodedTensor, FileKind, HctWriter, MatrixView, Preparation, SparseFormat, TensorMeta,
    Transform, encode_sparse,
};

/// Length and meaning of every run of bytes, front to back.
const RUNS: &[(usize, &str)] = &[
    (8, "magic"),
    (4, "version 3.0"),
    (4, "reserved"),
    (2, "carried file: the text hi"),
    (0, "plane header of tensor w: nothing"),
    (1, "tile: every position is kept"),
    (1, "exponent: zigzag of -11"),
    (1, "one block"),
    (1, "scales as they are"),
    (2, "scale 0x6893 = 2342, times 2^-11"),
    (1, "symbols as they are"),
    (3, "symbols 8 6, 14 7, 10 0"),
    (8, "recovery block: magic"),
    (8, "it lies at 28"),
    (4, "length of its body"),
    (4, "CRC-32"),
    (4, "it is the first of the file"),
    (2, "minor version"),
    (1, "it is the last"),
    (1, "no file before its own"),
    (1, "no tensor"),
    (50, "as in the index"),
    (1, "index: flags"),
    (7, "one label: block"),
    (1, "one carried file"),
    (1, "a side file"),
    (2, "path a"),
    (1, "stored as it is"),
    (1, "2 bytes when unpacked"),
    (1, "at offset 16"),
    (1, "2 bytes"),
    (4, "their CRC-32"),
    (1, "one tensor"),
    (2, "name w"),
    (1, "dtype F32"),
    (3, "shape 2 x 3"),
    (2, "in no shard; label 0"),
    (1, "first chunk at offset 18"),
    (1, "coded as fragments"),
    (2, "folded to 2 x 3"),
    (1, "one fragment"),
    (1, "a plane"),
    (2, "tiles of 2 x 3"),
    (1, "no transform"),
    (1, "no plane flags"),
    (1, "block quantizer, 4 bits"),
    (5, "plane header: 0 bytes, CRC-32"),
    (5, "tile: 10 bytes, CRC-32"),
    (8, "trailer: index offset 111"),
    (8, "index length"),
    (4, "CRC-32 of the index"),
    (2, "minor version of the file"),
    (2, "reserved"),
    (8, "end magic"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weights = [1.0f32, -1.0, 8.0, 0.0, 3.5, -8.0];
    let matrix = MatrixView::from_values(&weights, 2, 3)?;
    let preparation = Preparation::tiled(Transform::None);
    let plane = encode_sparse(matrix, preparation, SparseFormat::Int4, 1.0)?;
    let mut writer = HctWriter::new(Vec::new())?;
    writer.add_file(FileKind::Side, "a", b"hi", 0, 2)?;
    let (name, dtype, shape) = ("w".into(), Dtype::F32, vec![2, 3]);
    let meta = TensorMeta { name, dtype, shape };
    writer.add_tensor(meta, EncodedTensor::plane(plane), None, "block")?;
    let file = writer.finish()?;
    let mut at = 0;
    for &(len, meaning) in RUNS {
        let run = &file[at..at + len];
        let shown = if len > 8 { &run[..7] } else { run };
        let hex: String = shown.iter().map(|b| format!("{b:02x} ")).collect();
        let hex = hex + if len > 8 { "…" } else { "" };
        println!("{at:4}  {hex:24} {meaning}");
        at += len;
    }
    assert_eq!(at, file.len(), "every byte has a meaning");
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, &file)?;
    }
    Ok(())
}
