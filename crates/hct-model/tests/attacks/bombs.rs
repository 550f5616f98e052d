//! Short files that promise tensors of gigabytes, or hours of work.

use std::time::{Duration, Instant};

use hct_core::{LimitExceeded, Limited, Limits};
use hct_model::{Error, HctModel, TensorSource, innermost, verify};

use crate::common::{assert_says, chain};
use crate::made::{F32, Made, U8, ZERO_BYTES, ZERO_FLOATS, blob, chunk, sparse_zeros, varint};

const GIB: u64 = 1 << 30;

fn open(file: &[u8]) -> HctModel<&[u8]> {
    HctModel::new("bomb.hct", file).unwrap()
}

/// What limit an error is about.
pub fn limit(error: &Error) -> LimitExceeded {
    let Error::Hct { error, .. } = error else {
        panic!("{error:?}");
    };
    match innermost(error) {
        hct_core::Error::Limit(limit) => limit.clone(),
        other => panic!("{other:?}"),
    }
}

/// That a file can be looked at and is refused by all else, at once; gives the limit.
fn refused(file: &[u8]) -> LimitExceeded {
    let begin = Instant::now();
    let model = open(file);
    match hct_model::info(&model) {
        Ok(info) => assert!(info.over_limits.is_some()),
        // Which it is, too.
        Err(error) => assert_says(&chain(&error), &["cut short"]),
    }
    let error = model.read(0).unwrap_err();
    assert_says(&chain(&error), &["bomb.hct", "limit"]);
    let exceeded = limit(&error);
    assert_eq!(exceeded.file_bytes, file.len() as u64);
    let of = |error: Option<Error>| limit(&error.unwrap());
    assert_eq!(of(model.check_limits().err()), exceeded);
    assert_eq!(of(model.check_layout().err()), exceeded);
    assert_eq!(of(model.tensor(0).err()), exceeded);
    let failures = verify(&model, &());
    assert!(
        failures.len() == 1 && failures[0].kind == "index",
        "{failures:?}"
    );
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    exceeded
}

#[test]
fn a_tensor_of_empty_tiles() {
    let mut made = Made::new();
    made.lossless("w", U8, &[4 * GIB], 4 * GIB, b"");
    let file = made.finish();
    assert!(file.len() < 1700, "{}", file.len());
    let exceeded = refused(&file);
    assert_eq!(
        (exceeded.what, exceeded.asked),
        (Limited::Unpacked, 4 * GIB)
    );
    assert_eq!(exceeded.name.as_deref(), Some("w"));
    assert_eq!(exceeded.limit, GIB / 4 + 1024 * file.len() as u64);
}

#[test]
fn a_valid_tensor_of_zeros() {
    let mut made = Made::new();
    made.lossless("w", U8, &[4 * GIB], 4 * GIB, ZERO_BYTES);
    let file = made.finish();
    assert!(file.len() < 2500);
    assert_eq!(refused(&file).what, Limited::Unpacked);
}

#[test]
fn a_valid_sparse_plane_that_keeps_nothing() {
    let mut made = Made::new();
    made.plane("w", 100, 70, &sparse_zeros());
    assert_eq!(open(&made.finish()).read(0).unwrap(), vec![0; 28_000]);
    let mut made = Made::new();
    made.plane("w", 1 << 15, 1 << 15, &sparse_zeros());
    let file = made.finish();
    assert!(file.len() < 3500);
    assert_eq!(refused(&file).what, Limited::Unpacked);
}

#[test]
fn many_tensors_that_are_each_within_reason() {
    let mut made = Made::new();
    for i in 0..256 {
        made.lossless(&format!("w{i}"), F32, &[GIB / 16], GIB / 4, ZERO_FLOATS);
    }
    let file = made.finish();
    assert!(file.len() < 80_000, "{}", file.len());
    let exceeded = refused(&file);
    assert_eq!(
        (exceeded.what, exceeded.asked),
        (Limited::Unpacked, 64 * GIB)
    );
}

#[test]
fn products_of_a_high_rank() {
    let mut made = Made::new();
    made.products("w", 64, 32, 2, &sparse_zeros());
    assert_eq!(open(&made.finish()).read(0).unwrap(), vec![0; 64 * 64 * 4]);
    let mut made = Made::new();
    made.products("w", 2048, 2048, 64, &sparse_zeros());
    let file = made.finish();
    assert!(file.len() < 4000);
    let exceeded = refused(&file);
    assert_eq!(exceeded.what, Limited::Work);
    assert_eq!(exceeded.name.as_deref(), Some("w"));
}

#[test]
fn many_tensors_of_products() {
    let mut made = Made::new();
    for i in 0..24 {
        made.products(&format!("w{i}"), 2048, 2048, 64, &sparse_zeros());
    }
    assert_eq!(refused(&made.finish()).what, Limited::Unpacked);
    let mut made = Made::new();
    for i in 0..24 {
        made.products(&format!("w{i}"), 1024, 1024, 64, &sparse_zeros());
    }
    assert_eq!(refused(&made.finish()).what, Limited::Work);
}

#[test]
fn sums_that_take_more_than_the_tensor() {
    // 196 MiB of weights, whose sum takes as much again.
    let mut made = Made::new();
    made.products("w", 7168, 64, 2, &sparse_zeros());
    let file = made.finish();
    let exceeded = limit(&open(&file).read(0).unwrap_err());
    assert_eq!(exceeded.what, Limited::Memory);
    assert_eq!(exceeded.asked, 4 * (2 * 7168 * 7168 + 2 * 7168 * 64));
}

