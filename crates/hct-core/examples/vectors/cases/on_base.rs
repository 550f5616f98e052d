//! Tensors coded against those of `base.hct`.

use half::{bf16, f16};
use hct_core::{
    BaseTensor, BlockType, ContentHash, Dtype, EncodedFragment, EncodedTensor, FileKind, Gains,
    HctWriter, MatrixView, Result, SparseFormat, TensorMeta, Transform, encode_sparse,
};
use sha2::{Digest, Sha256};

use super::by_hand::{ELEMENTS, element};
use super::column_order::{Plane, column_gains, row_gains};
use super::sums::{factors_of, zero_terms};
use super::trellis::code;
use super::{Cases, meta, noise, preparation, weights};

const ROWS: usize = 40;
const COLS: usize = 70;
const SHAPE: [u64; 2] = [ROWS as u64, COLS as u64];

type Tensor = (TensorMeta, Vec<u8>);

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    let old = base();
    let mut tensors = Vec::new();
    for (meta, bytes) in &old {
        tensors.push((meta.clone(), EncodedTensor::lossless(meta, bytes)?));
    }
    cases.tensors("base", tensors)?;
    differences(cases, &old)?;
    sums(cases, &old)?;
    all_flags(cases, &old)?;
    let second = second_base(&old);
    write_second(cases, &old, &second)?;
    more_differences(cases, &second)?;
    more_sums(cases, &second)
}

fn bytes(values: impl Iterator<Item = f32>, dtype: Dtype) -> Vec<u8> {
    values
        .flat_map(|v| match dtype {
            Dtype::F32 => v.to_le_bytes().to_vec(),
            Dtype::F16 => f16::from_f32(v).to_le_bytes().to_vec(),
            _ => bf16::from_f32(v).to_le_bytes().to_vec(),
        })
        .collect()
}

/// Values that F16 holds exactly, as weights often were before they were trained on.
fn old_values() -> Vec<f32> {
    weights(ROWS, COLS)
        .iter()
        .map(|&v| f16::from_f32(v).to_f32())
        .collect()
}

fn base() -> Vec<Tensor> {
    let values = old_values();
    let of = |dtype| bytes(values.iter().copied(), dtype);
    let fields = (0..ROWS * COLS).map(|i| (noise(i) * 1e6) as i32 as u8);
    vec![
        (meta("f32", Dtype::F32, &SHAPE), of(Dtype::F32)),
        (meta("f16", Dtype::F16, &SHAPE), of(Dtype::F16)),
        (meta("bf16", Dtype::BF16, &SHAPE), of(Dtype::BF16)),
        (meta("fields", Dtype::U8, &SHAPE), fields.collect()),
        (meta("f8", Dtype::F8E4M3, &[35]), (0..35).collect()),
        (meta("i64", Dtype::I64, &[3]), vec![7; 24]),
    ]
}

/// The base's tensor number `k`, and how a file refers to it.
fn refer(old: &[Tensor], k: usize) -> (BaseTensor, &[u8]) {
    let (meta, bytes) = &old[k];
    let base = BaseTensor {
        name: meta.name.clone(),
        sha256: Sha256::digest(bytes).into(),
    };
    (base, bytes)
}

/// A value after some steps: every fourth row trained, the others decayed by less than a unit in
/// the last place a step, some pruned to zeros of either sign.
fn tuned(i: usize, value: f32) -> f32 {
    if i.is_multiple_of(11) {
        return if i.is_multiple_of(22) { 0.0 } else { -0.0 };
    }
    if i / COLS % 4 == 1 {
        return value + 0.002 * noise(i + 7777);
    }
    (0..200).fold(value, |w, step| w - w * 2e-7 * (1.0 - step as f32 / 200.0))
}

