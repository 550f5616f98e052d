//! A flip anywhere is found, the tensor that it is in is named, and all others are as they were.

use std::collections::BTreeMap;

use hct_core::Dtype;
use hct_model::{
    CompressOptions, HctModel, Header, Safetensors, TensorInfo, TensorSource, encode, verify,
};
use hct_strategies::{Plan, StrategyName, StrategySpec};

/// Of all recipes but those on a base: which tensors are coded how follows from their kinds.
fn file(strategy: StrategyName) -> Vec<u8> {
    let tensors = [
        ("model.embed_tokens.weight", Dtype::F32, vec![96, 32]),
        (
            "model.layers.0.mlp.up_proj.weight",
            Dtype::BF16,
            vec![64, 48],
        ),
        (
            "model.layers.0.mlp.down_proj.weight",
            Dtype::F16,
            vec![48, 64],
        ),
        ("model.norm.weight", Dtype::F32, vec![40]),
        ("ids", Dtype::I32, vec![50]),
    ];
    let infos = tensors.map(|(name, dtype, shape)| TensorInfo {
        name: name.to_owned(),
        dtype,
        shape,
    });
    let header = Header::of(&infos).unwrap();
    let mut bytes = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.header_bytes());
    let mut state = 3u64;
    let mut weight = || {
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (uniform() + uniform() + uniform()) * 0.05
    };
    for info in &infos {
        for _ in 0..info.shape.iter().product() {
            let value = weight();
            match info.dtype {
                Dtype::F16 => bytes.extend(half::f16::from_f32(value).to_le_bytes()),
                Dtype::BF16 => bytes.extend(half::bf16::from_f32(value).to_le_bytes()),
                _ => bytes.extend(value.to_le_bytes()),
            }
        }
    }
    let source = Safetensors::new("made up", [("m.safetensors", bytes)]).unwrap();
    let spec = StrategySpec::builder(strategy).fragments(2);
    let spec = spec
        .finish()
        .unwrap_or(StrategySpec::builder(strategy).finish().unwrap());
    let Ok(Plan::Strategy(strategy)) = spec.plan([], None) else {
        panic!("no size is asked for")
    };
    let options = CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: false,
    };
    encode(&source, Vec::new(), &*strategy, options, &())
        .unwrap()
        .0
}

#[test]
fn ten_thousand_flips_are_found_and_named() {
    let (mut flips, mut named, mut unopened) = (0, BTreeMap::new(), 0);
    for strategy in [
        StrategyName::Rdo,
        StrategyName::Uniform,
        StrategyName::Svd,
        StrategyName::Lossless,
    ] {
        let file = file(strategy);
        let whole = HctModel::new("whole", file.clone()).unwrap();
        assert!(verify(&whole, &()).is_empty());
        let mut state = 7u64;
        for _ in 0..2500 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let bit = (state >> 24) as usize % (8 * file.len());
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            flips += 1;
            let Ok(model) = HctModel::new("damaged", damaged) else {
                unopened += 1;
                continue;
            };
            let failures = verify(&model, &());
            assert_eq!(failures.len(), 1, "bit {bit}: {failures:?}");
            let lost = &failures[0];
            let name = match lost.kind {
                "recovery block" => lost.kind.to_owned(),
                _ => lost.name.clone(),
            };
            *named.entry(name).or_insert(0) += 1;
            if lost.kind == "tensor" {
                assert_eq!(lost.pieces.len(), 1, "{lost:?}");
            }
            for (number, info) in whole.tensors().iter().enumerate() {
                let read = model.read(number);
                match lost.kind == "tensor" && info.name == lost.name {
                    true => assert!(read.is_err()),
                    false => assert!(read.unwrap() == whole.read(number).unwrap()),
                }
            }
        }
    }
    println!("{flips} flips; could not be opened: {unopened}; named: {named:?}");
    assert_eq!(unopened + named.values().sum::<i32>(), flips);
    assert_eq!(named.len(), 7, "{named:?}");
}
