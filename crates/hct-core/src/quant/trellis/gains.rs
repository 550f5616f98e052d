//! Gains: factors of rows and of columns that make their steps finer or coarser.

use super::log_scales;
use crate::entropy::binary::Decoder;
use crate::{Error, Result};

/// Coarse gains, in units of 1/8 octave, lie within ± this; their factors stay far within f32.
const MAX_COARSE: i32 = 512;
/// Fine gains, in units of 1/32 octave: the same factors at most.
const MAX_FINE: i32 = 4 * MAX_COARSE;

/// 2^(j/32) for j below 32, rounded to nearest, as bits of f32.
#[rustfmt::skip]
const EXP2_32: [u32; 32] = [
    0x3f80_0000, 0x3f82_cd87, 0x3f85_aac3, 0x3f88_980f, 0x3f8b_95c2, 0x3f8e_a43a, 0x3f91_c3d3, 0x3f94_f4f0,
    0x3f98_37f0, 0x3f9b_8d3a, 0x3f9e_f532, 0x3fa2_7043, 0x3fa5_fed7, 0x3fa9_a15b, 0x3fad_583f, 0x3fb1_23f6,
    0x3fb5_04f3, 0x3fb8_fbaf, 0x3fbd_08a4, 0x3fc1_2c4d, 0x3fc5_672a, 0x3fc9_b9be, 0x3fce_248c, 0x3fd2_a81e,
    0x3fd7_44fd, 0x3fdb_fbb8, 0x3fe0_ccdf, 0x3fe5_b907, 0x3fea_c0c7, 0x3fef_e4ba, 0x3ff5_257d, 0x3ffa_83b3,
];

/// The unit of a plane's gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GainUnit {
    /// 1/8 octave.
    Coarse,
    /// 1/32 octave.
    Fine,
}

impl GainUnit {
    pub fn new(fine: bool) -> Self {
        if fine {
            GainUnit::Fine
        } else {
            GainUnit::Coarse
        }
    }

    /// Gains lie within ± this.
    pub fn max(self) -> i32 {
        match self {
            GainUnit::Coarse => MAX_COARSE,
            GainUnit::Fine => MAX_FINE,
        }
    }

    /// The power of two that a gain of `g` stands for.
    pub fn factor(self, g: i32) -> f32 {
        let g = match self {
            GainUnit::Coarse => 4 * g,
            GainUnit::Fine => g,
        };
        let factor = f32::from_bits(EXP2_32[g.rem_euclid(32) as usize]);
        libm::ldexpf(factor, g.div_euclid(32))
    }

    /// Reads the gains of `n` rows or columns, as factors.
    ///
    /// # Errors
    /// When one is out of range or the data end early.
    pub fn read(self, dec: &mut Decoder<'_>, n: usize) -> Result<Vec<f32>> {
        let gains = log_scales::read(dec, n)?;
        if gains.iter().any(|g| g.abs() > self.max()) {
            return Err(Error::invalid("gain", "is out of range"));
        }
        Ok(gains.into_iter().map(|g| self.factor(g)).collect())
    }
}

/// Multiplies each of the `values`, rows of `cols`, first with the factor of its row, then with
/// that of its column; there may be no factors of either.
pub(crate) fn apply(values: &mut [f32], cols: usize, rows: &[f32], columns: &[f32]) {
    for (row, &factor) in values.chunks_exact_mut(cols).zip(rows) {
        row.iter_mut().for_each(|v| *v *= factor);
    }
    if !columns.is_empty() {
        for row in values.chunks_exact_mut(cols) {
            row.iter_mut().zip(columns).for_each(|(v, c)| *v *= c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_powers_of_two() {
        for g in -200..200 {
            let exact = |unit| libm::exp2(f64::from(g) / unit) as f32;
            assert_eq!(GainUnit::Coarse.factor(g), exact(8.0), "{g}");
            assert_eq!(GainUnit::Fine.factor(g), exact(32.0), "{g}");
        }
        for unit in [GainUnit::Coarse, GainUnit::Fine] {
            assert_eq!(unit.factor(unit.max()), 2f32.powi(64));
            assert_eq!(unit.factor(-unit.max()), 2f32.powi(-64));
        }
    }

    #[test]
    fn rows_come_before_columns() {
        let mut values = [f32::MAX, 1.0, 3.0, -0.0];
        apply(&mut values, 2, &[0.5, 2.0], &[2.0, 1.0]);
        assert_eq!(values, [f32::MAX, 0.5, 12.0, 0.0]);
        let mut values = [1.0, 2.0];
        apply(&mut values, 2, &[], &[3.0, 4.0]);
        assert_eq!(values, [3.0, 8.0]);
    }
}
