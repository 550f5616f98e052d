//! The randomized decomposition against nalgebra's full one, and where there is nothing to find.

use hct_core::MatrixView;
use hct_strategies::{TruncatedSvd, randomized_svd};
use nalgebra::DMatrix;

/// Independent values of mean 0 and standard deviation `scale`.
fn noise(n: usize, scale: f64, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    (0..n)
        .map(|_| scale * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0))
        .collect()
}

/// A matrix with about these singular values, of random directions.
fn with_spectrum(rows: usize, cols: usize, singular: &[f64]) -> Vec<f32> {
    let rank = singular.len();
    let left = DMatrix::from_vec(rows, rank, noise(rows * rank, 1.0, 1))
        .qr()
        .q();
    let right = DMatrix::from_vec(cols, rank, noise(cols * rank, 1.0, 2))
        .qr()
        .q();
    let scaled = DMatrix::from_fn(rows, rank, |r, k| left[(r, k)] * singular[k]);
    let product = scaled * right.transpose();
    row_major(&product)
}

fn row_major(matrix: &DMatrix<f64>) -> Vec<f32> {
    matrix.transpose().iter().map(|&v| v as f32).collect()
}

fn decompose(values: &[f32], rows: usize, cols: usize, rank: usize) -> TruncatedSvd {
    let view = MatrixView::from_values(values, rows, cols).unwrap();
    let svd = randomized_svd(view, rank).unwrap();
    let rank = rank.min(rows).min(cols);
    assert_eq!(svd.left.len(), rows * rank);
    assert_eq!(svd.singular.len(), rank);
    assert_eq!(svd.right.len(), rank * cols);
    svd
}

/// U, V and the product.
fn factors(svd: &TruncatedSvd, rows: usize, cols: usize) -> [DMatrix<f64>; 3] {
    let rank = svd.singular.len();
    let left = DMatrix::from_row_iterator(rows, rank, svd.left.iter().map(|&v| v.into()));
    let right = DMatrix::from_row_iterator(rank, cols, svd.right.iter().map(|&v| v.into()));
    let scaled = DMatrix::from_fn(rows, rank, |r, k| left[(r, k)] * svd.singular[k]);
    let product = scaled * &right;
    [left, right.transpose(), product]
}

/// Checks that the factors are orthonormal, in order and of the promised signs.
fn check_shape(svd: &TruncatedSvd, rows: usize, cols: usize) {
    let [left, right, _] = factors(svd, rows, cols);
    for basis in [&left, &right] {
        let gram = basis.transpose() * basis;
        let deviation = (gram - DMatrix::identity(basis.ncols(), basis.ncols())).amax();
        assert!(deviation < 1e-5, "{deviation} from orthonormal");
    }
    assert!(svd.singular.is_sorted_by(|a, b| a >= b));
    assert!(svd.singular.iter().all(|s| s.is_finite() && *s >= 0.0));
    for column in left.column_iter() {
        assert_eq!(column.amax(), column.max());
    }
}

/// Frobenius norm of what the product misses of `values`.
fn error(svd: &TruncatedSvd, values: &[f32], rows: usize, cols: usize) -> f64 {
    let [_, _, product] = factors(svd, rows, cols);
    let exact = DMatrix::from_row_iterator(rows, cols, values.iter().map(|&v| f64::from(v)));
    (exact - product).norm()
}

/// All singular values, from nalgebra.
fn singular_values(values: &[f32], rows: usize, cols: usize) -> Vec<f64> {
    let exact = DMatrix::from_row_iterator(rows, cols, values.iter().map(|&v| f64::from(v)));
    exact.singular_values().iter().copied().collect()
}

#[test]
fn low_rank_and_noise_agrees_with_the_full_decomposition() {
    for (rows, cols) in [(150, 110), (90, 203)] {
        let spectrum: Vec<f64> = (0..20).map(|k| 10.0 * 0.8f64.powi(k)).collect();
        let mut values = with_spectrum(rows, cols, &spectrum);
        for (v, e) in values.iter_mut().zip(noise(rows * cols, 1e-3, 5)) {
            *v += e as f32;
        }
        let svd = decompose(&values, rows, cols, 20);
        check_shape(&svd, rows, cols);
        let exact = singular_values(&values, rows, cols);
        for (s, e) in svd.singular.iter().zip(&exact) {
            assert!((s / e - 1.0).abs() < 1e-5, "{s} for {e}");
        }
        let best = exact[20..].iter().map(|s| s * s).sum::<f64>().sqrt();
        let ratio = error(&svd, &values, rows, cols) / best;
        assert!((0.9999..1.0001).contains(&ratio), "{ratio}");
    }
}

