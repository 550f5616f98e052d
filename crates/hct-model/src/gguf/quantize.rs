//! Numbers as blocks, as ggml's reference quantizers make them.

use half::f16;
use hct_core::BlockType;

/// Weights of a block of either type.
const BLOCK: usize = 32;

/// Blocks of `kind`, Q8_0 or Q4_0, of a whole number of 32 values; `None` of other types, or where a
/// value is not finite or a scale is beyond F16.
pub(super) fn quantize(values: &[f32], kind: BlockType) -> Option<Vec<u8>> {
    let block: fn(&[f32], &mut Vec<u8>) -> Option<()> = match kind {
        BlockType::Q8_0 => q8_0,
        BlockType::Q4_0 => q4_0,
        _ => return None,
    };
    let mut out = Vec::with_capacity(values.len() / BLOCK * kind.bytes());
    for values in values.chunks_exact(BLOCK) {
        block(values, &mut out)?;
    }
    Some(out)
}

/// A scale of 1/127 of the largest magnitude.
fn q8_0(values: &[f32], out: &mut Vec<u8>) -> Option<()> {
    let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
    let inverse = put_scale(values, largest / 127.0, out)?;
    out.extend(values.iter().map(|x| (x * inverse).round() as i8 as u8));
    Some(())
}

/// A scale of −1/8 of the value that is largest in magnitude, so that its sign has the code more.
fn q4_0(values: &[f32], out: &mut Vec<u8>) -> Option<()> {
    let larger = |m: f32, &x: &f32| if x.abs() > m.abs() { x } else { m };
    let largest = values.iter().fold(0f32, larger);
    let inverse = put_scale(values, largest / -8.0, out)?;
    let code = |x: f32| ((x * inverse + 8.5) as u8).min(15);
    let (low, high) = values.split_at(BLOCK / 2);
    let pairs = low.iter().zip(high);
    out.extend(pairs.map(|(&low, &high)| code(low) | code(high) << 4));
    Some(())
}

/// Writes a scale, and gives the inverse of what it was before it was rounded.
fn put_scale(values: &[f32], scale: f32, out: &mut Vec<u8>) -> Option<f32> {
    let half = f16::from_f32(scale);
    if !half.is_finite() || !values.iter().all(|x| x.is_finite()) {
        return None;
    }
    out.extend(half.to_le_bytes());
    Some(if scale == 0.0 { 0.0 } else { 1.0 / scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::GgufType;

    #[test]
    fn values_come_back_to_half_a_step() {
        let values: Vec<f32> = (0..96).map(|i| (i as f32 * 0.7).sin() * 0.3).collect();
        for (kind, steps) in [(BlockType::Q8_0, 127.0), (BlockType::Q4_0, 8.0)] {
            let blocks = quantize(&values, kind).unwrap();
            assert_eq!(blocks.len(), 3 * kind.bytes());
            let back = GgufType::Blocks(kind).dequantize(&blocks).unwrap();
            // The far end of Q4_0 has no code: what is largest there is off by a step.
            let most = if kind == BlockType::Q4_0 { 1.0 } else { 0.5 };
            for (x, y) in values.iter().zip(back) {
                assert!((x - y).abs() <= 0.3 / steps * (most + 0.02), "{x} {y}");
            }
        }
    }

    #[test]
    fn what_has_no_block_is_none() {
        for bad in [f32::NAN, f32::INFINITY, 3e8] {
            let mut values = [1.0; 32];
            values[7] = bad;
            assert_eq!(quantize(&values, BlockType::Q4_0), None, "{bad}");
        }
        assert_eq!(quantize(&[0.0; 32], BlockType::Q8_0).unwrap(), [0; 34]);
        assert_eq!(quantize(&[0.0; 256], BlockType::Q4K), None);
    }
}
