//! Bands of the cosine of weights.

/// Where a band ends and the next begins.
const EDGES: [f64; 6] = [0.97, 0.99, 0.991, 0.995, 0.998, 0.999];

/// How many bands there are.
pub const COUNT: usize = EDGES.len() + 1;

/// The number of the band that `cosine` is in; an edge belongs to the band above it.
pub fn band(cosine: f64) -> usize {
    EDGES.iter().filter(|&&edge| cosine >= edge).count()
}

/// What a band is called.
pub fn name(band: usize) -> String {
    match (band.checked_sub(1).map(|b| EDGES[b]), EDGES.get(band)) {
        (None, Some(high)) => format!("< {high}"),
        (Some(low), Some(high)) => format!("{low} – {high}"),
        (low, None) => format!("≥ {}", low.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_band_above() {
        assert_eq!((band(-0.3), band(0.9699), band(0.97)), (0, 0, 1));
        assert_eq!((band(0.995), band(0.9999), band(1.0)), (4, 6, 6));
        assert_eq!(
            [name(0), name(1), name(COUNT - 1)],
            ["< 0.97", "0.97 – 0.99", "≥ 0.999"]
        );
    }
}
