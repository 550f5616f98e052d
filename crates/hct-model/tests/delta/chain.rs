//! Files that are each coded against the one before: eight, and no more.

use std::sync::Arc;

use hct_model::{Base, Error, MAX_BASE_CHAIN};
use hct_strategies::LosslessEncoder;

use crate::support::{assert_same, checkpoint, moved, open, packed, weights};

/// Versions of one matrix, each moved from the one before.
fn versions(n: usize) -> Vec<Vec<f32>> {
    let mut all = vec![weights(96 * 64, 1)];
    for seed in 2..=n as u64 {
        let next = moved(&all[all.len() - 1], 0.001, seed);
        all.push(next);
    }
    all
}

#[test]
fn eight_files_in_a_row_come_back_and_a_ninth_is_refused() {
    assert_eq!(MAX_BASE_CHAIN, 8);
    let versions = versions(MAX_BASE_CHAIN);
    let mut base: Option<Arc<Base>> = None;
    let mut sizes = Vec::new();
    for values in &versions {
        let source = checkpoint(&[("w", values)]);
        let (file, report) = packed(&source, base.as_deref(), &LosslessEncoder);
        assert_eq!(report.base_use.differences, usize::from(base.is_some()));
        sizes.push(file.len());
        let model = open(file, base.as_ref());
        assert_same(&model, &source);
        let last = sizes.len() == MAX_BASE_CHAIN;
        match Base::model(model) {
            Ok(next) => {
                assert!(!last, "the eighth is a base");
                base = Some(Arc::new(next));
            }
            Err(error) => {
                assert!(last, "{error}");
                assert!(matches!(error, Error::BaseChain { limit: 8, .. }));
                let message = error.to_string();
                assert!(
                    message.contains("file.hct is the last of 8 files"),
                    "{message}"
                );
            }
        }
    }
    assert_eq!(sizes.len(), MAX_BASE_CHAIN);
    assert!(
        sizes[1..].iter().all(|&n| 10 * n < 8 * sizes[0]),
        "{sizes:?}"
    );
}
