//! Two matrices side by side.

use std::ops::Range;

use rayon::prelude::*;

use super::sums::Sums;
use super::values::Values;

/// Values converted at a time.
const PIECE: usize = 1024;
/// Bands of rows that are summed on their own: enough for many threads, few enough that a mean
/// row for each takes little memory. Fixed, so that the sums do not depend on the thread count.
const BANDS: usize = 64;

pub(super) struct Pair<'a> {
    pub a: Values<'a>,
    pub b: Values<'a>,
    pub rows: usize,
    pub cols: usize,
}

pub(super) struct Scan {
    pub sums: Sums,
    pub min_row_cosine: f64,
    /// The mean of A's rows, if asked for.
    pub mean_row: Option<Vec<f64>>,
}

impl Pair<'_> {
    pub fn scan(&self, mean: bool) -> Scan {
        let scans = self.bands(|rows| self.scan_rows(rows, mean));
        let mut all = Scan {
            sums: Sums::default(),
            min_row_cosine: f64::INFINITY,
            mean_row: mean.then(|| vec![0.0; self.cols]),
        };
        for band in scans {
            all.sums.merge(&band.sums);
            all.min_row_cosine = worse(all.min_row_cosine, band.min_row_cosine);
            if let (Some(all), Some(band)) = (&mut all.mean_row, band.mean_row) {
                all.iter_mut().zip(band).for_each(|(x, y)| *x += y);
            }
        }
        if let Some(mean) = &mut all.mean_row {
            mean.iter_mut().for_each(|x| *x /= self.rows as f64);
        }
        all
    }

    /// One cosine per row, both matrices less `mean`.
    pub fn centred_row_cosines(&self, mean: &[f64]) -> Vec<f64> {
        let of_rows = |rows: Range<usize>| -> Vec<f64> {
            rows.map(|row| {
                let mut sums = Sums::default();
                self.for_row(row, |first, a, b| {
                    for ((&a, &b), m) in a.iter().zip(b).zip(&mean[first..]) {
                        sums.add(a - m, b - m);
                    }
                });
                sums.cosine()
            })
            .collect()
        };
        self.bands(of_rows).concat()
    }

    /// Sums of a band; its `mean_row` is not yet divided.
    fn scan_rows(&self, rows: Range<usize>, mean: bool) -> Scan {
        let mut scan = Scan {
            sums: Sums::default(),
            min_row_cosine: f64::INFINITY,
            mean_row: mean.then(|| vec![0.0; self.cols]),
        };
        for row in rows {
            let mut sums = Sums::default();
            self.for_row(row, |first, a, b| {
                a.iter().zip(b).for_each(|(&a, &b)| sums.add(a, b));
                if let Some(mean) = &mut scan.mean_row {
                    let finite = |a: f64| if a.is_finite() { a } else { 0.0 };
                    mean[first..]
                        .iter_mut()
                        .zip(a)
                        .for_each(|(m, &a)| *m += finite(a));
                }
            });
            scan.min_row_cosine = worse(scan.min_row_cosine, sums.cosine());
            scan.sums.merge(&sums);
        }
        scan
    }

    /// `f` of each band of rows, in order.
    fn bands<T: Send>(&self, f: impl Fn(Range<usize>) -> T + Sync + Send) -> Vec<T> {
        let size = self.rows.div_ceil(BANDS);
        (0..self.rows.div_ceil(size))
            .into_par_iter()
            .map(|band| f(band * size..((band + 1) * size).min(self.rows)))
            .collect()
    }

    /// Hands the pieces of a row to `f`, each with its first column.
    fn for_row(&self, row: usize, mut f: impl FnMut(usize, &[f64], &[f64])) {
        let (mut a, mut b) = ([0.0; PIECE], [0.0; PIECE]);
        for first in (0..self.cols).step_by(PIECE) {
            let len = PIECE.min(self.cols - first);
            let (a, b) = (&mut a[..len], &mut b[..len]);
            self.a.read(row * self.cols + first, a);
            self.b.read(row * self.cols + first, b);
            f(first, a, b);
        }
    }
}

/// The smaller cosine, NaN being the smallest.
fn worse(x: f64, y: f64) -> f64 {
    if x.is_nan() || x < y { x } else { y }
}
