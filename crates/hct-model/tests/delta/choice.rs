//! A tensor is coded against its base only where that is smaller.

use std::sync::Arc;

use hct_core::Recipe;
use hct_model::Base;
use hct_strategies::LosslessEncoder;

use crate::support::{assert_same, checkpoint, moved, open, packed, weights};

#[test]
fn every_tensor_is_coded_the_way_that_is_smallest() {
    let n = 128 * 64;
    let (near, far, same) = (weights(n, 1), weights(n, 2), weights(n, 3));
    let stranger: Vec<f32> = weights(n, 4).iter().map(|v| v * 1e-3).collect();
    let base = checkpoint(&[("near", &near), ("far", &far), ("same", &same)]);
    let base = Arc::new(Base::checkpoint(base));
    let near = moved(&near, 0.001, 5);
    let tuned = checkpoint(&[("near", &near), ("far", &stranger), ("same", &same)]);
    let (file, report) = packed(&tuned, Some(&base), &LosslessEncoder);
    let used = report.base_use;
    assert_eq!((used.differences, used.alone, used.unchanged), (1, 1, 1));
    let model = open(file, Some(&base));
    assert_same(&model, &tuned);
    let records = &model.index().tensors;
    assert!(matches!(records[2].recipe, Recipe::Unchanged(_)));
    assert_eq!(
        records[2].payload_bytes(),
        0,
        "an unchanged one costs its record"
    );
    assert!(records[1].base().is_none());

    // The same as without a base, to the byte: it pays for nothing.
    let alone = checkpoint(&[("far", &stranger)]);
    let (with, _) = packed(&alone, Some(&base), &LosslessEncoder);
    let (without, _) = packed(&alone, None, &LosslessEncoder);
    assert!(with == without);
}
