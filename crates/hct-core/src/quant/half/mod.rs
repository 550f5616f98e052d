//! FP16 quantizer: kept values as half-precision numbers relative to the tile's largest.

#[cfg(feature = "encode")]
pub(super) mod encode;

use half::f16;

use crate::quant::exponent::{self, exp2i, finite};
use crate::quant::{kept, positions};
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Dtype, Error, Result, lossless};

/// Adds the sections of a tile.
pub(crate) fn sections(payload: &[u8], out: &mut Sections) -> Result<()> {
    let positions = positions::skip(&mut Reader::new(payload, "FP16 tile"))?;
    out.add(Section::Positions, positions as u64);
    out.add(Section::Values, (payload.len() - positions) as u64);
    Ok(())
}

/// Decodes a tile into `out`; dropped values become 0.
///
/// # Errors
/// When the payload is not what an encoder makes.
pub(crate) fn decode(payload: &[u8], row: usize, out: &mut [f32]) -> Result<()> {
    let mut r = Reader::new(payload, "FP16 tile");
    let mask = positions::decode(&mut r, out.len(), row)?;
    let kept = kept::count(&mask);
    let unit = exp2i(exponent::read(&mut r)?);
    let mut bytes = vec![0; 2 * kept];
    lossless::decode_tile(r.rest(), Dtype::F16, &mut bytes)?;
    let mut halves = bytes
        .chunks_exact(2)
        .map(|b| f16::from_le_bytes([b[0], b[1]]));
    for (v, &keep) in out.iter_mut().zip(&mask) {
        let h = if keep {
            halves.next().unwrap_or_default()
        } else {
            f16::ZERO
        };
        if !h.is_finite() {
            return Err(Error::invalid("FP16 value", "is not finite"));
        }
        *v = finite(h.to_f64() * unit);
    }
    Ok(())
}
