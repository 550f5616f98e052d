//! How far a prediction is from another, and how that changes with its logits.

/// The KL divergence of the prediction of `logits` from that of `reference`, in nats.
pub(crate) fn divergence(reference: &[f32], logits: &[f32]) -> f64 {
    let (a_most, b_most) = (most(reference), most(logits));
    let (mut a_sum, mut b_sum, mut product) = (0f64, 0f64, 0f64);
    for (&a, &b) in reference.iter().zip(logits) {
        let (a, b) = (a - a_most, b - b_most);
        let p = a.exp();
        a_sum += f64::from(p);
        b_sum += f64::from(b.exp());
        product += f64::from(p) * f64::from(a - b);
    }
    product / a_sum - a_sum.ln() + b_sum.ln()
}

/// The same; `logits` become its gradient with respect to them, q − p, and `reference` p.
pub(crate) fn divergence_gradient(reference: &mut [f32], logits: &mut [f32]) -> f64 {
    let (a_most, b_most) = (most(reference), most(logits));
    let (mut a_sum, mut b_sum, mut product) = (0f64, 0f64, 0f64);
    for (a, b) in reference.iter_mut().zip(logits.iter_mut()) {
        let apart = f64::from((*a - a_most) - (*b - b_most));
        *a = (*a - a_most).exp();
        *b = (*b - b_most).exp();
        a_sum += f64::from(*a);
        b_sum += f64::from(*b);
        product += f64::from(*a) * apart;
    }
    let (a_scale, b_scale) = ((1.0 / a_sum) as f32, (1.0 / b_sum) as f32);
    for (a, b) in reference.iter_mut().zip(logits) {
        *a *= a_scale;
        *b = *b * b_scale - *a;
    }
    product / a_sum - a_sum.ln() + b_sum.ln()
}

fn most(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distributions_and_their_gradient() {
        let logits = |p: [f64; 3], shift: f64| p.map(|p| (p.ln() + shift) as f32);
        let (mut p, mut q) = (
            logits([0.5, 0.25, 0.25], 3.0),
            logits([0.25, 0.5, 0.25], -4.0),
        );
        let expected = 0.25 * 2f64.ln();
        assert!((divergence(&p, &q) - expected).abs() < 1e-6);
        let found = divergence_gradient(&mut p, &mut q);
        assert!((found - expected).abs() < 1e-6);
        for ((q, expected), p) in q.iter().zip([-0.25, 0.25, 0.0]).zip(p) {
            assert!((q - expected).abs() < 1e-6 && p > 0.2, "{q} {expected}");
        }
        assert_eq!(divergence(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!(divergence(&[1.0, 2.0], &[f32::NAN, 2.0]).is_nan());
    }
}
