//! Differences as a symbol and raw bits: sign, bit length and the two bits below the leading one
//! make the symbol; the rest is as good as random.

/// Magnitudes below this are symbols of their own.
#[cfg(feature = "encode")]
const EXACT: u32 = 8;
/// The element is the zero of the base's sign.
pub(crate) const ZERO: u8 = 254;
/// The element is the zero of the other sign.
pub(crate) const OTHER_ZERO: u8 = 255;
/// Symbols there are.
pub(crate) const SYMBOLS: usize = 256;

/// The symbol of a difference, and how many of its low bits are left out of it.
#[cfg(feature = "encode")]
#[inline(always)]
pub(crate) fn token(difference: i32) -> (u8, u32) {
    let m = difference.unsigned_abs();
    let (bucket, raw) = if m < EXACT {
        (m, 0)
    } else {
        let raw = 29 - m.leading_zeros();
        (4 * raw + (m >> raw), raw)
    };
    ((2 * bucket - u32::from(difference < 0)) as u8, raw)
}

/// How many raw bits follow a symbol below [`ZERO`].
#[inline(always)]
pub(crate) fn raw_bits(symbol: u8) -> u32 {
    let bucket = u32::from(symbol).div_ceil(2);
    (bucket.max(4) - 4) / 4
}

/// The difference of a symbol below [`ZERO`] and its raw bits.
#[inline(always)]
pub(crate) fn difference(symbol: u8, low: u32) -> i32 {
    let bucket = u32::from(symbol).div_ceil(2);
    let raw = raw_bits(symbol);
    // At most 2³¹; symbols past that of 2³¹ stand for what wraps.
    let m = (bucket - 4 * raw).wrapping_shl(raw) | low;
    if symbol & 1 == 1 {
        m.wrapping_neg() as i32
    } else {
        m as i32
    }
}

/// Twice the binary logarithm of a difference's magnitude, rounded down; −3 for none.
#[cfg(feature = "encode")]
#[inline(always)]
pub(crate) fn half_octaves(difference: i32) -> i32 {
    match difference.unsigned_abs() {
        0 => -3,
        1 => 0,
        m => {
            let length = m.ilog2();
            (2 * length + (m >> (length - 1) & 1)) as i32
        }
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back() {
        let lengths = (0..32).flat_map(|s| [1u32 << s, (1u64 << s).saturating_sub(1) as u32]);
        for m in lengths.chain([0, 3, 5, 9, 100, 12_345_678, 0x7fff_fffe]) {
            for d in [m as i32, (m as i32).wrapping_neg()] {
                let (symbol, raw) = token(d);
                assert!(symbol < ZERO);
                assert_eq!(raw, raw_bits(symbol), "{d}");
                let low = d.unsigned_abs() & ((1u64 << raw) - 1) as u32;
                assert_eq!(difference(symbol, low), d);
            }
        }
        // Whatever a damaged file holds gives some number.
        (0..ZERO).for_each(|symbol| _ = difference(symbol, 1));
    }
}
