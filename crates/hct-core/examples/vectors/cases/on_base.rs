//! Tensors coded against those of `base.hct`.

use half::{bf16, f16};
use hct_core::{
    BaseTensor, Dtype, EncodedFragment, EncodedTensor, Gains, HctWriter, MatrixView, Result,
    SparseFormat, TensorMeta, Transform, encode_sparse,
};
use sha2::{Digest, Sha256};

use super::column_order::{Plane, column_gains, row_gains};
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
    sums(cases, &old)
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
