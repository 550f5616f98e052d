//! What a plane's record says of its trellis.

use crate::recipe::Quantizer;
use crate::wire::Reader;
use crate::{Error, Result};

/// Writes the numbers of states and of lanes, as logarithms.
pub(crate) fn write(states: usize, lanes: usize, out: &mut Vec<u8>) {
    out.push(states.ilog2() as u8);
    out.push(lanes.ilog2() as u8);
}

/// Inverse of [`write`].
///
/// # Errors
/// When there is no such trellis or no such number of lanes.
pub(crate) fn read(r: &mut Reader<'_>) -> Result<Quantizer> {
    let (states, lanes) = (r.u8()?, r.u8()?);
    if !matches!(states, 0 | 2..=9) {
        return Err(Error::Reserved {
            field: "trellis states",
            value: states.into(),
        });
    }
    if !matches!(lanes, 3 | 5) {
        return Err(Error::Reserved {
            field: "lanes",
            value: lanes.into(),
        });
    }
    Ok(Quantizer::Trellis {
        states: 1 << states,
        lanes: 1 << lanes,
    })
}