#[test]
fn raised_limits_let_valid_files_through() {
    // A third of a gigabyte of zeros, honestly coded.
    let len = 320 << 20;
    let mut made = Made::new();
    made.lossless("w", U8, &[len], len, ZERO_BYTES);
    let file = made.finish();
    let exceeded = refused(&file);
    assert_eq!(exceeded.memory_needed(), len);
    let opened = |memory| {
        let limits = Limits::with_memory(memory);
        HctModel::new_within("zeros.hct", &file[..], limits).unwrap()
    };
    // A part of it asks for less.
    let part = |memory| {
        let model = opened(memory);
        model.check_limits().unwrap();
        let part = model.tensor(0).unwrap().rows(0..1000).unwrap();
        part.decode().map(|bytes| bytes.len())
    };
    assert_eq!(part(len).unwrap(), 1000);
    let model = opened(len);
    let decoded = model.read(0).unwrap();
    assert!(decoded.len() as u64 == len && decoded.iter().all(|&b| b == 0));
    let exceeded = limit(&opened(len - 1).read(0).unwrap_err());
    assert_eq!(exceeded.what, Limited::Memory);
    let unlimited = HctModel::new_within("zeros.hct", &file[..], Limits::none()).unwrap();
    unlimited.check_limits().unwrap();
}

#[test]
fn a_limit_of_memory_is_one_on_tensors_of_long_files_too() {
    let bytes = vec![7; 100_000];
    let mut made = Made::new();
    let mut recipe = vec![0];
    varint(&mut recipe, 1 << 24);
    let tile = [&[0][..], &bytes].concat();
    chunk(&mut recipe, &tile);
    made.tensor("w", U8, &[100, 1000], 0, &recipe);
    made.stored(&tile);
    let file = made.finish();
    let within =
        |memory| HctModel::new_within("m.hct", &file[..], Limits::with_memory(memory)).unwrap();
    assert!(*within(100_000).read(0).unwrap() == bytes);
    let exceeded = limit(&within(99_999).read(0).unwrap_err());
    assert_eq!((exceeded.what, exceeded.asked), (Limited::Memory, 100_000));
    let model = within(10_000);
    assert_eq!(
        limit(&model.check_limits().unwrap_err()).what,
        Limited::Memory
    );
    let rows = |rows| model.tensor(0).unwrap().rows(rows).unwrap().decode();
    assert_eq!(rows(90..100).unwrap(), vec![7; 10_000]);
    assert_eq!(limit(&rows(89..100).unwrap_err()).what, Limited::Memory);
}

#[test]
fn a_base_that_is_used_over_and_over() {
    // Each takes 45 bytes and says that it is a tensor of 1 GiB of the base.
    let mut made = Made::new();
    let mut recipe = vec![2];
    blob(&mut recipe, b"base");
    recipe.extend([7; 32]);
    made.tensor("w0", U8, &[GIB], 0, &recipe);
    let model_of = |made: Made| HctModel::new("delta.hct", made.finish()).unwrap();
    // Once is the base's own size.
    let mut once = Made::new();
    once.tensor("w0", U8, &[GIB], 0, &recipe);
    model_of(once).check_limits().unwrap();
    // Hardly any difference is decoded at the price of the base, too.
    let mut little = Made::new();
    let mut delta = vec![3];
    blob(&mut delta, b"base");
    delta.extend([7; 32]);
    varint(&mut delta, 1 << 24);
    (0..=(16 * GIB) >> 24).for_each(|_| chunk(&mut delta, b""));
    little.tensor("w0", U8, &[16 * GIB], 0, &delta);
    model_of(little).check_limits().unwrap();
    for i in 1..100 {
        made.tensor(&format!("w{i}"), U8, &[GIB], 0, &recipe);
    }
    let exceeded = limit(&model_of(made).check_limits().unwrap_err());
    assert_eq!(
        (exceeded.what, exceeded.asked),
        (Limited::Unpacked, 99 * GIB)
    );
}

#[test]
fn an_index_of_nothing_but_tensors_or_labels() {
    let mut made = Made::new();
    for i in 0..=1 << 20 {
        made.tensor(&format!("{i:x}"), U8, &[0], 0, &[0, 1]);
    }
    let file = made.finish();
    let error = HctModel::new("m.hct", &file[..]).err().unwrap();
    assert_eq!(
        (limit(&error).what, limit(&error).asked),
        (Limited::Tensors, (1 << 20) + 1)
    );
    let raised = Limits::with_memory(limit(&error).memory_needed());
    let model = HctModel::new_within("m.hct", &file[..], raised).unwrap();
    assert_eq!(model.tensors().len(), (1 << 20) + 1);

    let mut made = Made::new();
    (0..1 << 20).for_each(|_| made.empty_label());
    let error = HctModel::new("m.hct", made.finish()).err().unwrap();
    assert_eq!(limit(&error).what, Limited::Labels);
}

#[test]
fn a_long_index() {
    let mut made = Made::new();
    made.tensor(&"n".repeat(1000), U8, &[0], 0, &[0, 1]);
    let file = made.finish();
    let mut limits = Limits::default();
    limits.index = 1000;
    let error = HctModel::new_within("m.hct", &file[..], limits)
        .err()
        .unwrap();
    let exceeded = limit(&error);
    assert!(
        exceeded.what == Limited::Index && exceeded.asked > 1000,
        "{exceeded:?}"
    );
}
