//! Log-scales of rows and columns, in 1/8 octaves, coded as differences from their running mean.

use crate::entropy::binary::{Decoder, UintModel};
use crate::{Error, Result};

/// Log-scales lie within ± this.
pub(crate) const MAX_LOG_SCALE: i32 = 4096;

/// Reads `n` log-scales.
///
/// # Errors
/// When a scale is out of range or the data end early.
pub(crate) fn read(dec: &mut Decoder<'_>, n: usize) -> Result<Vec<i32>> {
    let mut model = UintModel::new();
    let mut flag = UintModel::new();
    match flag.decode(dec) {
        0 => return Ok(vec![0; n]),
        1 => {}
        value => {
            return Err(Error::Reserved {
                field: "scale coding",
                value,
            });
        }
    }
    let mut mean = Predictor::new();
    let mut out = Vec::with_capacity(n);
    for _ in 0..n {
        let s = model
            .decode_signed(dec)
            .saturating_add(i64::from(mean.value()));
        if s.unsigned_abs() > MAX_LOG_SCALE as u64 || dec.exhausted() {
            return Err(Error::invalid("log-scale", "out of range or cut short"));
        }
        mean.update(s as i32);
        out.push(s as i32);
    }
    Ok(out)
}

/// Running mean of the scales seen, in integers: fast at first, then over about 16 values.
pub(super) struct Predictor {
    sum16: i32,
    seen: i32,
}

impl Predictor {
    pub fn new() -> Self {
        Predictor { sum16: 0, seen: 0 }
    }

    pub fn value(&self) -> i32 {
        (self.sum16 + 8) >> 4
    }

    pub fn update(&mut self, s: i32) {
        self.seen = (self.seen + 1).min(16);
        self.sum16 += (16 * s - self.sum16) / self.seen;
    }
}
