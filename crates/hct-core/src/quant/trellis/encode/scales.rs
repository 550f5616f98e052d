//! Row × column scale model: a log-scale for each row and each column of a plane, whose sum picks
//! the entropy-coding context (class) of an element. Weights are far from identically
//! distributed; knowing each element's likely size makes the coded rate that of a mixture of
//! known scales. The scales themselves are never multiplied into the values.

use super::syntax::write_scales;
use crate::entropy::binary::Encoder;
use crate::quant::trellis::classes::ClassMap;
use crate::quant::trellis::log_scales::MAX_LOG_SCALE;
use crate::simd::multiversion;

const UNITS_PER_OCTAVE: f32 = 8.0;

/// The scale model of a plane: log-scales of its columns and how to find those of its rows.
#[derive(Clone, Debug)]
pub(crate) struct ScaleModel {
    /// One per column; all zero when columns are not told apart.
    pub cols: Vec<i32>,
    /// Estimates of 1/scale per column, for finding row scales.
    inverse_cols: Vec<f32>,
    /// Log₂ of the scale of a row whose log-scale is 0, or none when rows are not told apart.
    row_center: Option<f32>,
    grain: i32,
    pub map: ClassMap,
}

impl ScaleModel {
    /// One class for everything.
    pub fn flat(cols: usize) -> Self {
        ScaleModel {
            cols: vec![0; cols],
            inverse_cols: Vec::new(),
            row_center: None,
            grain: 1,
            map: ClassMap::SINGLE,
        }
    }

    /// Log-scales of the rows of a tile whose columns start at `first_col`.
    pub fn row_scales(&self, tile: &[f32], cols: usize, first_col: usize) -> Vec<i32> {
        let rows = tile.len() / cols;
        let Some(center) = self.row_center else {
            return vec![0; rows];
        };
        let inverse = &self.inverse_cols[first_col..first_col + cols];
        tile.chunks_exact(cols)
            .map(|row| {
                let log = libm::log2f(floor_scale(weighted_mean(row, inverse)));
                rounded((log - center) * UNITS_PER_OCTAVE, self.grain)
            })
            .collect()
    }
}

/// What to fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FitOptions {
    /// Most classes.
    pub max_classes: usize,
    /// Class width in units of 1/8 octave.
    pub width: i32,
    /// Scale quantization in units of 1/8 octave.
    pub grain: i32,
}

/// Fits the model to `rows` × `cols` sampled values by alternating maximum likelihood under a
/// Laplacian (mean magnitudes, which one outlier does not own), keeping only the sides that save
/// more than they cost. The plane has `plane_rows` rows.
pub(crate) fn fit(
    values: &[f32],
    cols: usize,
    plane_rows: usize,
    options: FitOptions,
) -> ScaleModel {
    let rows = values.len() / cols;
    if options.max_classes < 2 || values.len() < 64 {
        return ScaleModel::flat(cols);
    }
    let mut row_scale = vec![1f32; rows];
    let mut col_scale = vec![1f32; cols];
    let mut inverse_cols = vec![1f32; cols];
    for _ in 0..3 {
        for (scale, row) in row_scale.iter_mut().zip(values.chunks_exact(cols)) {
            *scale = floor_scale(weighted_mean(row, &inverse_cols));
        }
        let mut sums = vec![0f32; cols];
        for (&scale, row) in row_scale.iter().zip(values.chunks_exact(cols)) {
            let w = 1.0 / scale;
            for (sum, &v) in sums.iter_mut().zip(row) {
                *sum += v.abs() * w;
            }
        }
        for ((t, sum), inverse) in col_scale.iter_mut().zip(&sums).zip(&mut inverse_cols) {
            *t = floor_scale(sum / rows as f32);
            *inverse = 1.0 / *t;
        }
    }
    // A side's cost and gain are those of the whole plane, of which `values` may be a sample.
    let (row_log, row_center, row_gain) = log_scales(&row_scale, cols);
    let (col_log, _, col_gain) = log_scales(&col_scale, plane_rows);
    let row_sample = side(&row_log, row_gain, options.grain);
    let cols_used = side(&col_log, col_gain, options.grain);
    let rows_told = row_sample.is_some();
    if cols_used.is_none() {
        inverse_cols.fill(1.0);
    }
    let col_logs = cols_used.unwrap_or_else(|| vec![0; cols]);
    let row_logs = row_sample.unwrap_or_else(|| vec![0; rows]);
    let map = class_map(&row_logs, &col_logs, options);
    if map.classes == 1 {
        return ScaleModel::flat(cols);
    }
    ScaleModel {
        cols: col_logs,
        inverse_cols,
        row_center: rows_told.then_some(row_center),
        grain: options.grain,
        map,
    }
}

multiversion! {
    /// The mean of magnitudes, each times its weight.
    fn weighted_mean(row: &[f32], weights: &[f32]) -> f32 = weighted_mean_body;
}