fn differences(cases: &mut Cases, old: &[Tensor]) -> Result<()> {
    let values = old_values();
    let new = |dtype| {
        let tuned = values.iter().enumerate().map(|(i, &v)| tuned(i, v));
        bytes(tuned, dtype)
    };
    let flipped = old[3].1.iter().enumerate();
    let flipped = flipped.map(|(i, b)| b ^ if i % 9 == 0 { 0x10 } else { 0 });
    let mut writer = HctWriter::new(Vec::new())?;
    writer.set_base_hint("base.hct")?;
    let mut tensors = vec![
        ("f32", 0, new(Dtype::F32)),
        ("renamed", 1, new(Dtype::F16)),
        ("bf16", 2, new(Dtype::BF16)),
        ("fields", 3, flipped.collect()),
        (
            "f8",
            4,
            (0..35u8).map(|b| b ^ u8::from(b % 5 == 0)).collect(),
        ),
        ("i64", 5, old[5].1.clone()),
        ("unchanged", 0, old[0].1.clone()),
    ];
    // Infinities and NaNs on either side.
    let odd = [0x7f80_0000u32, 0xffc0_0001, 1, 0x8000_0000];
    let patched = odd.iter().flat_map(|b| b.to_le_bytes());
    let mut not_numbers = old[0].1.clone();
    not_numbers.splice(400..416, patched);
    tensors.push(("not numbers", 0, not_numbers));
    for (name, k, bytes) in tensors {
        let (base, base_bytes) = refer(old, k);
        let meta = TensorMeta {
            name: name.into(),
            ..old[k].0.clone()
        };
        if let Some(coded) = EncodedTensor::delta(&meta, &bytes, base, base_bytes)? {
            writer.add_tensor(meta, coded, None, "vectors")?;
        }
    }
    cases.file("on_base_lossless", writer.finish()?);
    Ok(())
}

/// A trellis plane, a transformed one, and several fragments, each added to a base.
fn sums(cases: &mut Cases, old: &[Tensor]) -> Result<()> {
    let step: Vec<f32> = (0..ROWS * COLS).map(|i| 0.02 * noise(i + 99)).collect();
    let matrix = MatrixView::from_values(&step, ROWS, COLS)?;
    let how = preparation(Transform::None, false, false, 1000);
    let plane = code(&step, (ROWS, COLS), how, 8, None, 5e-4)?;
    let sparse = encode_sparse(matrix, how, SparseFormat::Int4, 0.2)?;
    let fragments = vec![
        EncodedFragment::Plane(sparse),
        EncodedFragment::Plane(plane.clone()),
    ];
    let whole = preparation(Transform::Dct2, true, false, 1000);
    let whole = code(&step, (ROWS, COLS), whole, 4, None, 5e-4)?;
    let tensors = vec![
        ("f32", 0, EncodedTensor::plane(plane)),
        ("f16", 1, EncodedTensor::fragments(fragments)?),
        ("bf16", 2, EncodedTensor::plane(whole)),
    ];
    let tensors = tensors.into_iter().map(|(name, k, tensor)| {
        let meta = meta(name, old[k].0.dtype, &SHAPE);
        Ok((meta, tensor.on_base(refer(old, k).0)?))
    });
    cases.tensors("on_base_sums", tensors.collect::<Result<_>>()?)?;
    column_order(cases, old, &step)
}

/// Planes in column order with all kinds of gains, each added to a base: alone, and one of two.
fn column_order(cases: &mut Cases, old: &[Tensor], step: &[f32]) -> Result<()> {
    let plane = |column_order: bool| Plane {
        values: step.to_vec(),
        gains: Gains {
            rows: Some(row_gains(ROWS as i32, column_order)),
            columns: column_order.then(|| column_gains(COLS as i32, true)),
            fine: column_order,
        },
        tile: 1000,
        column_order,
        ..Plane::new(ROWS, COLS, 8)
    };
    let columns = plane(true).coded(5e-4)?;
    let two = vec![
        EncodedFragment::Plane(plane(false).coded(3e-3)?),
        EncodedFragment::Plane(columns.clone()),
    ];
    let tensors = vec![
        ("f32", 0, EncodedTensor::plane(columns.clone())),
        ("f16", 1, EncodedTensor::plane(columns.clone())),
        ("bf16", 2, EncodedTensor::plane(columns)),
        ("two", 1, EncodedTensor::fragments(two)?),
    ];
    let tensors = tensors.into_iter().map(|(name, k, tensor)| {
        let meta = meta(name, old[k].0.dtype, &SHAPE);
        Ok((meta, tensor.on_base(refer(old, k).0)?))
    });
    cases.tensors("on_base_columns", tensors.collect::<Result<_>>()?)
}

