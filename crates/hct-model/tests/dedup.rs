//! What checkpoints have in common.

#[path = "delta/support.rs"]
#[allow(dead_code, reason = "shared with the tests of deltas")]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use hct_model::{Base, DedupReport, Error, Member, Progress, TensorInfo, dedup};
use hct_strategies::LosslessEncoder;
use support::{Checkpoint, checkpoint, moved, packed, weights};

const N: usize = 512 * 64;

fn members<'a>(named: &'a [(&'a str, Checkpoint)]) -> Vec<Member<'a>> {
    let member = |(name, source): &'a (&str, Checkpoint)| Member { name, source };
    named.iter().map(member).collect()
}

fn found(named: &[(&str, Checkpoint)]) -> DedupReport {
    dedup(&members(named), &()).unwrap()
}

/// A base, two fine-tunes of it, and a stranger with one tensor of the base under another name.
fn family() -> [(&'static str, Checkpoint); 4] {
    let [a, b, c] = [1, 2, 3].map(|seed| weights(N, seed));
    let tuned = |seed| {
        let a = moved(&a, 0.001, seed);
        checkpoint(&[("a", &a), ("b", &b)])
    };
    [
        ("first", tuned(10)),
        ("base", checkpoint(&[("a", &a), ("b", &b)])),
        ("second", tuned(11)),
        ("stranger", checkpoint(&[("a", &c), ("other", &b)])),
    ]
}

#[test]
fn duplicates_are_found_under_any_name() {
    let report = found(&family());
    let [only] = &report.duplicates[..] else {
        panic!("{:?}", report.duplicates);
    };
    let place = |member: usize, name: &str| (member, name.to_owned());
    assert_eq!(
        only.places,
        [
            place(0, "b"),
            place(1, "b"),
            place(2, "b"),
            place(3, "other")
        ]
    );
    assert_eq!(only.bytes, 4 * N as u64);
    assert_eq!(only.wasted(), 12 * N as u64);
    let stranger = &report.checkpoints[3];
    assert_eq!(stranger.bases[0].unchanged, 1);
    assert!(stranger.bases[0].near.is_empty());
}

#[test]
fn the_base_of_a_family_is_found_and_the_size_on_it_is_near_that_of_the_file() {
    let family = family();
    let report = found(&family);
    let bases: Vec<Option<usize>> = report.checkpoints.iter().map(|c| c.base).collect();
    assert_eq!(bases, [Some(1), None, Some(1), Some(1)]);
    let first = &report.checkpoints[0];
    assert_eq!(first.bases[0].checkpoint, 1);
    assert_eq!(first.bases[0].near, ["a"]);
    assert_eq!((first.tensors, first.bytes), (2, 8 * N as u64));
    // Siblings differ by both their differences.
    assert!(first.bases[0].bytes < first.bases[1].bytes);
    let base = Base::checkpoint(checkpoint(&[("a", &weights(N, 1)), ("b", &weights(N, 2))]));
    let near = |estimate: u64, file: usize| {
        let off = estimate as f64 / file as f64 - 1.0;
        assert!(off.abs() < 0.02, "{estimate} for {file}");
    };
    let (alone, _) = packed(&family[0].1, None, &LosslessEncoder);
    near(first.alone, alone.len());
    let (on_base, _) = packed(&family[0].1, Some(&base), &LosslessEncoder);
    near(first.planned(), on_base.len());
}

#[test]
fn samples_of_large_tensors_tell_what_the_whole_takes() {
    let n = 1 << 20;
    let base = weights(n, 1);
    // A part of the rows moves far, the rest hardly.
    let mut tuned = moved(&base, 1e-5, 2);
    tuned[..n / 8].copy_from_slice(&moved(&base[..n / 8], 0.02, 3));
    let named = [
        ("base", checkpoint(&[("w", &base)])),
        ("tuned", checkpoint(&[("w", &tuned)])),
    ];
    let report = found(&named);
    let estimate = report.checkpoints[1].bases[0].bytes;
    let base = Base::checkpoint(checkpoint(&[("w", &base)]));
    let (file, _) = packed(&named[1].1, Some(&base), &LosslessEncoder);
    let off = estimate as f64 / file.len() as f64 - 1.0;
    assert!(off.abs() < 0.05, "{estimate} for {}", file.len());
}

#[test]
fn strangers_stay_alone() {
    let named = [
        ("a", checkpoint(&[("w", &weights(N, 1))])),
        ("b", checkpoint(&[("w", &weights(N, 2))])),
    ];
    let report = found(&named);
    assert!(report.duplicates.is_empty());
    for c in &report.checkpoints {
        assert_eq!((c.base, c.planned()), (None, c.alone));
    }
    assert!(found(&[]).checkpoints.is_empty());
}

#[test]
fn every_tensor_is_read_once_and_a_run_can_be_stopped() {
    #[derive(Default)]
    struct Seen(AtomicU64, bool);
    impl Progress for Seen {
        fn advance(&self, bytes: u64, _tensor: &str) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.1
        }
    }
    let family = family();
    let members = members(&family);
    let seen = Seen::default();
    dedup(&members, &seen).unwrap();
    let tensors = members.iter().flat_map(|m| m.source.tensors());
    assert_eq!(
        seen.0.into_inner(),
        tensors.map(TensorInfo::byte_len).sum::<u64>()
    );
    let stopped = dedup(&members, &Seen(AtomicU64::new(0), true));
    assert!(matches!(stopped, Err(Error::Cancelled)));
}
