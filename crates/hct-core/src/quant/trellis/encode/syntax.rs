//! Writing what the decoder reads: class map, log-scales, contexts, patches.

use crate::entropy::binary::{Encoder, UintModel};
use crate::quant::trellis::classes::ClassMap;
use crate::quant::trellis::contexts::{Contexts, Models, SHIFTS, predict};
use crate::quant::trellis::log_scales::Predictor;

impl ClassMap {
    /// Inverse of [`ClassMap::read`].
    pub fn write(&self, enc: &mut Encoder, m: &mut UintModel) {
        m.encode(enc, self.classes as u64 - 1);
        if self.classes > 1 {
            m.encode_signed(enc, i64::from(self.offset));
            m.encode(enc, self.width as u64 - 1);
        }
    }
}

/// Writes log-scales as differences from their running mean.
pub(crate) fn write_scales(enc: &mut Encoder, scales: &[i32]) {
    let mut model = UintModel::new();
    let mut flag = UintModel::new();
    let flat = scales.iter().all(|&s| s == 0);
    flag.encode(enc, u64::from(!flat));
    if flat {
        return;
    }
    let mut mean = Predictor::new();
    for &s in scales {
        model.encode_signed(enc, i64::from(s - mean.value()));
        mean.update(s);
    }
}

impl Contexts {
    /// Inverse of [`Contexts::read`]; `precision` is that of their log-frequencies.
    pub fn write(&self, enc: &mut Encoder, quantizers: usize, precision: i64) {
        let mut m = Models::new();
        m.precision.encode(enc, precision.ilog2() as u64 - 2);
        for (i, context) in self.contexts.iter().enumerate() {
            let before = i.checked_sub(quantizers).map(|b| &self.contexts[b]);
            let max = context.logs.len() as i64;
            m.max
                .encode_signed(enc, max - before.map_or(0, |b| b.logs.len() as i64));
            for j in 0..context.logs.len() {
                let residual = context.logs[j] - predict(&context.logs[..j], before, j, precision);
                m.logs[j.min(7)].encode_signed(enc, residual);
            }
            for j in 0..SHIFTS.min(context.logs.len() - 1) {
                let residual = context.shifts[j] - before.map_or(0, |b| b.shifts[j]);
                m.shifts[j].encode_signed(enc, residual);
            }
        }
    }
}

/// Writes the patches of a tile: positions in rising order, and multiples of the step.
pub(super) fn write_patches(patched: &[(u64, i64)]) -> Vec<u8> {
    let mut enc = Encoder::new();
    let (mut count, mut gap, mut value) = (UintModel::new(), UintModel::new(), UintModel::new());
    count.encode(&mut enc, patched.len() as u64);
    let mut next = 0;
    for &(i, v) in patched {
        gap.encode(&mut enc, i - next);
        value.encode_signed(&mut enc, v);
        next = i + 1;
    }
    enc.finish()
}

#[cfg(test)]
mod tests {
    use super::super::statistics::{Statistics, UNITS};
    use super::*;
    use crate::entropy::binary::Decoder;
    use crate::quant::trellis::log_scales;

    #[test]
    fn scales_round_trip() {
        for scales in [
            vec![],
            vec![0; 9],
            vec![5],
            (0..500).map(|i| (i * i) % 37 - 18).collect(),
        ] {
            let mut enc = Encoder::new();
            write_scales(&mut enc, &scales);
            let bytes = enc.finish();
            let mut dec = Decoder::new(&bytes);
            assert_eq!(log_scales::read(&mut dec, scales.len()).unwrap(), scales);
            dec.finish("scales").unwrap();
        }
    }

    #[test]
    fn contexts_survive_writing() {
        let mut stats = Statistics::new(8);
        for c in 0..8usize {
            for m in 0..40 {
                for _ in 0..(10_000 >> (m * (9 - c) / 8).min(30)) {
                    stats.counts[c][m] += 1;
                    stats.residuals[c][m.min(SHIFTS)] += (0.1 * c as f32 * UNITS) as i64;
                }
            }
        }
        *stats.counts[3].last_mut().unwrap() += 1;
        let contexts = Contexts::from_statistics(&stats, 2);
        let mut enc = Encoder::new();
        contexts.write(&mut enc, 2, stats.precision());
        let bytes = enc.finish();
        let mut dec = Decoder::new(&bytes);
        let back = Contexts::read(&mut dec, 4, 2).unwrap();
        dec.finish("contexts").unwrap();
        assert_eq!(back.contexts, contexts.contexts);
        assert_eq!(back.tables, contexts.tables);
    }
}
