//! Coding with feedback: what it decodes to is what it says, it does less damage than coding without,
//! and where inputs have nothing to do with each other it is as good as any.

mod common;

use common::{Kind, Rng, column_order, preparation, squared_error};
use hct_core::{
    Dtype, EncodedPlane, ErrorFeedback, FeedbackAnalysis, FeedbackPlane, Gains, MatrixView, Result,
    Transform, TrellisSettings, cholesky,
};

const ROWS: usize = 300;
const COLS: usize = 100;
/// Gains of 1/32 octave.
const UNITS: f64 = 32.0;

/// What a quadratic form of C × C asks for.
struct Form {
    matrix: Vec<f64>,
    coefficients: Vec<f32>,
    gains: Vec<i32>,
}

impl Form {
    fn of(matrix: Vec<f64>, cols: usize) -> Form {
        // Backwards, the upper factor is the lower one.
        let mut lower: Vec<f64> = matrix.iter().rev().copied().collect();
        assert!(cholesky(&mut lower, cols));
        let upper = |i: usize, j: usize| lower[(cols - 1 - i) * cols + cols - 1 - j];
        let mut coefficients = vec![0.0; cols * cols];
        for i in 0..cols {
            for j in i + 1..cols {
                coefficients[i * cols + j] = (upper(i, j) / upper(j, j)) as f32;
            }
        }
        let gain = |j| (-UNITS * libm::log2(upper(j, j))).round() as i32;
        Form {
            coefficients,
            gains: (0..cols).map(gain).collect(),
            matrix,
        }
    }

    /// Moments of inputs that largely go together.
    fn correlated(cols: usize) -> Form {
        let mut rng = Rng(5);
        let loads: Vec<f64> = (0..cols * 6).map(|_| rng.normal()).collect();
        let mut matrix = vec![0.0; cols * cols];
        for i in 0..cols {
            for j in 0..cols {
                let pairs = loads[i * 6..][..6].iter().zip(&loads[j * 6..][..6]);
                let shared: f64 = pairs.map(|(a, b)| a * b).sum();
                matrix[i * cols + j] = shared + if i == j { 0.5 } else { 0.0 };
            }
        }
        Form::of(matrix, cols)
    }

    /// Σ e H eᵀ over the rows of the error, each over the square of its step.
    fn damage(&self, a: &[f32], b: &[f32], row_gains: &[i32]) -> f64 {
        let cols = self.gains.len();
        let mut sum = 0.0;
        for (r, (a, b)) in a.chunks(cols).zip(b.chunks(cols)).enumerate() {
            let gain = row_gains.get(r).map_or(0.0, |&g| f64::from(g));
            let e = |i: usize| (f64::from(a[i]) - f64::from(b[i])) * libm::exp2(-gain / UNITS);
            for i in 0..cols {
                let row = &self.matrix[i * cols..][..cols];
                sum += e(i) * (0..cols).map(|j| row[j] * e(j)).sum::<f64>();
            }
        }
        sum
    }

    fn encode(&self, values: &[f32], row_gains: &[i32], step: f32) -> Result<FeedbackPlane> {
        self.encode_as(values, row_gains, step, Dtype::F32)
    }

    fn encode_as(
        &self,
        values: &[f32],
        row_gains: &[i32],
        step: f32,
        dtype: Dtype,
    ) -> Result<FeedbackPlane> {
        let cols = self.gains.len();
        let feedback = ErrorFeedback {
            coefficients: &self.coefficients,
            column_gains: &self.gains,
            row_gains,
        };
        let matrix = MatrixView::from_values(values, values.len() / cols, cols)?;
        let settings = TrellisSettings::new(8);
        let analysis =
            FeedbackAnalysis::new(matrix, dtype, feedback, settings, FeedbackAnalysis::SAMPLE)?;
        analysis.encode(step, &analysis.train(step)?)
    }
}

fn rate(plane: &EncodedPlane) -> f64 {
    8.0 * plane.payload_bytes() as f64 / (plane.recipe().len()) as f64
}

#[test]
fn what_is_said_of_a_plane_is_what_it_decodes_to() {
    let form = Form::correlated(COLS);
    let values = Kind::LoudRows.values(ROWS, COLS, 1);
    let row_gains: Vec<i32> = (0..ROWS as i32).map(|r| r % 90 - 45).collect();
    for gains in [&row_gains[..], &[]] {
        let coded = form.encode(&values, gains, 0.05).unwrap();
        let recipe = coded.plane.recipe();
        assert!(recipe.column_order && recipe.column_gains && recipe.fine_gains);
        assert_eq!(recipe.gains, !gains.is_empty());
        let decoded = coded.plane.decode().unwrap();
        let error = squared_error(&values, &decoded);
        assert!((coded.plane.squared_error() / error - 1.0).abs() < 1e-4);
        // Steps are rounded to gains, so that targets are not in units of exactly R.
        let damage = form.damage(&values, &decoded, gains);
        assert!((coded.damage / damage - 1.0).abs() < 0.02, "{damage}");
    }
}

