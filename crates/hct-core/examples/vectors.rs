//! Writes files that together use every recipe, and what they decode to, for checking another
//! decoder: `cargo run --release -p hct-core --example vectors FOLDER`. Each line of
//! `FOLDER/manifest.txt` is: file, tensor, fragments to use, `exact` or `dct` (equal up to rounding),
//! dtype, file with the expected bytes.

use std::fmt::Write as _;
use std::path::PathBuf;

use half::{bf16, f16};
use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, FileKind, HctReader, HctWriter, MatrixView, Preparation,
    SparseFormat, TensorMeta, Transform, TrellisAnalysis, TrellisSettings, encode_sparse,
};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

struct Vectors {
    folder: PathBuf,
    manifest: String,
}

impl Vectors {
    fn file(&mut self, name: &str, file: &[u8]) -> Anyhow<()> {
        std::fs::write(self.folder.join(format!("{name}.hct")), file)?;
        let reader = HctReader::open(file)?;
        for (i, record) in reader.index().tensors.iter().enumerate() {
            let fragments = match &record.recipe {
                hct_core::Recipe::Fragments { fragments, .. } => fragments.len(),
                _ => 1,
            };
            let kind = if record.recipe.to_string().contains("dct") {
                "dct"
            } else {
                "exact"
            };
            for n in 1..=fragments {
                let expected = format!("{name}.{i}.{n}.bin");
                std::fs::write(
                    self.folder.join(&expected),
                    reader.tensor(i)?.fragments(n).decode()?,
                )?;
                let (tensor, dtype) = (&record.name, record.dtype);
                writeln!(
                    self.manifest,
                    "{name}.hct {tensor} {n} {kind} {dtype} {expected}"
                )?;
            }
        }
        Ok(())
    }

    fn plane(&mut self, name: &str, dtype: Dtype, plane: EncodedPlane) -> Anyhow<Vec<u8>> {
        let recipe = plane.recipe();
        println!("{name}: {recipe}, {} tiles", recipe.tiles());
        let shape = vec![recipe.rows as u64, recipe.cols as u64];
        let file = file_of(meta("w", dtype, &shape), EncodedTensor::plane(plane))?;
        self.file(name, &file)?;
        Ok(file)
    }

    fn lossless(&mut self, name: &str, dtype: Dtype, shape: &[u64], bytes: &[u8]) -> Anyhow<()> {
        let meta = meta("w", dtype, shape);
        let coded = EncodedTensor::lossless(&meta, bytes)?;
        self.file(name, &file_of(meta, coded)?)
    }
}

fn meta(name: &str, dtype: Dtype, shape: &[u64]) -> TensorMeta {
    let (name, shape) = (name.into(), shape.into());
    TensorMeta { name, dtype, shape }
}

fn file_of(meta: TensorMeta, coded: EncodedTensor) -> Anyhow<Vec<u8>> {
    let mut writer = HctWriter::new(Vec::new())?;
    writer.add_tensor(meta, coded, None, "x")?;
    Ok(writer.finish()?)
}

/// Nearly Gaussian noise.
fn noise(i: usize) -> f32 {
    let mut s = i as u32 ^ 0x9e37_79b9;
    let mut sum = 0.0;
    for _ in 0..6 {
        s = s.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        sum += ((s ^ (s >> 15)) & 0xffff) as f32 / 65536.0 - 0.5;
    }
    sum * 0.05
}

/// Noise whose size depends on row and column, around column means, with two outliers.
fn weights(rows: usize, cols: usize) -> Vec<f32> {
    let mut out: Vec<f32> = (0..rows * cols)
        .map(|i| {
            let (r, c) = (i / cols, i % cols);
            let size = 1.0 + (r % 7) as f32 + if c % 5 == 0 { 6.0 } else { 0.0 };
            0.02 * (c % 9) as f32 + size * noise(i)
        })
        .collect();
    out[rows * cols / 3] = 300.0;
    out[rows * cols / 2] = -41.5;
    out
}

fn preparation(transform: Transform, whole: bool, remove_means: bool, tile: usize) -> Preparation {
    Preparation {
        transform,
        whole,
        remove_means,
        tile,
    }
}