/// Eight partial sums so that the loop vectorizes with an order fixed by the source.
#[inline(always)]
fn weighted_mean_body(row: &[f32], weights: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (chunks, rest) = row.as_chunks::<8>();
    let (weight_chunks, rest_weights) = weights.as_chunks::<8>();
    for (c, w) in chunks.iter().zip(weight_chunks) {
        for i in 0..8 {
            sums[i] += c[i].abs() * w[i];
        }
    }
    let tail: f32 = rest
        .iter()
        .zip(rest_weights)
        .map(|(v, w)| v.abs() * w)
        .sum();
    (sums.iter().sum::<f32>() + tail) / row.len() as f32
}

/// Zero and subnormal scales stay usable as divisors.
fn floor_scale(s: f32) -> f32 {
    if s.is_finite() { s.max(1e-30) } else { 1e30 }
}

/// Log-scales in units of 1/8 octave, unrounded, less their median; the median; and the bits that
/// telling them apart saves over one scale for all: n·(log₂ of the mean − mean of log₂).
fn log_scales(scales: &[f32], per_scale: usize) -> (Vec<f32>, f32, f64) {
    let logs: Vec<f32> = scales.iter().map(|&s| libm::log2f(s)).collect();
    let k = logs.len() as f64;
    let mean_log: f64 = logs.iter().map(|&l| f64::from(l)).sum::<f64>() / k;
    let mean: f64 = scales.iter().map(|&s| f64::from(s)).sum::<f64>() / k;
    let gain = (libm::log2(mean) - mean_log) * k * per_scale as f64;
    let mut sorted = logs.clone();
    let (_, &mut median, _) = sorted.select_nth_unstable_by(logs.len() / 2, f32::total_cmp);
    (
        logs.iter()
            .map(|&l| (l - median) * UNITS_PER_OCTAVE)
            .collect(),
        median,
        gain,
    )
}

fn rounded(log: f32, grain: i32) -> i32 {
    let limit = (MAX_LOG_SCALE / 4) as f32;
    libm::roundf(log.clamp(-limit, limit) / grain as f32) as i32 * grain
}

/// Rounded log-scales, if they pay for themselves.
fn side(logs: &[f32], gain: f64, grain: i32) -> Option<Vec<i32>> {
    let rounded: Vec<i32> = logs.iter().map(|&l| rounded(l, grain)).collect();
    let mut enc = Encoder::new();
    write_scales(&mut enc, &rounded);
    let cost = enc.finish().len() as f64 * 8.0;
    (gain > 1.2 * cost).then_some(rounded)
}

/// Classes that cover all but the thin ends of the sums that occur.
fn class_map(rows: &[i32], cols: &[i32], options: FitOptions) -> ClassMap {
    let bins = |scales: &[i32]| {
        let mut counts = std::collections::BTreeMap::<i32, u64>::new();
        scales
            .iter()
            .for_each(|&s| *counts.entry(s).or_default() += 1);
        counts
    };
    let (row_bins, col_bins) = (bins(rows), bins(cols));
    let mut sums = std::collections::BTreeMap::<i32, u64>::new();
    for (r, n) in &row_bins {
        for (c, m) in &col_bins {
            *sums.entry(r + c).or_default() += n * m;
        }
    }
    let n = (rows.len() * cols.len()) as u64;
    let quantile = |sums: &mut dyn Iterator<Item = (&i32, &u64)>| {
        let mut seen = 0;
        for (&s, &k) in sums {
            seen += k;
            if seen * 500 > n {
                return s;
            }
        }
        0
    };
    let low = quantile(&mut sums.iter());
    let high = quantile(&mut sums.iter().rev());
    let mut width = options.width;
    while (high - low) / width + 1 > options.max_classes as i32 {
        width += 1;
    }
    ClassMap {
        offset: low,
        width,
        classes: ((high - low) / width + 1) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::trellis::classes::classes;

    #[test]
    fn identical_rows_need_no_classes_and_loud_rows_do() {
        let noise =
            |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0;
        let options = FitOptions {
            max_classes: 16,
            width: 2,
            grain: 1,
        };
        let even: Vec<f32> = (0..128 * 128).map(noise).collect();
        assert_eq!(fit(&even, 128, 128, options).map.classes, 1);
        let loud: Vec<f32> = (0..128 * 128)
            .map(|i| noise(i) * if i / 128 % 2 == 0 { 8.0 } else { 1.0 })
            .collect();
        let model = fit(&loud, 128, 128, options);
        let rows = model.row_scales(&loud, 128, 0);
        assert!(rows[0] - rows[1] > 20);
        assert!(model.cols.iter().all(|&c| c == 0));
        let mut of = Vec::new();
        classes(&model.map, &rows, &model.cols, &mut of);
        assert_ne!(of[0], of[128]);
    }

    #[test]
    fn hopeless_values_do_not_break_the_fit() {
        let options = FitOptions {
            max_classes: 16,
            width: 2,
            grain: 1,
        };
        let mut v = vec![0f32; 4096];
        fit(&v, 64, 64, options);
        v[77] = f32::MAX;
        v[99] = f32::MIN_POSITIVE / 4.0;
        fit(&v, 64, 64, options);
        fit(&vec![f32::MAX; 4096], 64, 64, options);
    }
}
