//! A size that is asked for is that of the file, whatever the base takes.

use std::sync::Arc;

use hct_model::{Base, BaseMap, BaseMatch, CompressOptions, encode_to_rate};
use hct_strategies::{Plan, StrategyName, StrategySpec};

use crate::support::{checkpoint, moved, open, weights};

#[test]
fn bits_per_weight_are_those_of_the_delta_file() {
    let values = weights(512 * 64, 1);
    let base = Arc::new(Base::checkpoint(checkpoint(&[("w", &values)])));
    let tuned = checkpoint(&[("w", &moved(&values, 0.1, 2))]);
    let map = BaseMap::default();
    let matched = BaseMatch::new(&tuned, &base, &map, &()).unwrap();
    let options = CompressOptions {
        side_files: false,
        provenance: None,
        base: Some(&matched),
        hashes: false,
    };
    let spec = StrategySpec::builder(StrategyName::Rdo).bits_per_weight(3.0);
    let Plan::Rate(plan) = spec.finish().unwrap().plan(["w"], None).unwrap() else {
        panic!("a size is a plan of its own");
    };
    let (file, report, octaves) =
        encode_to_rate(&tuned, &mut || Ok(Vec::new()), &plan, options, &()).unwrap();
    let bits = 8.0 * file.len() as f64 / values.len() as f64;
    assert!((bits / 3.0 - 1.0).abs() < 0.01, "{bits}");
    assert_eq!(report.bits_per_weight(), bits);
    assert_eq!(report.base_use.differences, 1);
    // Three bits tell far more of a difference a tenth the size of the weights than of them.
    assert!(octaves < -9.0, "{octaves}");
    let model = open(file, Some(&base));
    assert!(model.tensor(0).unwrap().decode().is_ok());
}
