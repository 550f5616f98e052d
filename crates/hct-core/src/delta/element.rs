//! Elements as ordered integers, and what a base element tells of its differences.

use crate::Dtype;

/// Leading mantissa bits that drift is told apart by, at most.
const KEY_BITS: u32 = 10;

/// How elements of a type lie in their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bits per element: 8, 16 or 32.
    bits: u32,
    /// Mantissa bits of a float with a sign bit at the top; none for everything else.
    mantissa: Option<u32>,
}

impl Layout {
    /// The layout of `dtype`, unless its elements are longer than 32 bits. Packed types are taken
    /// byte by byte.
    pub fn of(dtype: Dtype) -> Option<Self> {
        let float = |bits, mantissa| Layout {
            bits,
            mantissa: Some(mantissa),
        };
        Some(match dtype {
            Dtype::F32 => float(32, 23),
            Dtype::BF16 => float(16, 7),
            Dtype::F16 => float(16, 10),
            Dtype::F8E4M3 | Dtype::F8E4M3Fnuz => float(8, 3),
            Dtype::F8E5M2 | Dtype::F8E5M2Fnuz => float(8, 2),
            other => Layout {
                bits: match other.bits() {
                    bits @ (8 | 16 | 32) => bits as u32,
                    bits if bits < 8 => 8,
                    _ => return None,
                },
                mantissa: None,
            },
        })
    }

    /// Bytes per element.
    pub fn bytes(self) -> usize {
        self.bits as usize / 8
    }

    /// The elements of little-endian `bytes`.
    pub fn elements(self, bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> + '_ {
        bytes.chunks_exact(self.bytes()).map(|e| match *e {
            [a] => u32::from(a),
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => 0,
        })
    }

    /// Writes `element` to `out`, which has [`Layout::bytes`].
    #[inline(always)]
    pub fn store(self, element: u32, out: &mut [u8]) {
        let width = out.len().min(4);
        out[..width].copy_from_slice(&element.to_le_bytes()[..width]);
    }

    fn magnitude_mask(self) -> u32 {
        u32::MAX >> (33 - self.bits)
    }

    /// Whether a float is negative, by its sign bit.
    #[inline(always)]
    pub fn negative(self, element: u32) -> bool {
        self.mantissa.is_some() && element >> (self.bits - 1) & 1 == 1
    }

    /// Whether a float is a zero of either sign, another element 0.
    #[cfg(feature = "encode")]
    #[inline(always)]
    pub fn is_zero(self, element: u32) -> bool {
        match self.mantissa {
            Some(_) => element & self.magnitude_mask() == 0,
            None => element == 0,
        }
    }

    /// The zero with the sign of `like`, or with the other sign.
    #[inline(always)]
    pub fn zero(self, like: u32, same_sign: bool) -> u32 {
        match self.mantissa {
            Some(_) => u32::from(self.negative(like) == same_sign) << (self.bits - 1),
            None => 0,
        }
    }

    /// Elements in the order of the numbers they stand for; its own inverse.
    #[inline(always)]
    fn ordered(self, element: u32) -> u32 {
        if self.negative(element) {
            element ^ self.magnitude_mask()
        } else {
            element
        }
    }

    /// The low bits of `v` as a signed number.
    #[cfg(feature = "encode")]
    #[inline(always)]
    fn signed(self, v: u32) -> i32 {
        ((v << (32 - self.bits)) as i32) >> (32 - self.bits)
    }

    /// How far `element` lies from `base`, in units in the last place, away from zero where
    /// positive; modulo the number of bit patterns.
    #[cfg(feature = "encode")]
    #[inline(always)]
    pub fn difference(self, base: u32, element: u32) -> i32 {
        let d = self.ordered(element).wrapping_sub(self.ordered(base));
        self.signed(if self.negative(base) {
            d.wrapping_neg()
        } else {
            d
        })
    }

    /// The difference counted from `drift`.
    #[cfg(feature = "encode")]
    #[inline(always)]
    pub fn counted_from(self, base: u32, element: u32, drift: i32) -> i32 {
        let d = self.difference(base, element).wrapping_sub(drift);
        self.signed(d as u32)
    }

    /// Inverse of [`Layout::difference`].
    #[inline(always)]
    pub fn moved(self, base: u32, difference: i32) -> u32 {
        let d = difference as u32;
        let d = if self.negative(base) {
            d.wrapping_neg()
        } else {
            d
        };
        let ordered = self.ordered(base).wrapping_add(d) & (u32::MAX >> (32 - self.bits));
        self.ordered(ordered)
    }

    /// Twice the binary logarithm of a float's magnitude, rounded down, from an arbitrary origin;
    /// 0 for everything else.
    #[inline(always)]
    pub fn half_octaves(self, element: u32) -> i32 {
        match self.mantissa {
            Some(mantissa) => ((element & self.magnitude_mask()) >> (mantissa - 1)) as i32,
            None => 0,
        }
    }

    /// Twice the binary logarithm of the units in the last place that make an octave.
    #[cfg(feature = "encode")]
    pub fn octave(self) -> i32 {
        2 * self.mantissa.unwrap_or(self.bits) as i32
    }

    /// Number of values of [`Layout::drift_key`]; 1 for what has no mantissa.
    pub fn drift_keys(self) -> usize {
        self.mantissa.map_or(1, |m| 1 << m.min(KEY_BITS))
    }

    /// The leading bits of the mantissa.
    #[inline(always)]
    pub fn drift_key(self, element: u32) -> usize {
        match self.mantissa {
            Some(m) => {
                let key = m.min(KEY_BITS);
                (element >> (m - key)) as usize & ((1 << key) - 1)
            }
            None => 0,
        }
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;

    #[test]
    fn differences_come_back_and_are_zero_for_equals() {
        let samples = [
            0u32,
            1,
            0x7f,
            0x80,
            0xff,
            0x3c00,
            0x7fff,
            0x8000,
            0x8001,
            0xffff,
            0x3f80_0000,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_0001,
            0xbf80_0001,
            u32::MAX,
        ];
        for &dtype in Dtype::ALL {
            let Some(layout) = Layout::of(dtype) else {
                assert_eq!(dtype.bits(), 64);
                continue;
            };
            let mask = u32::MAX >> (32 - 8 * layout.bytes());
            for a in samples.map(|s| s & mask) {
                assert_eq!(layout.difference(a, a), 0);
                for b in samples.map(|s| s & mask) {
                    let d = layout.difference(a, b);
                    assert_eq!(layout.moved(a, d), b, "{dtype} {a:x} {b:x}");
                }
                assert!(layout.drift_key(a) < layout.drift_keys());
                for same_sign in [true, false] {
                    let zero = layout.zero(a, same_sign);
                    assert!(layout.is_zero(zero));
                    let float = layout.mantissa.is_some();
                    let same = layout.negative(zero) == layout.negative(a);
                    assert!(!float || same == same_sign);
                }
            }
        }
    }

    #[test]
    fn away_from_zero_is_positive_on_both_sides() {
        let layout = Layout::of(Dtype::F32).unwrap();
        for sign in [1.0f32, -1.0] {
            let (a, b) = ((sign * 1.0).to_bits(), (sign * 1.5).to_bits());
            assert_eq!(layout.difference(a, b), 1 << 22);
            assert_eq!(layout.difference(b, a), -(1 << 22));
        }
    }
}
