//! Activations.

use candle_core::Tensor;

use super::rows::by_rows;
use crate::Error;

/// Of silu(gate) · up, with respect to `gate` and to `up`.
pub(crate) fn gated_silu(
    gate: &Tensor,
    up: &Tensor,
    g: &Tensor,
) -> Result<(Tensor, Tensor), Error> {
    let of_gate = by_rows([gate, up, g], |[gate, up, g], out| {
        for (((out, z), up), g) in out.iter_mut().zip(gate).zip(up).zip(g) {
            let share = sigmoid(*z);
            *out = g * up * share * (1.0 + z * (1.0 - share));
        }
    })?;
    let of_up = by_rows([gate, g], |[gate, g], out| {
        for ((out, z), g) in out.iter_mut().zip(gate).zip(g) {
            *out = g * z * sigmoid(*z);
        }
    })?;
    Ok((of_gate, of_up))
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

/// Of z · Φ(z), the exact GELU: Φ(z) + z · φ(z).
pub(crate) fn gelu(z: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
    by_rows([z, g], |[z, g], out| {
        for ((out, &z), g) in out.iter_mut().zip(z).zip(g) {
            let below = 0.5 * (1.0 + libm::erff(z * std::f32::consts::FRAC_1_SQRT_2));
            let density = (-0.5 * z * z).exp() / (2.0 * std::f32::consts::PI).sqrt();
            *out = g * (below + z * density);
        }
    })
}
