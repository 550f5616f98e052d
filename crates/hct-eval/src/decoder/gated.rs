//! The gated activation of the MLP, silu(gate) · up.

use candle_core::Tensor;

use crate::Error;
use crate::exponential::exp;
use crate::rows::by_rows;

/// silu(gate) · up.
pub(super) fn gated_silu(gate: &Tensor, up: &Tensor) -> Result<Tensor, Error> {
    let [out] = by_rows([gate, up], |_, [gate, up], [out]| {
        for ((out, z), up) in out.iter_mut().zip(gate).zip(up) {
            *out = z * sigmoid(*z) * up;
        }
    })?;
    Ok(out)
}

/// Its gradients with respect to `gate` and to `up`, given that with respect to the result.
pub(super) fn backward(gate: &Tensor, up: &Tensor, g: &Tensor) -> Result<[Tensor; 2], Error> {
    by_rows([gate, up, g], |_, [gate, up, g], [of_gate, of_up]| {
        let inputs = gate.iter().zip(up).zip(g);
        for (((z, up), g), (of_gate, of_up)) in inputs.zip(of_gate.iter_mut().zip(of_up)) {
            let share = sigmoid(*z);
            *of_gate = g * up * share * (1.0 + z * (1.0 - share));
            *of_up = g * z * share;
        }
    })
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + exp(-z))
}
