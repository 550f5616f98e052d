//! A size that is asked for is that of the file, whatever the base takes.

use std::sync::Arc;

use hct_model::{Base, BaseMap, BaseMatch, CompressOptions, encode_to_rate};
use hct_strategies::{Quality, RdoEncoder, Strategy};

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
    };
    let rdo = |quality: Quality| Box::new(RdoEncoder::new(quality)) as Box<dyn Strategy>;
    let (file, report, rel_mse) =
        encode_to_rate(&tuned, &mut || Ok(Vec::new()), &rdo, 3.0, options, &()).unwrap();
    let bits = 8.0 * file.len() as f64 / values.len() as f64;
    assert!((bits / 3.0 - 1.0).abs() < 0.01, "{bits}");
    assert_eq!(report.bits_per_weight(), bits);
    assert_eq!(report.base_use.differences, 1);
    // Three bits tell far more of a difference a tenth the size of the weights than of them.
    assert!(rel_mse < 0.002, "{rel_mse}");
    let model = open(file, Some(&base));
    assert!(model.tensor(0).unwrap().decode().is_ok());
}
