//! Pruning by magnitude.

/// Share of the weights that go.
const SHARE: f64 = 0.5;

/// Makes the smallest magnitudes of a layer zeros.
pub fn prune(_number: u64, values: &mut [f32], _cols: usize) {
    let mut magnitudes: Vec<f32> = values.iter().map(|v| v.abs()).collect();
    let place = ((magnitudes.len() as f64 * SHARE) as usize).min(magnitudes.len() - 1);
    let (_, &mut least, _) = magnitudes.select_nth_unstable_by(place, f32::total_cmp);
    for value in values.iter_mut().filter(|v| v.abs() < least) {
        *value = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_half_goes() {
        let mut values = vec![1.0, -4.0, 3.0, -0.5];
        prune(1, &mut values, 2);
        assert_eq!(values, [0.0, -4.0, 3.0, 0.0]);
    }
}
