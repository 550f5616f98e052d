//! Symbols in the form that vectors take.

use crate::entropy::rans::PROB_SCALE;

/// Lanes that there is a kernel for.
pub(crate) const LANES: usize = 32;
/// Words before those of a stream that the kernel may write to as well.
pub(crate) const SLACK: usize = 8;

/// How to code a symbol, in the form that vectors take.
///
/// For a frequency f in 2^(k−1) + 1 … 2^k the quotient ⌊x/f⌋ is ⌊x·m / 2^(31+k)⌋ with
/// m = ⌈2^(31+k)/f⌉, which has 32 bits. With e = m·f − 2^(31+k) < f that is exact for x·e < 2^(31+k),
/// and states are below f·2²⁰ when they are divided: always for f ≤ 2¹¹. For larger f with e > 2²³/f
/// it is ⌊(x + 1)·m′ / 2⁴³⌋ with m′ = m − 1, which needs (x + 1)·(f − e) ≤ 2⁴³: f − e < f − 2²³/f,
/// which is below 2²³/f for all f up to 2¹².
///
/// In bits: 0–31 m, 32–43 start, 44–55 f − 1, 56 whether x + 1 is meant, 57–62 31 + k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Coder(pub(super) u64);

impl Coder {
    /// Of a symbol of frequency `freq` ≥ 1.
    pub fn new(freq: u32, start: u32) -> Self {
        let k = freq.next_power_of_two().ilog2();
        let (freq, shift) = (u64::from(freq), 31 + k);
        let up = (1u64 << shift).div_ceil(freq);
        let over = up * freq - (1 << shift);
        let down = k == PROB_SCALE.ilog2() && over * freq > 1 << 23;
        let (factor, more) = (up - u64::from(down), u64::from(down));
        debug_assert!(factor >> 32 == 0 && start < PROB_SCALE);
        let high = u64::from(start) | (freq - 1) << 12 | more << 24 | u64::from(shift) << 25;
        Coder(factor | high << 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does, in plain arithmetic.
    fn advance(Coder(c): Coder, x: u32) -> u32 {
        let (start, below) = ((c >> 32) as u32 & 0xfff, (c >> 44) as u32 & 0xfff);
        let (more, shift) = ((c >> 56) as u32 & 1, c >> 57);
        let q = (u64::from(x + more) * (c & 0xffff_ffff)) >> shift;
        x + start + q as u32 * (PROB_SCALE - 1 - below)
    }

    #[test]
    fn states_advance_exactly() {
        for freq in 1..PROB_SCALE {
            let coder = Coder::new(freq, 0);
            let top = (1 << 20) - 1;
            let few = [1, 2, 3, top / 3, top / 2, top - 2, top - 1, top];
            for q in few.into_iter().chain((0..top).step_by(9973)) {
                for x in [q * freq, q * freq + freq / 2, q * freq + (freq - 1)] {
                    assert_eq!(advance(coder, x), q * PROB_SCALE + x % freq, "{x} / {freq}");
                }
            }
        }
    }
}