fn trellis(
    values: &[f32],
    (rows, cols): (usize, usize),
    preparation: Preparation,
    states: usize,
    gains: Option<Vec<i32>>,
    step: f32,
) -> Anyhow<EncodedPlane> {
    let matrix = MatrixView::from_values(values, rows, cols)?;
    let settings = TrellisSettings::new(states);
    let analysis = match gains {
        Some(gains) => TrellisAnalysis::with_gains(matrix, preparation, settings, gains)?,
        None => TrellisAnalysis::new(matrix, preparation, settings)?,
    };
    let training = analysis.train(step, 1 << 16);
    Ok(analysis.encode(step, &training)?)
}

/// A record of one plane in a file that [`file_of`] made: the payload, and the plane's part of
/// the record, which ends the index.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
    let start = number(file.len() - 32);
    let index = &file[start..start + number(file.len() - 24)];
    // Flags, one label "x", no files, one tensor "w"; dtype, 2 dimensions, shape, shard, label,
    // offset, recipe, rows, columns, one fragment, a plane.
    let mut at = 9;
    for _ in 0..11 {
        while index[at] >= 0x80 {
            at += 1;
        }
        at += 1;
    }
    (&file[16..start], &index[at..])
}

fn varint(out: &mut Vec<u8>, mut v: usize) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// A file of one tensor with several fragments, which the writer has no call for yet: the payloads
/// one after another, the plane records likewise. `fragments` are (rank or 0 for a plane, files).
fn sum_of(dtype: Dtype, rows: usize, cols: usize, fragments: &[(usize, &[&[u8]])]) -> Vec<u8> {
    let mut file = b"\x89HCT\r\n\x1a\n\x03\0\0\0\0\0\0\0".to_vec();
    let mut index = vec![0, 1, 1, b'x', 0, 1, 1, b'w', dtype.code(), 2];
    varint(&mut index, rows);
    varint(&mut index, cols);
    index.extend([0, 0, 16, 1]);
    varint(&mut index, rows);
    varint(&mut index, cols);
    index.push(fragments.len() as u8);
    for &(rank, planes) in fragments {
        index.push(u8::from(rank > 0));
        if rank > 0 {
            varint(&mut index, rank);
        }
        for plane in planes {
            let (payload, record) = parts(plane);
            file.extend(payload);
            index.extend(record);
        }
    }
    let start = file.len() as u64;
    file.extend(&index);
    file.extend(start.to_le_bytes());
    file.extend((index.len() as u64).to_le_bytes());
    file.extend(crc32fast::hash(&index).to_le_bytes());
    file.extend([0; 4]);
    file.extend(b"HCT3END\n");
    file
}

fn lossless(v: &mut Vectors) -> Anyhow<()> {
    let n = 37 * 29;
    let values = weights(37, 29);
    let halves: Vec<u8> = values
        .iter()
        .flat_map(|&w| f16::from_f32(w).to_le_bytes())
        .collect();
    let floats: Vec<u8> = values.iter().flat_map(|w| w.to_le_bytes()).collect();
    let doubles: Vec<u8> = values
        .iter()
        .flat_map(|&w| f64::from(w).to_le_bytes())
        .collect();
    let longs: Vec<u8> = (0..n as i64)
        .flat_map(|i| (i * i - 500).to_le_bytes())
        .collect();
    let random: Vec<u8> = (0..n * 4).map(|i| (noise(i) * 1e6) as i32 as u8).collect();
    v.lossless("lossless_f16", Dtype::F16, &[37, 29], &halves)?;
    v.lossless("lossless_f32", Dtype::F32, &[37, 29], &floats)?;
    v.lossless("lossless_f64", Dtype::F64, &[29, 37], &doubles)?;
    v.lossless("lossless_i64", Dtype::I64, &[n as u64], &longs)?;
    v.lossless("lossless_noise", Dtype::U32, &[n as u64], &random)?;
    v.lossless("lossless_f32_random_bits", Dtype::F32, &[n as u64], &random)?;
    v.lossless("lossless_constant", Dtype::U8, &[3, 50], &[7; 150])?;
    v.lossless("lossless_packed", Dtype::F4, &[10], &[1, 2, 3, 2, 1])?;
    v.lossless("lossless_scalar", Dtype::BF16, &[], &[0x80, 0x3f])?;
    v.lossless("lossless_empty", Dtype::F32, &[4, 0, 3], &[])?;
    let big: Vec<u8> = (0..1_100_000)
        .flat_map(|i| bf16::from_f32(noise(i)).to_le_bytes())
        .collect();
    v.lossless("lossless_two_tiles", Dtype::BF16, &[1100, 1000], &big)
}

