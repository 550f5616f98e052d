//! Without its base, or with another, nothing is decoded and nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use hct_model::{Base, BaseFault, Error, TensorSource, restore};
use hct_strategies::{LosslessEncoder, Quality, RdoEncoder, Strategy};

use crate::support::{checkpoint, moved, open, packed, weights};

#[test]
fn a_base_that_is_not_the_one_is_an_error_before_anything_is_written() {
    let (a, b) = (weights(64 * 64, 1), weights(64 * 64, 2));
    let base = Arc::new(Base::checkpoint(checkpoint(&[("a", &a), ("b", &b)])));
    let tuned = checkpoint(&[("a", &moved(&a, 0.01, 3)), ("b", &moved(&b, 0.01, 4))]);
    let mut other = b.clone();
    other[64 * 64 - 1] += 1.0;
    let wrong = [
        (checkpoint(&[("a", &a), ("b", &other)]), "contents"),
        (checkpoint(&[("a", &a)]), "no such tensor"),
        (checkpoint(&[("a", &a), ("b", &b[..64 * 32])]), "[32, 64]"),
    ]
    .map(|(base, says)| (Arc::new(Base::checkpoint(base)), says));
    let rdo = RdoEncoder::new(Quality::Cosine(0.999));
    for strategy in [&LosslessEncoder as &dyn Strategy, &rdo] {
        let (file, report) = packed(&tuned, Some(&base), strategy);
        assert_eq!(report.base_use.differences, 2);
        for (wrong, says) in &wrong {
            let model = open(file.clone(), Some(wrong));
            // Its first tensor is right.
            assert!(model.read(0).is_ok());
            let mut written = BTreeMap::new();
            let error = restore(&model, &mut written, &()).unwrap_err();
            assert!(written.is_empty(), "something was written");
            let Error::WrongBase { tensor, fault, .. } = &error else {
                panic!("{error:?}");
            };
            assert_eq!(tensor, "b");
            assert!(fault.to_string().contains(says), "{fault}");
        }
        let missing = restore(&open(file.clone(), None), &mut BTreeMap::new(), &());
        let error = missing.unwrap_err();
        assert!(
            matches!(
                error,
                Error::NeedsBase {
                    tensors: 2,
                    of: 2,
                    ..
                }
            ),
            "{error:?}"
        );
        let right = open(file, Some(&base));
        assert!(right.check_base(&()).is_ok());
        restore(&right, &mut BTreeMap::new(), &()).unwrap();
    }
    assert_eq!(BaseFault::Missing.to_string(), "it has no such tensor");
}