/// Provenance, base hint and hashes in one file with tensors of all recipes; of those that are not
/// lossless the hash is of what they were made of.
fn all_flags(cases: &mut Cases, old: &[Tensor]) -> Result<()> {
    let mut writer = HctWriter::new(Vec::new())?;
    writer.set_provenance("{\"hct\":\"0.1.0\",\"spec\":{\"strategy\":\"rdo\"}}")?;
    writer.set_base_hint("base.hct")?;
    let hash = |bytes: &[u8]| ContentHash(*blake3::hash(bytes).as_bytes());
    let shard = writer.add_file(FileKind::Shard, "a.safetensors", b"{}", 0, 2)?;
    writer.set_file_hash(hash(b"{}"));
    let (of_f8, f8) = refer(old, 4);
    let changed: Vec<u8> = f8.iter().map(|b| b ^ u8::from(b % 4 == 1)).collect();
    let (of_f32, bytes) = refer(old, 0);
    let values = old_values();
    let plane = || {
        let matrix = MatrixView::from_values(&values, ROWS, COLS)?;
        let how = preparation(Transform::None, false, false, 1000);
        encode_sparse(matrix, how, SparseFormat::Int4, 0.1).map(EncodedTensor::plane)
    };
    let blocks: Vec<u8> = (0..36).collect();
    let (f8_meta, f32_meta) = (&old[4].0, &old[0].0);
    let block_meta = meta("", Dtype::U8, &[2, 18]);
    let tensors = vec![
        (
            "0",
            f8_meta,
            f8,
            Some(EncodedTensor::lossless(f8_meta, f8)?),
        ),
        ("1", f32_meta, bytes, Some(plane()?)),
        (
            "2",
            f32_meta,
            bytes,
            EncodedTensor::delta(f32_meta, bytes, of_f32.clone(), bytes)?,
        ),
        (
            "3",
            f8_meta,
            &changed,
            EncodedTensor::delta(f8_meta, &changed, of_f8, f8)?,
        ),
        ("4", f32_meta, bytes, Some(plane()?.on_base(of_f32)?)),
        (
            "5",
            &block_meta,
            &blocks,
            Some(EncodedTensor::blocks(
                &block_meta,
                &blocks,
                BlockType::Q4_0,
            )?),
        ),
    ];
    for (name, meta, bytes, coded) in tensors {
        let meta = TensorMeta {
            name: format!("recipe {name}"),
            ..meta.clone()
        };
        if let Some(coded) = coded {
            writer.add_tensor(meta, coded, Some(shard), name)?;
            writer.set_tensor_hash(hash(bytes));
        }
    }
    cases.file("on_base_all_flags", writer.finish()?);
    Ok(())
}

/// Some that are coded against the first, so that what is coded against them has two bases in a row; one of
/// every dtype that has differences; and those of `by_hand`.
fn second_base(old: &[Tensor]) -> Vec<Tensor> {
    let mut out: Vec<Tensor> = old[..3].to_vec();
    for &dtype in Dtype::ALL.iter().filter(|dtype| dtype.bits() <= 32) {
        let len = 160 * dtype.bits() / 8;
        let byte = |i: usize| match dtype {
            Dtype::Bool => u8::from(noise(i) > 0.0),
            _ => (noise(i) * 2000.0) as i32 as u8,
        };
        let name = format!("of {dtype}");
        out.push((meta(&name, dtype, &[8, 20]), (0..len).map(byte).collect()));
    }
    for (name, dtype) in [("u8", Dtype::U8), ("u32", Dtype::U32), ("f32", Dtype::F32)] {
        let width = dtype.bits() / 8;
        let bytes = (0..ELEMENTS).flat_map(|i| element(i).to_le_bytes()[..width].to_vec());
        let name = format!("by hand {name}");
        out.push((meta(&name, dtype, &[ELEMENTS as u64]), bytes.collect()));
    }
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        let zeros = [-0.0, -0.0, 0.0, 0.0, -0.0, 0.0, -0.0, 1.0].into_iter();
        let name = format!("zeros {dtype}");
        out.push((meta(&name, dtype, &[2, 4]), bytes(zeros, dtype)));
    }
    out
}

