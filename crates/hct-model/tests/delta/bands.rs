//! Tensors of several bands: what they are coded against is decoded once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hct_core::ReadAt;
use hct_model::{Base, HctModel, prove, restore};
use hct_strategies::LosslessEncoder;

use crate::support::{checkpoint, moved, open, packed, weights};

/// Values of a matrix of 66 MiB: of two only one is kept decoded.
const LONG: usize = 66 << 18;

/// A file of which is counted how much is read.
struct Counting {
    file: Vec<u8>,
    read: Arc<AtomicU64>,
}

impl ReadAt for Counting {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        self.file.read_at(offset, len)
    }
}

#[test]
fn large_tensors_of_a_base_are_decoded_once() {
    let [first, second] = [1, 2].map(|seed| weights(LONG, seed));
    let third = weights(64 * 64, 3);
    let old = checkpoint(&[("a", &first), ("b", &second), ("c", &third)]);
    let third = moved(&third, 0.01, 4);
    let new = checkpoint(&[("a", &first), ("b", &second), ("c", &third)]);
    let (file, _) = packed(&old, None, &LosslessEncoder);
    let (len, read) = (file.len() as u64, Arc::new(AtomicU64::new(0)));
    let counting = Counting {
        file,
        read: Arc::clone(&read),
    };
    let model = HctModel::new("base.hct", counting).unwrap();
    let base = Arc::new(Base::model(model).unwrap());
    let (file, report) = packed(&new, Some(&base), &LosslessEncoder);
    assert_eq!(report.base_use.unchanged, 2);
    let model = open(file, Some(&base));
    let once = || read.swap(0, Ordering::Relaxed) < len + len / 10;
    once();
    // On a pool that has bands of both of them in a batch.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4);
    pool.build().unwrap().install(|| {
        prove(&model, &new, &()).unwrap();
        assert!(once());
        restore(&model, &mut BTreeMap::new(), &()).unwrap();
        assert!(once());
    });
}
