//! What symbols cost under given contexts.

use super::statistics::Statistics;
use crate::entropy::freq::FreqTable;
use crate::kernels::viterbi::{RATES, Rates};
use crate::quant::trellis::contexts::{Contexts, MAX_MAGNITUDE};

/// What a patch costs, about: its position and its value.
const PATCH_BITS: f32 = 28.0;
/// What patches cost that are many and close to each other.
const DENSE_PATCH_BITS: f64 = 14.0;

/// What some values cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bits {
    /// Of symbols.
    symbols: f64,
    /// How many values are past all magnitudes that may have symbols, and so patched.
    patches: f64,
    /// How many others are patched, since their magnitudes come too seldom for symbols: nearly as many of few
    /// values as of many.
    rare_patches: f64,
}

impl Bits {
    /// What they cost together.
    pub fn total(self) -> f64 {
        self.symbols + f64::from(PATCH_BITS) * (self.patches + self.rare_patches)
    }

    /// What so many times as many values cost.
    pub fn scaled(self, times: f64) -> f64 {
        let scaled = self.symbols + DENSE_PATCH_BITS * self.patches;
        scaled * times + f64::from(PATCH_BITS) * self.rare_patches
    }
}

impl Contexts {
    /// The magnitude coded in place of `m`: itself, or the largest of its parity that has a
    /// symbol, so that the trellis goes the same way. A patch carries the rest.
    #[inline(always)]
    pub fn coded_magnitude(&self, context: usize, m: usize) -> usize {
        let max = self.max_magnitude(context);
        if m <= max {
            m
        } else {
            max.saturating_sub((max ^ m) & 1)
        }
    }

    /// λ·bits per magnitude for the search, `lambda` in δ² per bit.
    pub fn rates(&self, lambda: f32) -> Rates {
        let of_context = |(c, table): (usize, &FreqTable)| -> [f32; RATES] {
            let coded: Vec<f32> = (0..=self.max_magnitude(c))
                .map(|m| table.cost(2 * m))
                .collect();
            std::array::from_fn(|m| {
                let rate = match coded.get(m) {
                    Some(&rate) => rate,
                    None => coded[self.coded_magnitude(c, m)] + PATCH_BITS,
                };
                lambda * rate
            })
        };
        Rates::new(self.tables.iter().enumerate().map(of_context).collect())
    }

    /// Bits that symbols of these statistics cost, and about those of their patches.
    pub fn bits(&self, stats: &Statistics) -> Bits {
        let mut bits = Bits::default();
        for (c, (table, counts)) in self.tables.iter().zip(&stats.counts).enumerate() {
            let most = self.max_magnitude(c);
            for (m, &k) in counts.iter().enumerate().filter(|&(_, &k)| k > 0) {
                let symbol = table.cost(2 * self.coded_magnitude(c, m));
                bits.symbols += k as f64 * f64::from(symbol);
                if m > most && most < MAX_MAGNITUDE {
                    bits.rare_patches += k as f64;
                } else if m > most {
                    bits.patches += k as f64;
                }
            }
        }
        bits
    }
}
