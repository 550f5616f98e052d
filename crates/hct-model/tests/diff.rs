//! The numbers of [`hct_model::diff`] on tensors small enough to work out by hand.

use std::borrow::Cow;

use hct_core::Dtype;
use hct_model::{DiffError, DiffReport, Error, TensorInfo, TensorSource, diff};

/// Tensors in memory.
struct Memory {
    infos: Vec<TensorInfo>,
    bytes: Vec<Vec<u8>>,
}

impl TensorSource for Memory {
    fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        Ok(Cow::Borrowed(&self.bytes[index]))
    }
}

fn memory(tensors: Vec<(&str, Dtype, &[u64], Vec<u8>)>) -> Memory {
    let (infos, bytes) = tensors
        .into_iter()
        .map(|(name, dtype, shape, bytes)| {
            let (name, shape) = (name.to_owned(), shape.to_vec());
            (TensorInfo { name, dtype, shape }, bytes)
        })
        .unzip();
    Memory { infos, bytes }
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Diff of one F32 tensor.
fn one(shape: &[u64], a: &[f32], b: &[f32]) -> DiffReport {
    let of = |values| memory(vec![("t", Dtype::F32, shape, f32s(values))]);
    diff(&of(a), &of(b), &()).unwrap()
}

#[test]
fn a_matrix_worked_out_by_hand() {
    let report = one(&[2, 2], &[3.0, 4.0, 0.0, 2.0], &[3.0, 4.0, 2.0, 0.0]);
    let t = &report.tensors[0];
    assert_eq!(t.agreement.elements, 4);
    assert!((t.agreement.cosine - 25.0 / 29.0).abs() < 1e-15);
    assert!((t.agreement.rel_mse - 8.0 / 29.0).abs() < 1e-15);
    assert_eq!(t.max_abs_err, 2.0);
    assert_eq!(t.min_row_cosine, 0.0);
    // A's mean row is (1.5, 3): the rows become ±(1.5, 1), and B's second (0.5, −3).
    let second = (-1.5 * 0.5 + 3.0) / (3.25f64.sqrt() * 9.25f64.sqrt());
    let rows = t.centred.unwrap();
    assert!((rows.median_cosine - (1.0 + second) / 2.0).abs() < 1e-12);
    assert!((rows.p1_cosine - (second + 0.01 * (1.0 - second))).abs() < 1e-12);
    assert_eq!(report.total, t.agreement);
    assert_eq!(report.matrices, t.agreement);
}

#[test]
fn vectors_are_one_row_and_no_matrix() {
    let report = one(&[1, 4], &[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0]);
    let t = &report.tensors[0];
    assert_eq!((t.agreement.cosine, t.agreement.rel_mse), (0.0, 2.0));
    assert_eq!((t.min_row_cosine, t.centred), (0.0, None));
    assert_eq!(report.total, t.agreement);
    assert_eq!(report.matrices.elements, 0);
    assert_eq!(report.matrices.cosine, 1.0);
}

#[test]
fn zeros() {
    let t = &one(&[2], &[0.0; 2], &[-0.0; 2]).tensors[0];
    assert_eq!((t.agreement.cosine, t.agreement.rel_mse), (1.0, 0.0));
    let t = &one(&[2], &[0.0; 2], &[0.0, 1.0]).tensors[0];
    assert_eq!(
        (t.agreement.cosine, t.agreement.rel_mse),
        (0.0, f64::INFINITY)
    );
    let t = &one(&[2], &[0.0, 2.0], &[0.0; 2]).tensors[0];
    assert_eq!((t.agreement.cosine, t.agreement.rel_mse), (0.0, 1.0));
    assert_eq!(t.max_abs_err, 2.0);
    let report = one(&[0, 5], &[], &[]);
    assert_eq!(report.tensors[0].agreement.cosine, 1.0);
    assert_eq!(report.total.elements, 0);
}

#[test]
fn numbers_that_are_not_finite() {
    const INF: f32 = f32::INFINITY;
    let odd = [f32::NAN, INF, -INF, 1.0];
    let t = &one(&[2, 2], &odd, &odd).tensors[0];
    assert_eq!((t.agreement.cosine, t.agreement.rel_mse), (1.0, 0.0));
    for (a, b) in [(INF, -INF), (1.0, f32::NAN), (INF, 1.0), (f32::NAN, INF)] {
        let report = one(&[4], &[1.0, 2.0, a, 3.0], &[1.0, 2.0, b, 3.0]);
        let t = &report.tensors[0];
        assert!(t.agreement.cosine.is_nan() && t.min_row_cosine.is_nan());
        assert_eq!(t.agreement.rel_mse, f64::INFINITY);
        assert_eq!(t.max_abs_err, f64::INFINITY);
        assert!(report.total.cosine.is_nan());
    }
}

#[test]
fn dtypes_may_differ() {
    let values = [1.0f32, -0.5, 1024.0, 3.0];
    let bf16 = values
        .iter()
        .flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes());
    let a = memory(vec![("t", Dtype::F32, &[4], f32s(&values))]);
    let b = memory(vec![("t", Dtype::BF16, &[4], bf16.collect())]);
    let report = diff(&a, &b, &()).unwrap();
    assert_eq!(report.total.rel_mse, 0.0);
    assert_eq!(report.total.elements, 4);
}

