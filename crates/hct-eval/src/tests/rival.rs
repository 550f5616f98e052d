//! Rival formats on made-up weights: sizes that can be worked out by hand.

use hct_core::Dtype;
use hct_model::TensorSource;

use super::made_up::MadeUp;
use crate::weights::to_f32;
use crate::{RivalFormat, RivalModel};

fn source() -> MadeUp {
    let mut source = MadeUp::default();
    source.add("long", &[4, 512], 0.0, 1.0);
    source.add("short", &[3, 96], 0.0, 1.0);
    source.add("odd", &[5, 10], 0.0, 1.0);
    source.add("norm", &[512], 1.0, 0.1);
    source
}

#[test]
fn every_tensor_is_counted_in_the_format_it_gets() {
    let source = source();
    // Bytes per block: Q4_K 144 of 256, Q5_0 22 of 32; four per number left alone.
    let rival = RivalModel::new(&source, RivalFormat::Q4K).unwrap();
    let bytes = 8 * 144 + 9 * 22 + 4 * (50 + 512);
    assert_eq!(rival.bytes(), bytes);
    let elements = 2048 + 288 + 50 + 512;
    assert_eq!(
        rival.bits_per_weight(),
        bytes as f64 * 8.0 / f64::from(elements)
    );
    let used: Vec<_> = rival
        .weights_by_block()
        .iter()
        .map(|(&k, &v)| (k, v))
        .collect();
    assert_eq!(used, [("F32", 562), ("Q4_K", 2048), ("Q5_0", 288)]);
}

#[test]
fn more_bits_bring_back_more() {
    let source = source();
    let errors = RivalFormat::ALL.map(|format| {
        let rival = RivalModel::new(&source, format).unwrap();
        assert_eq!(rival.tensors()[0].dtype, Dtype::F32);
        let restored = to_f32(&rival.tensors()[0], &rival.read(0).unwrap()).unwrap();
        let differences = restored
            .iter()
            .zip(source.get("long"))
            .map(|(a, b)| (a - b).powi(2));
        differences.sum::<f32>() / 2048.0
    });
    // Q4_K and Q4_0 are of one size.
    for (format, pair) in RivalFormat::ALL.iter().zip(errors.windows(2)) {
        assert!(pair[0] < pair[1], "after {}: {errors:?}", format.name());
    }
    // A step of 2 * 1 / 255 at most, rounded to the nearest.
    assert!(errors[0] > 0.0 && errors[0] < (1.0f32 / 255.0).powi(2));
}

#[test]
fn what_does_not_fit_is_left_alone() {
    let source = source();
    let rival = RivalModel::new(&source, RivalFormat::Q2K).unwrap();
    for index in [2, 3] {
        assert_eq!(
            rival.read(index).unwrap()[..],
            source.read(index).unwrap()[..]
        );
    }
}