fn sparse(v: &mut Vectors) -> Anyhow<()> {
    let (rows, cols) = (90, 70);
    let values = weights(rows, cols);
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    for (label, format) in [
        ("int4", SparseFormat::Int4),
        ("int8", SparseFormat::Int8),
        ("half", SparseFormat::Half),
    ] {
        for retention in [1.0, 0.98, 0.5, 0.05, 0.004] {
            let name = format!("{label}_{retention}");
            let p = preparation(Transform::None, false, retention == 0.5, 2000);
            v.plane(
                &name,
                Dtype::F32,
                encode_sparse(matrix, p, format, retention)?,
            )?;
        }
        let p = preparation(Transform::Dct2, false, false, 1 << 20);
        v.plane(
            &format!("{label}_dct2"),
            Dtype::F16,
            encode_sparse(matrix, p, format, 0.9)?,
        )?;
        let p = preparation(Transform::DctRows, true, true, 1000);
        v.plane(
            &format!("{label}_whole"),
            Dtype::BF16,
            encode_sparse(matrix, p, format, 0.3)?,
        )?;
    }
    // Kept positions that repeat from row to row, so that the mask codes them in contexts.
    let stripes: Vec<f32> = (0..256 * 200)
        .map(|i| noise(i) * if i % 200 / 20 % 2 == 0 { 10.0 } else { 0.1 })
        .collect();
    let matrix = MatrixView::from_values(&stripes, 256, 200)?;
    let p = preparation(Transform::None, false, false, 1 << 20);
    v.plane(
        "int4_stripes",
        Dtype::F16,
        encode_sparse(matrix, p, SparseFormat::Int4, 0.45)?,
    )?;
    let extreme: Vec<f32> = (0..640)
        .map(|i| noise(i) * 2f32.powi(i as i32 / 32 * 13 - 130))
        .chain([f32::MAX, f32::MIN, f32::from_bits(3), -0.0])
        .collect();
    for (label, format) in [("int8", SparseFormat::Int8), ("half", SparseFormat::Half)] {
        for (end, count) in [("large", 644), ("small", 64)] {
            let matrix = MatrixView::from_values(&extreme[..count], 4, count / 4)?;
            let name = format!("{label}_{end}");
            v.plane(&name, Dtype::F32, encode_sparse(matrix, p, format, 1.0)?)?;
            v.plane(
                &format!("{name}_f16"),
                Dtype::F16,
                encode_sparse(matrix, p, format, 1.0)?,
            )?;
            v.plane(
                &format!("{name}_bf16"),
                Dtype::BF16,
                encode_sparse(matrix, p, format, 1.0)?,
            )?;
        }
    }
    Ok(())
}

fn trellises(v: &mut Vectors) -> Anyhow<()> {
    let shape = (260, 96);
    let values = weights(shape.0, shape.1);
    let gains = || {
        Some(
            (0..260)
                .map(|r| if r % 3 == 0 { 0 } else { r % 23 - 11 })
                .collect(),
        )
    };
    for states in [1, 4, 8, 16, 32] {
        let p = preparation(Transform::None, false, false, 1 << 20);
        let plane = trellis(&values, shape, p, states, None, 0.03)?;
        v.plane(&format!("trellis{states}"), Dtype::F32, plane)?;
        let p = preparation(Transform::None, false, true, 5000);
        let plane = trellis(&values, shape, p, states, gains(), 0.07)?;
        v.plane(
            &format!("trellis{states}_means_gains_tiles"),
            Dtype::F16,
            plane,
        )?;
        for (label, transform) in [
            ("dct_rows", Transform::DctRows),
            ("dct_cols", Transform::DctCols),
            ("dct2", Transform::Dct2),
        ] {
            let p = preparation(transform, states == 8, states == 16, 8192);
            let plane = trellis(&values, shape, p, states, None, 0.04)?;
            let dtype = if states == 4 { Dtype::BF16 } else { Dtype::F32 };
            v.plane(&format!("trellis{states}_{label}"), dtype, plane)?;
        }
        // Pieces of rows; the last tile of a row has fewer values than lanes.
        let p = preparation(Transform::None, false, true, 1000);
        let plane = trellis(&values[..3 * 2005], (3, 2005), p, states, None, 0.1)?;
        v.plane(&format!("trellis{states}_pieces"), Dtype::BF16, plane)?;
    }
    // Lengths that are prime, a power of two, and neither; noise without outliers.
    for (rows, cols) in [(127, 131), (256, 64), (90, 154)] {
        let quiet: Vec<f32> = (0..rows * cols).map(noise).collect();
        let p = preparation(Transform::Dct2, false, false, 1 << 20);
        let plane = trellis(&quiet, (rows, cols), p, 8, None, 0.02)?;
        v.plane(&format!("dct2_{rows}_{cols}"), Dtype::F32, plane)?;
    }
    let p = preparation(Transform::None, false, false, 1 << 20);
    let fine = trellis(&values, shape, p, 8, None, 1e-4)?;
    v.plane("trellis8_many_patches", Dtype::F32, fine)?;
    let (rows, cols) = (1100, 512);
    let large = weights(rows, cols);
    let plane = trellis(&large, (rows, cols), p, 8, None, 0.1)?;
    v.plane("trellis8_32_lanes", Dtype::BF16, plane)?;
    let plane = trellis(&values[..5], (1, 5), p, 4, None, 0.01)?;
    v.plane("trellis4_five_values", Dtype::F32, plane)?;
    Ok(())
}

