//! By arithmetic on bits.

/// Bits of the exponent of an f32 by which those of F16 are less.
const BIAS: u32 = 112 << 23;
/// Bits of the smallest normal number of F16 as an f32.
const NORMAL: u32 = 113 << 23;

#[inline(always)]
pub(super) fn to_f32(halves: &[[u8; 2]], out: &mut [f32]) {
    for (v, &half) in out.iter_mut().zip(halves) {
        *v = value(u16::from_le_bytes(half));
    }
}

/// The number that bits of F16 stand for, without a branch. A NaN becomes a quiet one.
#[inline(always)]
pub(crate) fn value(bits: u16) -> f32 {
    let bits = u32::from(bits);
    let magnitude = bits & 0x7fff;
    let normal = (magnitude << 13) + BIAS;
    let subnormal = (f32::from_bits(magnitude | 0.5f32.to_bits()) - 0.5).to_bits();
    let quiet = u32::from(magnitude > 0x7c00) << 22;
    let special = 0x7f80_0000 | magnitude << 13 | quiet;
    let finite = if magnitude < 0x400 { subnormal } else { normal };
    let value = if magnitude < 0x7c00 { finite } else { special };
    f32::from_bits((bits & 0x8000) << 16 | value)
}

#[inline(always)]
pub(super) fn from_f32(values: &[f32], out: &mut [[u8; 2]]) {
    for (v, half) in values.iter().zip(out) {
        let magnitude = v.abs();
        let bits = magnitude.to_bits();
        let normal = (bits + 0xfff + (bits >> 13 & 1)).wrapping_sub(BIAS);
        // Between ½ and 1 an f32 counts in 2⁻²⁴, as F16 does below its normal numbers.
        let subnormal = (magnitude + 0.5).to_bits() - 0.5f32.to_bits();
        let rounded = match bits >= NORMAL {
            true => normal >> 13,
            false => subnormal,
        };
        // 0x7bff is the largest finite magnitude.
        let sign = v.to_bits() >> 16 & 0x8000;
        *half = ((sign | rounded.min(0x7bff)) as u16).to_le_bytes();
    }
}
