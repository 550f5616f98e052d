//! Elements of most dtypes as f64.

use hct_core::{Dtype, MatrixView};

/// Values converted at a time where they go through f32.
const PIECE: usize = 256;

/// The elements of a tensor, converted as they are read.
pub(super) enum Values<'a> {
    Matrix(MatrixView<'a>),
    /// One byte each, through a table.
    Bytes(&'a [u8], Box<[f64; 256]>),
    /// Several bytes each.
    Wide(&'a [u8], usize, fn(&[u8]) -> f64),
}

macro_rules! wide {
    ($bytes:expr, $t:ty) => {{
        const WIDTH: usize = size_of::<$t>();
        let convert = |b: &[u8]| {
            let mut element = [0; WIDTH];
            element.copy_from_slice(b);
            <$t>::from_le_bytes(element) as f64
        };
        Values::Wide($bytes, WIDTH, convert)
    }};
}

impl<'a> Values<'a> {
    /// The `rows` · `cols` elements in `bytes`, or `None` for a dtype whose elements are not plain
    /// numbers of whole bytes.
    pub fn new(bytes: &'a [u8], dtype: Dtype, rows: usize, cols: usize) -> Option<Self> {
        let table = |value: fn(u8) -> f64| {
            Values::Bytes(bytes, Box::new(std::array::from_fn(|b| value(b as u8))))
        };
        Some(match dtype {
            Dtype::F16 | Dtype::BF16 | Dtype::F32 => {
                Values::Matrix(MatrixView::from_bytes(bytes, dtype, rows, cols).ok()?)
            }
            Dtype::Bool | Dtype::U8 => table(f64::from),
            Dtype::I8 => table(|b| f64::from(b as i8)),
            Dtype::F8E4M3 => table(|b| match b & 0x7f {
                0x7f => f64::NAN,
                _ => small_float(b, 3, 7),
            }),
            Dtype::F8E5M2 => table(|b| match b & 0x7f {
                0x7c => small_float(b, 2, 15) * f64::INFINITY,
                0x7d.. => f64::NAN,
                _ => small_float(b, 2, 15),
            }),
            Dtype::F8E4M3Fnuz => table(|b| match b {
                0x80 => f64::NAN,
                _ => small_float(b, 3, 8),
            }),
            Dtype::F8E5M2Fnuz => table(|b| match b {
                0x80 => f64::NAN,
                _ => small_float(b, 2, 16),
            }),
            Dtype::F8E8M0 => table(|b| match b {
                0xff => f64::NAN,
                _ => 2f64.powi(i32::from(b) - 127),
            }),
            Dtype::U16 => wide!(bytes, u16),
            Dtype::I16 => wide!(bytes, i16),
            Dtype::U32 => wide!(bytes, u32),
            Dtype::I32 => wide!(bytes, i32),
            Dtype::U64 => wide!(bytes, u64),
            Dtype::I64 => wide!(bytes, i64),
            Dtype::F64 => wide!(bytes, f64),
            // Complex, and several to a byte.
            _ => return None,
        })
    }

    /// Fills `out` with the values from position `first` on.
    pub fn read(&self, first: usize, out: &mut [f64]) {
        match self {
            Values::Matrix(matrix) => {
                let mut buffer = [0f32; PIECE];
                for (i, out) in out.chunks_mut(PIECE).enumerate() {
                    let buffer = &mut buffer[..out.len()];
                    matrix.read(first + i * PIECE, buffer);
                    out.iter_mut()
                        .zip(buffer)
                        .for_each(|(o, v)| *o = f64::from(*v));
                }
            }
            Values::Bytes(bytes, table) => {
                for (o, &b) in out.iter_mut().zip(&bytes[first..]) {
                    *o = table[usize::from(b)];
                }
            }
            Values::Wide(bytes, width, convert) => {
                for (o, b) in out
                    .iter_mut()
                    .zip(bytes[first * width..].chunks_exact(*width))
                {
                    *o = convert(b);
                }
            }
        }
    }
}

/// An 8-bit float of a sign, an exponent and `mantissa_bits`, special values apart.
fn small_float(byte: u8, mantissa_bits: u32, bias: i32) -> f64 {
    let mantissa = i32::from(byte & ((1 << mantissa_bits) - 1));
    let exponent = i32::from(byte & 0x7f) >> mantissa_bits;
    // A zero exponent marks subnormals, which lack the leading one.
    let (significand, exponent) = match exponent {
        0 => (mantissa, 1),
        e => (mantissa + (1 << mantissa_bits), e),
    };
    let magnitude = f64::from(significand) * 2f64.powi(exponent - bias - mantissa_bits as i32);
    if byte & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dtype: Dtype, bytes: &[u8], n: usize) -> Vec<f64> {
        let mut out = vec![0.0; n];
        Values::new(bytes, dtype, 1, n).unwrap().read(0, &mut out);
        out
    }

    #[test]
    fn small_floats_are_as_their_standards_say() {
        let e4m3 = of(Dtype::F8E4M3, &[0x00, 0x01, 0x38, 0xb8, 0x7e, 0x7f], 6);
        assert_eq!(e4m3[..5], [0.0, 2f64.powi(-9), 1.0, -1.0, 448.0]);
        assert!(e4m3[5].is_nan());
        let e5m2 = of(Dtype::F8E5M2, &[0x01, 0x3c, 0x7b, 0xfc, 0x7d], 5);
        let (tiny, most) = (2f64.powi(-16), 57344.0);
        assert_eq!(e5m2[..4], [tiny, 1.0, most, f64::NEG_INFINITY]);
        assert!(e5m2[4].is_nan());
        let fnuz = of(Dtype::F8E4M3Fnuz, &[0x40, 0x7f, 0x80], 3);
        assert_eq!(fnuz[..2], [1.0, 240.0]);
        assert!(fnuz[2].is_nan());
        assert_eq!(
            of(Dtype::F8E5M2Fnuz, &[0x40, 0x7f, 0x00], 3),
            [1.0, most, 0.0]
        );
        assert_eq!(of(Dtype::F8E8M0, &[127, 130, 0], 3)[..2], [1.0, 8.0]);
    }

    #[test]
    fn integers_keep_their_sign() {
        assert_eq!(of(Dtype::I8, &[0xff, 0x7f], 2), [-1.0, 127.0]);
        assert_eq!(of(Dtype::I16, &[0xfe, 0xff], 1), [-2.0]);
        assert_eq!(of(Dtype::I64, &(-5i64).to_le_bytes(), 1), [-5.0]);
        assert_eq!(of(Dtype::U64, &u64::MAX.to_le_bytes(), 1), [2f64.powi(64)]);
        assert_eq!(of(Dtype::F64, &0.1f64.to_le_bytes(), 1), [0.1]);
        assert!(Values::new(&[0; 8], Dtype::C64, 1, 1).is_none());
    }
}
