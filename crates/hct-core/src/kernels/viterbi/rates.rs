//! What indices cost.

/// Index magnitudes past this share one rate.
pub(crate) const RATES: usize = 256;
/// Classes at most.
pub(super) const CLASSES: usize = 32;
/// Intervals of magnitudes in steps within which the nearest points of all subsets stay the same: the
/// last one goes on for ever, where all rates are that of the last magnitude.
#[cfg(target_arch = "x86_64")]
pub(super) const CELLS: usize = 2 * RATES;

/// λ·bits of index magnitudes, in units of δ², of the contexts `class * 2 + quantizer`.
pub(crate) struct Rates {
    pub(super) rows: Vec<[f32; RATES]>,
    /// Of a class those of the nearest points of the four subsets, by interval. With j of a subset the
    /// number of its point 4j + o, an interval is the sum of the four j: each grows by one where a
    /// magnitude grows by four, and no two of them at the same place.
    #[cfg(target_arch = "x86_64")]
    pub(super) cells: Vec<[[f32; 4]; CELLS]>,
    /// Of the zero of Q1, by class.
    #[cfg(target_arch = "x86_64")]
    pub(super) zeros: [f32; CLASSES],
}

impl Rates {
    /// Those of the contexts in order, two a class.
    ///
    /// # Panics
    /// When there are more than [`CLASSES`].
    pub fn new(rows: Vec<[f32; RATES]>) -> Self {
        let (classes, _) = rows.as_chunks::<2>();
        assert!(classes.len() <= CLASSES, "too many classes");
        #[cfg(target_arch = "x86_64")]
        let (cells, zeros) = {
            let cells = classes.iter().map(|class| {
                std::array::from_fn(|cell| {
                    let at = magnitudes(cell).map(|m| m.min(RATES - 1));
                    std::array::from_fn(|subset| class[subset / 2][at[subset]])
                })
            });
            let mut zeros = [0.0; CLASSES];
            for (zero, class) in zeros.iter_mut().zip(classes) {
                *zero = class[1][0];
            }
            (cells.collect(), zeros)
        };
        Rates {
            #[cfg(target_arch = "x86_64")]
            cells,
            #[cfg(target_arch = "x86_64")]
            zeros,
            rows,
        }
    }

    /// How many classes there are rates of.
    #[cfg(target_arch = "x86_64")]
    pub fn classes(&self) -> usize {
        self.rows.len() / 2
    }
}

/// Magnitudes of the indices of the nearest points of all subsets in an interval; of the third the one
/// that is not zero.
#[cfg(target_arch = "x86_64")]
fn magnitudes(cell: usize) -> [usize; 4] {
    // From 0 on that of Q1 even is the first to grow, then those of Q0 even, Q1 odd and Q0 odd.
    let [even, odd, zero, last] = [2, 0, 3, 1].map(|before| (cell + before) / 4);
    [2 * even, 2 * odd + 1, 2 * zero.max(1), 2 * last + 1]
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::portable::nearest;
    use super::*;

    #[test]
    fn an_interval_tells_the_nearest_points() {
        let near = |v: f32| [v.next_down(), v, v.next_up()];
        let ends = (0..2200).flat_map(|k| near(k as f32 + 0.08));
        let between = (0..=60_000).map(|k| k as f32 * 0.01);
        for a in ends.chain(between).chain([1e4, 1e6, 8e6]) {
            let j: [usize; 4] = std::array::from_fn(|subset| nearest(a, subset) as usize);
            let cell = j.iter().sum::<usize>().min(CELLS - 1);
            let expected = [2 * j[0], 2 * j[1] + 1, 2 * j[2].max(1), 2 * j[3] + 1];
            let last = |m: [usize; 4]| m.map(|m| m.min(RATES - 1));
            assert_eq!(last(magnitudes(cell)), last(expected), "{a}");
        }
    }
}
