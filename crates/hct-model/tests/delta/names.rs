//! Tensors of a base are found under other names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hct_model::{Base, BaseMap, BaseMatch, Error, Progress};
use hct_strategies::LosslessEncoder;

use crate::support::{assert_same, checkpoint, moved, open, pack, weights};

#[derive(Default)]
struct Seen(AtomicU64);

impl Progress for Seen {
    fn advance(&self, bytes: u64, _tensor: &str) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[test]
fn what_is_the_same_is_found_by_its_hash_and_what_is_read_is_told() {
    let (a, b) = (weights(64 * 64, 1), weights(64 * 64, 2));
    let base = Arc::new(Base::checkpoint(checkpoint(&[("old.a", &a), ("b", &b)])));
    let tuned = checkpoint(&[("b", &b), ("new.a", &a)]);
    let seen = Seen::default();
    let map = BaseMap::default();
    BaseMatch::new(&tuned, &base, &map, &seen).unwrap();
    // The one without a name in the base, and the two of the base that it might be.
    let expected = BaseMatch::bytes_to_hash(&tuned, &base, &map).unwrap();
    assert_eq!(seen.0.into_inner(), expected);
    assert_eq!(expected, 3 * 4 * 64 * 64);
    let (file, report) = pack(&tuned, Some((&base, &map)), &LosslessEncoder).unwrap();
    assert_eq!(report.base_use.unchanged, 2);
    let model = open(file, Some(&base));
    assert_eq!(model.index().tensors[1].base().unwrap().name, "old.a");
    assert_same(&model, &tuned);
}

#[test]
fn a_map_names_what_changed_and_one_that_leads_nowhere_is_refused() {
    let (a, b) = (weights(64 * 64, 1), weights(64 * 64, 2));
    let base = checkpoint(&[("encoder.a", &a), ("encoder.b", &b)]);
    let base = Arc::new(Base::checkpoint(base));
    let (a, b) = (moved(&a, 0.01, 3), moved(&b, 0.01, 4));
    let tuned = checkpoint(&[("model.a", &a), ("model.b", &b)]);
    let code = |json: &str| {
        let map = BaseMap::from_json(json).unwrap();
        pack(&tuned, Some((&base, &map)), &LosslessEncoder)
    };
    for (json, differences) in [
        ("{}", 0),
        (r#"{"model.a": "encoder.a"}"#, 1),
        (r#"{"model.*": "encoder.*"}"#, 2),
    ] {
        let (file, report) = code(json).unwrap();
        assert_eq!(report.base_use.differences, differences, "{json}");
        assert_same(&open(file, Some(&base)), &tuned);
    }
    let error = code(r#"{"model.a": "decoder.a"}"#).err().unwrap();
    assert!(matches!(error, Error::BaseMap(_)), "{error:?}");
}