#[test]
fn a_slow_decay_is_approximated_almost_as_well_as_possible() {
    let (rows, cols, rank) = (300, 260, 32);
    let spectrum: Vec<f64> = (1..=260).map(|k| f64::from(k).powf(-0.5)).collect();
    let values = with_spectrum(rows, cols, &spectrum);
    let svd = decompose(&values, rows, cols, rank);
    check_shape(&svd, rows, cols);
    let exact = singular_values(&values, rows, cols);
    let best = exact[rank..].iter().map(|s| s * s).sum::<f64>().sqrt();
    let ratio = error(&svd, &values, rows, cols) / best;
    assert!((0.9999..1.005).contains(&ratio), "{ratio}");
}

#[test]
fn a_full_rank_request_gives_the_matrix_back() {
    let (rows, cols) = (40, 61);
    let values: Vec<f32> = noise(rows * cols, 0.02, 7)
        .iter()
        .map(|&v| v as f32)
        .collect();
    let svd = decompose(&values, rows, cols, 1000);
    check_shape(&svd, rows, cols);
    let norm = svd.singular.iter().map(|s| s * s).sum::<f64>().sqrt();
    let relative = error(&svd, &values, rows, cols) / norm;
    assert!(relative < 3e-6, "{relative}");
}

#[test]
fn rank_deficient_matrices_keep_orthonormal_factors() {
    // Nothing, all the same, three exact directions.
    check_degenerate(&[0.0; 30 * 20], 30, 20, 0);
    check_degenerate(&[-0.5; 70 * 90], 70, 90, 1);
    check_degenerate(&with_spectrum(64, 48, &[4.0, 2.0, 1.0]), 64, 48, 3);
    check_degenerate(&[0.0], 1, 1, 0);
}

fn check_degenerate(values: &[f32], rows: usize, cols: usize, true_rank: usize) {
    let svd = decompose(values, rows, cols, 40);
    check_shape(&svd, rows, cols);
    let largest = svd.singular[0];
    for s in &svd.singular[true_rank..] {
        assert!(*s <= 1e-6 * largest, "{s} of {largest}");
    }
    assert!(error(&svd, values, rows, cols) <= 3e-6 * largest);
}

#[test]
fn a_row_or_a_column_is_its_own_direction() {
    let values: Vec<f32> = noise(77, 3.0, 8).iter().map(|&v| v as f32).collect();
    for (rows, cols) in [(1, 77), (77, 1)] {
        let svd = decompose(&values, rows, cols, 5);
        check_shape(&svd, rows, cols);
        let norm = values
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((svd.singular[0] / norm - 1.0).abs() < 1e-6);
        assert!(error(&svd, &values, rows, cols) < 1e-6 * norm);
    }
}

#[test]
fn the_scale_of_the_values_only_scales_the_result() {
    let values = with_spectrum(50, 60, &[3.0, 2.0, 1.0, 0.5]);
    let plain = decompose(&values, 50, 60, 4);
    // Powers of two near 1e±30 and the ends of f32, where sums of squares overflow and vanish.
    for exponent in [100, -100, 126] {
        let scale = 2f64.powi(exponent);
        let scaled: Vec<f32> = values.iter().map(|&v| v * scale as f32).collect();
        let svd = decompose(&scaled, 50, 60, 4);
        assert_eq!(svd.left, plain.left);
        assert_eq!(svd.right, plain.right);
        for (s, p) in svd.singular.iter().zip(&plain.singular) {
            assert_eq!(*s, p * scale);
        }
    }
}

#[test]
fn denormals_are_values_too() {
    let values: Vec<f32> = (0..20 * 10)
        .map(|i| f32::from_bits(i % 7 * 1000 + i))
        .collect();
    let svd = decompose(&values, 20, 10, 10);
    check_shape(&svd, 20, 10);
    assert!(svd.singular[0] > 0.0);
    assert!(error(&svd, &values, 20, 10) < 3e-6 * svd.singular[0]);
}

#[test]
fn the_number_of_threads_does_not_change_the_bits() {
    let (rows, cols) = (400, 300);
    let values: Vec<f32> = noise(rows * cols, 0.02, 9)
        .iter()
        .map(|&v| v as f32)
        .collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| decompose(&values, rows, cols, 60))
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one.left, two.left);
    assert_eq!(one.singular, two.singular);
    assert_eq!(one.right, two.right);
}

#[test]
fn rank_zero_is_nothing() {
    let svd = decompose(&[1.0, 2.0], 1, 2, 0);
    assert!(svd.singular.is_empty());
}

#[test]
fn values_that_are_not_finite_are_refused() {
    for bad in [f32::NAN, f32::INFINITY] {
        let values = [1.0, bad, 2.0, 3.0];
        let view = MatrixView::from_values(&values, 2, 2).unwrap();
        assert!(randomized_svd(view, 1).is_err());
    }
}
