//! What the elements of one row share: how far it moved, and whether it only drifted.

#[cfg(feature = "encode")]
use crate::entropy::binary::Encoder;
use crate::entropy::binary::{Bit, Decoder, UintModel};
use crate::{Error, Result};

/// Log-scales lie within ± this; those of F32 within ± 600.
const MAX_LOG: i64 = 4096;

/// A run of consecutive elements of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Mean of twice the binary logarithms of differences and of the base's magnitudes, summed.
    pub log: i32,
    /// Whether differences are counted from those of the drift table.
    pub drifts: bool,
}

struct Models {
    log: UintModel,
    /// By the flag before.
    drifts: [Bit; 2],
}

impl Models {
    fn new() -> Self {
        Models {
            log: UintModel::new(),
            drifts: [Bit::new(); 2],
        }
    }
}

/// Writes the rows of a tile; their flags only when `drift` says that there is a table.
#[cfg(feature = "encode")]
pub(crate) fn write(enc: &mut Encoder, rows: &[Row], drift: bool) {
    let mut models = Models::new();
    let mut before = Row {
        log: 0,
        drifts: false,
    };
    for row in rows {
        if drift {
            let model = &mut models.drifts[usize::from(before.drifts)];
            enc.bit(model, row.drifts);
        }
        models
            .log
            .encode_signed(enc, i64::from(row.log) - i64::from(before.log));
        before = *row;
    }
}

/// Inverse of [`write`] for `n` rows.
///
/// # Errors
/// When a log-scale is out of range or the data end early.
pub(crate) fn read(dec: &mut Decoder<'_>, n: usize, drift: bool) -> Result<Vec<Row>> {
    let mut models = Models::new();
    let mut before = Row {
        log: 0,
        drifts: false,
    };
    let mut rows = Vec::new();
    for _ in 0..n {
        let drifts = drift && dec.bit(&mut models.drifts[usize::from(before.drifts)]);
        let log = models
            .log
            .decode_signed(dec)
            .saturating_add(i64::from(before.log));
        if log.abs() > MAX_LOG || dec.exhausted() {
            return Err(Error::invalid(
                "row scale of a difference",
                "out of range or cut short",
            ));
        }
        before = Row {
            log: log as i32,
            drifts,
        };
        rows.push(before);
    }
    Ok(rows)
}