fn write_second(cases: &mut Cases, old: &[Tensor], second: &[Tensor]) -> Result<()> {
    let mut tensors = Vec::new();
    for (i, (meta, bytes)) in second.iter().enumerate() {
        let coded = match i {
            0..3 => {
                let (base, base_bytes) = refer(old, i);
                EncodedTensor::delta(meta, bytes, base, base_bytes)?
            }
            _ => None,
        };
        let coded = match coded {
            Some(coded) => coded,
            None => EncodedTensor::lossless(meta, bytes)?,
        };
        tensors.push((meta.clone(), coded));
    }
    cases.tensors("second_base", tensors)
}

/// Differences of every dtype, and of F16 and BF16 by drift.
fn more_differences(cases: &mut Cases, second: &[Tensor]) -> Result<()> {
    let mut tensors = Vec::new();
    let mut add = |k: usize, name: &str, bytes: &[u8]| -> Result<()> {
        let (base, base_bytes) = refer(second, k);
        let meta = TensorMeta {
            name: name.into(),
            ..second[k].0.clone()
        };
        tensors.extend(EncodedTensor::delta(&meta, bytes, base, base_bytes)?.map(|t| (meta, t)));
        Ok(())
    };
    for (k, (meta, old)) in second.iter().enumerate() {
        if !meta.name.starts_with("of ") {
            continue;
        }
        let width = (meta.dtype.bits() / 8).max(1);
        // Of every third element the lowest byte, of some all are others.
        let added = old.iter().enumerate().map(|(i, &b)| match i / width {
            _ if meta.dtype == Dtype::Bool => b ^ u8::from(i % 9 == 4),
            e if e % 13 == 5 => b.wrapping_mul(77).wrapping_add(i as u8),
            e if e % 3 == 0 && i % width == 0 => b.wrapping_add((e % 5) as u8),
            _ => b,
        });
        add(k, &meta.name, &added.collect::<Vec<_>>())?;
        // Bits flipped.
        let flipped = old
            .iter()
            .enumerate()
            .map(|(i, b)| b ^ u8::from(i % 7 == 3));
        add(
            k,
            &format!("{}, flipped", meta.name),
            &flipped.collect::<Vec<_>>(),
        )?;
    }
    // Steps by the mantissa's first bits, but in every fourth row.
    for k in [1, 2] {
        let (meta, old) = &second[k];
        let mantissa = if meta.dtype == Dtype::F16 { 10 } else { 7 };
        let drifted = old.chunks_exact(2).enumerate().flat_map(|(i, b)| {
            let v = u16::from_le_bytes([b[0], b[1]]);
            let key = (v & ((1 << mantissa) - 1)) >> (mantissa - 5);
            let step = if i / COLS % 4 == 3 {
                i % 41
            } else {
                usize::from(key)
            };
            // Those of the highest exponents are left alone.
            (if v & 0x4000 == 0 { v + step as u16 } else { v }).to_le_bytes()
        });
        add(
            k,
            &format!("drift, {}", meta.dtype),
            &drifted.collect::<Vec<_>>(),
        )?;
    }
    cases.tensors("on_second_base_differences", tensors)
}

/// Zeros of both signs, products and transformed factors added to a base, which has a base itself.
fn more_sums(cases: &mut Cases, second: &[Tensor]) -> Result<()> {
    let mut tensors = Vec::new();
    for (k, (old, _)) in second.iter().enumerate() {
        if !old.name.starts_with("zeros ") {
            continue;
        }
        let name = |what: &str| meta(&format!("{what}, {}", old.dtype), old.dtype, &[2, 4]);
        let [a, b, c] = zero_terms()?;
        let several = EncodedTensor::fragments(vec![a, b, c])?;
        let [a, _, c] = zero_terms()?;
        let one = EncodedTensor::fragments(vec![a])?;
        let product = EncodedTensor::fragments(vec![c])?;
        for (what, tensor) in [("several", several), ("one", one), ("product", product)] {
            tensors.push((name(what), tensor.on_base(refer(second, k).0)?));
        }
    }
    cases.tensors("on_second_base_zeros", tensors)?;
    let product = EncodedTensor::fragments(vec![factors_of(ROWS, COLS)?])?;
    let meta = meta("product", Dtype::BF16, &SHAPE);
    let product = product.on_base(refer(second, 2).0)?;
    cases.tensors("on_second_base_product", vec![(meta, product)])
}