fn fragments(v: &mut Vectors) -> Anyhow<()> {
    let p = preparation(Transform::None, false, false, 2000);
    let (rows, cols, rank) = (90, 70, 3);
    let values = weights(rows, cols);
    let base = trellis(&values, (rows, cols), p, 8, None, 0.3)?;
    let rest: Vec<f32> = values
        .iter()
        .zip(base.decode()?)
        .map(|(a, b)| a - b)
        .collect();
    let matrix = MatrixView::from_values(&rest, rows, cols)?;
    let fine = encode_sparse(matrix, p, SparseFormat::Int8, 0.2)?;
    let base = v.plane("layer_base", Dtype::F32, base)?;
    let fine = v.plane("layer_fine", Dtype::F32, fine)?;
    let (l, r) = (weights(rows, rank), weights(rank, cols));
    let left = encode_sparse(
        MatrixView::from_values(&l, rows, rank)?,
        p,
        SparseFormat::Half,
        1.0,
    )?;
    let right = trellis(&r, (rank, cols), p, 4, None, 0.02)?;
    let left = v.plane("layer_left", Dtype::F32, left)?;
    let right = v.plane("layer_right", Dtype::F32, right)?;
    let product: (usize, &[&[u8]]) = (rank, &[&left, &right]);
    v.file(
        "layers_two",
        &sum_of(Dtype::F32, rows, cols, &[(0, &[&base]), (0, &[&fine])]),
    )?;
    let three = [(0, &[&base[..]][..]), product, (0, &[&fine])];
    v.file("layers_three", &sum_of(Dtype::BF16, rows, cols, &three))?;
    v.file(
        "layers_product",
        &sum_of(Dtype::F16, rows, cols, &[product]),
    )?;
    let mut writer = HctWriter::new(Vec::new())?;
    writer.set_provenance("{\"made\":\"by examples/vectors.rs\"}")?;
    writer.add_file(FileKind::Shard, "model.safetensors", b"{}", 0, 2)?;
    let shard = writer.add_file(FileKind::Shard, "b.safetensors", b"{ }", 0, 3)?;
    writer.add_file(FileKind::Side, "tokenizer/config.json", b"[1]", 0, 3)?;
    for (name, dtype) in [
        ("a.weight", Dtype::F32),
        ("b", Dtype::I8),
        ("", Dtype::Bool),
    ] {
        let meta = meta(name, dtype, &[6]);
        let bytes = vec![1; 6 * dtype.bits() / 8];
        let coded = EncodedTensor::lossless(&meta, &bytes)?;
        if !name.is_empty() {
            writer.add_tensor(meta, coded, Some(shard), name)?;
        }
    }
    v.file("many", &writer.finish()?)
}

fn main() -> Anyhow<()> {
    let folder = std::env::args_os().nth(1).ok_or("usage: vectors FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let mut v = Vectors {
        folder: folder.into(),
        manifest: String::new(),
    };
    lossless(&mut v)?;
    sparse(&mut v)?;
    trellises(&mut v)?;
    fragments(&mut v)?;
    Ok(std::fs::write(v.folder.join("manifest.txt"), &v.manifest)?)
}
