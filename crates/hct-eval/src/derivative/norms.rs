//! The two normalisations of rows.

use candle_core::Tensor;

use crate::Error;
use crate::rows::{by_rows, dot, values};

/// With y = x · r · w and r = 1 / √(mean x² + ε): r · (g w − x r² · mean(g w x)).
pub(crate) fn rms_norm(
    x: &Tensor,
    weight: &Tensor,
    epsilon: f32,
    g: &Tensor,
) -> Result<Tensor, Error> {
    let weight = values(weight)?;
    let weight = &*weight;
    let [of_x] = by_rows([x, g], |_, [x, g], [out]| {
        let width = x.len() as f32;
        let r = 1.0 / (dot(x, x) / width + epsilon).sqrt();
        for ((out, g), w) in out.iter_mut().zip(g).zip(weight) {
            *out = g * w;
        }
        let pull = r * r * dot(out, x) / width;
        for (out, x) in out.iter_mut().zip(x) {
            *out = r * (*out - x * pull);
        }
    })?;
    Ok(of_x)
}

/// The gradient with respect to the weight w of the same: Σ over rows of g x r.
pub(crate) fn rms_norm_weight(x: &Tensor, epsilon: f32, g: &Tensor) -> Result<Vec<f64>, Error> {
    let width = x.dim(1)?;
    let mut sums = vec![0.0; width];
    let (x, g) = (values(x)?, values(g)?);
    for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
        let r = 1.0 / (dot(x, x) / width as f32 + epsilon).sqrt();
        for ((sum, x), g) in sums.iter_mut().zip(x).zip(g) {
            *sum += f64::from(g * x * r);
        }
    }
    Ok(sums)
}

/// With y = z · w + b, z = (x − mean x) · r and r = 1 / √(variance x + ε):
/// r · (g w − mean(g w) − z · mean(g w z)).
pub(crate) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    epsilon: f32,
    g: &Tensor,
) -> Result<Tensor, Error> {
    let weight = values(weight)?;
    let weight = &*weight;
    let [of_x] = by_rows([x, g], |_, [x, g], [out]| {
        let width = x.len() as f32;
        let mean = x.iter().sum::<f32>() / width;
        let centred: Vec<f32> = x.iter().map(|x| x - mean).collect();
        let r = 1.0 / (dot(&centred, &centred) / width + epsilon).sqrt();
        for ((out, g), w) in out.iter_mut().zip(g).zip(weight) {
            *out = g * w;
        }
        let shift = out.iter().sum::<f32>() / width;
        let pull = r * r * dot(out, &centred) / width;
        for (out, x) in out.iter_mut().zip(&centred) {
            *out = r * (*out - shift - x * pull);
        }
    })?;
    Ok(of_x)
}