#[test]
fn a_few_rows_tell_how_large_a_plane_will_be() {
    let rows = 2000;
    let form = Form::correlated(COLS);
    let row_gains: Vec<i32> = (0..rows as i32).map(|r| r % 64 - 32).collect();
    for (kind, loud) in [
        (Kind::Gaussian, 1.0),
        (Kind::Outliers, 1.0),
        (Kind::LoudRows, 10.0),
    ] {
        let values = kind.values(rows, COLS, 4);
        let matrix = MatrixView::from_values(&values, rows, COLS).unwrap();
        let feedback = ErrorFeedback {
            coefficients: &form.coefficients,
            column_gains: &form.gains,
            row_gains: &row_gains,
        };
        let analysis = |sample| {
            let settings = TrellisSettings::new(64);
            FeedbackAnalysis::new(matrix, Dtype::F32, feedback, settings, sample).unwrap()
        };
        for step in [0.1, 0.2, 0.5].map(|step| loud * step) {
            let few = analysis(COLS * 330);
            let estimated = few.estimated_bytes(&few.train(step).unwrap());
            let all = analysis(FeedbackAnalysis::SAMPLE);
            let coded = all.encode(step, &all.train(step).unwrap()).unwrap();
            let off = estimated / coded.plane.payload_bytes() as f64 - 1.0;
            assert!(off.abs() < 0.03, "{kind:?} at {step}: {off}");
        }
    }
}

#[test]
fn feedback_does_less_damage_for_the_same_bits() {
    let form = Form::correlated(COLS);
    let values = Kind::Gaussian.values(ROWS, COLS, 2);
    let with = form.encode(&values, &[], 0.3).unwrap().plane;
    let none = Form {
        coefficients: vec![0.0; COLS * COLS],
        gains: form.gains.clone(),
        matrix: form.matrix.clone(),
    };
    let without = none.encode(&values, &[], 0.3).unwrap().plane;
    let damage = |plane: &EncodedPlane| form.damage(&values, &plane.decode().unwrap(), &[]);
    // Bits at equal damage: 6 dB a bit.
    let saved = rate(&without) - rate(&with) + 0.5 * libm::log2(damage(&without) / damage(&with));
    assert!(saved > 0.5, "{saved}");
}

#[test]
fn without_correlations_it_costs_what_coding_alone_costs() {
    let (rows, cols) = (1024, 256);
    let identity = (0..cols * cols).map(|i| f64::from(u8::from(i % (cols + 1) == 0)));
    let form = Form::of(identity.collect(), cols);
    let values = Kind::Gaussian.values(rows, cols, 3);
    let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
    // What a plane takes above the bound at the error it has.
    let gap = |plane: &EncodedPlane| {
        let error = squared_error(&values, &plane.decode().unwrap()) / values.len() as f64;
        rate(plane) + 0.5 * libm::log2(error)
    };
    for step in [0.2, 0.6] {
        let how = preparation(Transform::None, false, None);
        let alone = column_order(matrix, how, 8, f64::from(step), Gains::default());
        let alone = alone.unwrap();
        let fed = form.encode(&values, &[], step).unwrap().plane;
        let loss = gap(&fed) - gap(&alone);
        assert!(loss < 0.012, "{loss} bits at {step}");
    }
}

#[test]
fn rounding_to_the_dtype_is_part_of_the_error() {
    let form = Form::correlated(COLS);
    let values = Kind::Gaussian.values(ROWS, COLS, 4);
    // A step far below what BF16 tells apart.
    let step = 1e-3;
    let rounded = |plane: &EncodedPlane| -> Vec<f32> {
        let bf16 = |v: f32| half::bf16::from_f32(v).to_f32();
        plane.decode().unwrap().into_iter().map(bf16).collect()
    };
    let aware = form.encode_as(&values, &[], step, Dtype::BF16).unwrap();
    let unaware = form.encode(&values, &[], step).unwrap();
    let damage = |coded: &FeedbackPlane| form.damage(&values, &rounded(&coded.plane), &[]);
    let (aware, unaware) = (damage(&aware), damage(&unaware));
    assert!(aware < 0.6 * unaware, "{aware} {unaware}");
}

#[test]
fn outliers_come_back_whole() {
    let form = Form::correlated(COLS);
    let mut values = Kind::Gaussian.values(ROWS, COLS, 6);
    values[5] = 40_000.0;
    values[ROWS * COLS - 1] = -3e5;
    let decoded = form
        .encode(&values, &[], 0.5)
        .unwrap()
        .plane
        .decode()
        .unwrap();
    let worst = values.iter().zip(&decoded).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f32::max) < 20.0);
    // What the exact range of indices cannot hold is an error, never clipped.
    values[7] = 1e30;
    let error = form.encode(&values, &[], 0.5).err().unwrap();
    assert!(error.is_out_of_range(), "{error}");
}

#[test]
fn what_does_not_fit_the_matrix_is_refused() {
    let form = Form::correlated(COLS);
    let values = Kind::Gaussian.values(ROWS, COLS, 7);
    let with = |change: fn(&mut Form)| {
        let mut form = Form::correlated(COLS);
        change(&mut form);
        form.encode(&values, &[], 0.5).is_err()
    };
    assert!(!with(|_| ()));
    assert!(with(|form| form.coefficients.truncate(5)));
    assert!(with(|form| form.gains[3] = 2049));
    assert!(form.encode(&values, &[0; ROWS - 1], 0.5).is_err());
    assert!(form.encode(&values, &[-2049; ROWS], 0.5).is_err());
    for step in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(form.encode(&values, &[], step).is_err(), "{step}");
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    // More than one tile: columns are short in none.
    let form = Form::correlated(COLS);
    let rows = 12_000;
    let values = Kind::HeavyTails.values(rows, COLS, 8);
    let coded = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let coded = pool
            .build()
            .unwrap()
            .install(|| form.encode(&values, &[], 0.8));
        let plane = coded.unwrap().plane;
        assert_eq!(plane.recipe().tiles(), 2);
        (plane.payload_bytes(), plane.decode().unwrap())
    };
    assert!(coded(1) == coded(3));
}