#[test]
fn integers_are_compared_but_not_in_totals() {
    let ints = |last: i16| {
        let values = [3, 4, last].map(i16::to_le_bytes);
        memory(vec![("t", Dtype::I16, &[3], values.concat())])
    };
    let report = diff(&ints(0), &ints(0), &()).unwrap();
    assert_eq!(report.tensors[0].agreement.cosine, 1.0);
    let report = diff(&ints(0), &ints(-5), &()).unwrap();
    assert_eq!(report.tensors[0].agreement.rel_mse, 1.0);
    assert_eq!(report.tensors[0].max_abs_err, 5.0);
    assert_eq!(report.total.elements, 0);
    assert_eq!(report.total.rel_mse, 0.0);
}

#[test]
fn packed_elements_are_equal_or_not_comparable() {
    let packed = |byte| memory(vec![("t", Dtype::F4, &[2], vec![byte])]);
    let report = diff(&packed(1), &packed(1), &()).unwrap();
    assert_eq!(report.tensors[0].agreement.cosine, 1.0);
    let error = diff(&packed(1), &packed(2), &()).unwrap_err();
    assert!(matches!(&error, DiffError::NoValues { tensor, .. } if tensor == "t"));
    assert!(error.to_string().contains("F4"));
}

#[test]
fn what_cannot_be_paired_is_named() {
    let tensors = |names: &[&'static str], shape: &'static [u64]| {
        let tensor = |&name| (name, Dtype::U8, shape, vec![1, 2, 3, 4]);
        memory(names.iter().map(tensor).collect())
    };
    let many = tensors(&["a", "b", "c", "d", "e", "f", "g"], &[4]);
    let few = tensors(&["c"], &[4]);
    let error = diff(&many, &few, &()).unwrap_err();
    let DiffError::Missing { tensors: missing } = &error else {
        panic!("{error}")
    };
    assert_eq!(missing, &["a", "b", "d", "e", "f", "g"]);
    assert!(error.to_string().contains("and 1 more"), "{error}");

    let report = diff(&few, &many, &()).unwrap();
    assert_eq!(report.only_in_b, ["a", "b", "d", "e", "f", "g"]);

    let error = diff(&few, &tensors(&["c"], &[2, 2]), &()).unwrap_err();
    assert!(matches!(error, DiffError::Shape { .. }));
    assert!(error.to_string().contains("\"c\""));
}

#[test]
fn threads_do_not_change_the_sums() {
    let values = |seed: u32| -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        };
        (0..300 * 1500).map(|_| next()).collect()
    };
    let (a, b) = (values(1), values(2));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| one(&[300, 1500], &a, &b))
    };
    assert_eq!(with(1), with(3));
}
