//! Files to damage.

use hct_core::{
    BlockType, Dtype, EncodedFragment, EncodedPlane, EncodedTensor, FileKind, Gains, HctWriter,
    MatrixView, Preparation, SparseFormat, Transform, encode_sparse,
};

use crate::common::{
    Kind, bytes_of, column_order, file_of, fine_gains, meta, preparation, trellis, with_gains,
};

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
    for states in [1, 4, 8, 16, 32, 256, 512] {
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
    for (name, tile, gains) in [
        ("column order", None, Gains::default()),
        (
            "column order, fine gains, tiles",
            Some(200),
            fine_gains(rows, cols),
        ),
    ] {
        let how = preparation(Transform::None, false, tile);
        let plane = column_order(small, how, 8, 0.5, gains).unwrap();
        out.push((name.into(), plane));
    }
    let patched = Kind::HugeOutlier.values(rows, cols, 9);
    let patched = MatrixView::from_values(&patched, rows, cols).unwrap();
    let plane = trellis(patched, Preparation::tiled(Transform::None), 8, 1e-5);
    out.push(("patches".into(), plane.unwrap()));
    out
}

/// Small files of every recipe, one tensor each.
pub fn files() -> Vec<(String, Vec<u8>)> {
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
    let (l, r) = (
        Kind::Gaussian.values(24, 3, 1),
        Kind::Gaussian.values(3, 16, 2),
    );
    let rest = Kind::Gaussian.values(24, 16, 3);
    let code = |values: &[f32], rows, cols| {
        let matrix = MatrixView::from_values(values, rows, cols).unwrap();
        trellis(matrix, Preparation::tiled(Transform::None), 4, 0.5).unwrap()
    };
    let product = EncodedFragment::Product(code(&l, 24, 3), code(&r, 3, 16));
    let sum = EncodedTensor::fragments(vec![product, EncodedFragment::Plane(code(&rest, 24, 16))])
        .unwrap();
    out.push((
        "fragments".into(),
        file_of(meta("t", Dtype::F16, &[24, 16]), sum),
    ));
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
    for kind in [
        BlockType::Q4_1,
        BlockType::Q8_0,
        BlockType::Q2K,
        BlockType::Q4K,
    ] {
        let blocks = 512 / kind.weights() as u64;
        let meta = self::meta("t", Dtype::U8, &[blocks, kind.bytes() as u64]);
        let bytes: Vec<u8> = (0..blocks as usize * kind.bytes())
            .map(|i| (i * i % 7) as u8 * 17)
            .collect();
        let tensor = EncodedTensor::blocks(&meta, &bytes, kind).unwrap();
        out.push((format!("blocks of {kind}"), file_of(meta, tensor)));
    }
    out
}

/// One file with everything: carried files, shards, labels, many tensors.
pub fn big_file() -> Vec<u8> {
    let mut writer = HctWriter::new(Vec::new()).unwrap();
    writer.set_provenance(r#"{"made":"by a test"}"#).unwrap();
    let kind = FileKind::Shard;
    let shard = writer.add_file(kind, "a.safetensors", b"{}", 0, 2).unwrap();
    let kind = FileKind::Side;
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
