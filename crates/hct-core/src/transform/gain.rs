//! How much a DCT could gain, from the spectra of a few rows and columns.

use super::dct::Dct;
use crate::matrix::MatrixView;

/// Rows or columns looked at.
const LINES: usize = 64;
/// Spectra are looked at in bands of this many coefficients, lest noise look like structure.
const BAND: usize = 8;
/// Longer lines are looked at in pieces of this many values.
const PIECE: usize = 4096;

/// Transform coding gain in bits per weight: ½·log₂ of the ratio of the arithmetic to the
/// geometric mean of the energies of the coefficients (Jayant and Noll 1984, §12.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodingGain {
    /// Of a DCT along rows.
    pub rows: f64,
    /// Of a DCT along columns.
    pub cols: f64,
}

/// Estimates the gain of the DCT in either direction from 64 rows and 64 columns.
pub fn coding_gain(matrix: MatrixView<'_>) -> CodingGain {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let spread = |n: usize| (0..LINES.min(n)).map(move |k| (2 * k + 1) * n / (2 * LINES.min(n)));
    let width = cols.min(PIECE);
    let mut along_rows = Spectrum::new(width);
    for r in spread(rows) {
        let mut line = vec![0f32; width];
        matrix.read(r * cols, &mut line);
        along_rows.add(line);
    }
    let height = rows.min(PIECE);
    let picked: Vec<usize> = spread(cols).collect();
    let mut lines = vec![vec![0f32; height]; picked.len()];
    for r in 0..height {
        for (line, &c) in lines.iter_mut().zip(&picked) {
            line[r] = matrix.value(r * cols + c);
        }
    }
    let mut along_cols = Spectrum::new(height);
    lines.into_iter().for_each(|line| along_cols.add(line));
    CodingGain {
        rows: along_rows.gain(),
        cols: along_cols.gain(),
    }
}

/// Energies of coefficients, summed over lines of unit energy each.
struct Spectrum {
    dct: Dct<f32>,
    energy: Vec<f64>,
}

impl Spectrum {
    fn new(len: usize) -> Self {
        Spectrum {
            dct: Dct::new(len),
            energy: vec![0.0; len],
        }
    }

    fn add(&mut self, mut line: Vec<f32>) {
        let total: f64 = line.iter().map(|&v| f64::from(v).powi(2)).sum();
        if total > 0.0 {
            let mut scratch = vec![0.0; self.dct.scratch_len()];
            self.dct.forward(&mut line, &mut scratch);
            for (e, &v) in self.energy.iter_mut().zip(&line) {
                *e += f64::from(v).powi(2) / total;
            }
        }
    }

    fn gain(&self) -> f64 {
        let n = self.energy.len();
        let total: f64 = self.energy.iter().sum();
        if n < 2 * BAND || total <= 0.0 {
            return 0.0;
        }
        // The first coefficient alone may hold a mean; the others go in bands.
        let mean = total / n as f64;
        let octaves = |e: f64, k: usize| k as f64 * libm::log2((e / k as f64 / mean).max(1e-9));
        let bands: f64 = self.energy[1..]
            .chunks(BAND)
            .map(|b| octaves(b.iter().sum(), b.len()))
            .sum();
        -0.5 * (octaves(self.energy[0], 1) + bands) / n as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_columns_promise_gain_and_noise_does_not() {
        // A multiplicative sequence alone would be a line in the spectrum.
        let noise = |i: usize| {
            let mut h = (i as u32).wrapping_mul(2_654_435_761);
            h = (h ^ h >> 15).wrapping_mul(2_246_822_519);
            ((h ^ h >> 13) >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let flat: Vec<f32> = (0..256 * 256).map(noise).collect();
        let gain = coding_gain(MatrixView::from_values(&flat, 256, 256).unwrap());
        assert!(gain.rows < 0.01 && gain.cols < 0.01, "{gain:?}");
        // Every column a slow wave of its own; neighbouring columns have nothing in common.
        let smooth: Vec<f32> = (0..256 * 256)
            .map(|i| {
                let (row, col) = ((i / 256) as f32, i % 256);
                libm::sinf(row * 0.02 + 9.0 * noise(col)) + 0.1 * noise(i)
            })
            .collect();
        let gain = coding_gain(MatrixView::from_values(&smooth, 256, 256).unwrap());
        assert!(gain.rows < 0.2 && gain.cols > 1.0, "{gain:?}");
    }
}
