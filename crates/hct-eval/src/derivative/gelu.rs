//! The activation of encoders.

use candle_core::Tensor;

use crate::Error;
use crate::exponential::exp;
use crate::rows::by_rows;

/// Of z · Φ(z), the exact GELU: Φ(z) + z · φ(z).
pub(crate) fn gelu(z: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
    let [of_z] = by_rows([z, g], |_, [z, g], [out]| {
        for ((out, &z), g) in out.iter_mut().zip(z).zip(g) {
            let below = 0.5 * (1.0 + libm::erff(z * std::f32::consts::FRAC_1_SQRT_2));
            let density = exp(-0.5 * z * z) / (2.0 * std::f32::consts::PI).sqrt();
            *out = g * (below + z * density);
        }
    })?;
    Ok(of_z)
}
