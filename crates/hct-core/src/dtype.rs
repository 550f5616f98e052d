//! Element types of stored tensors, as named by safetensors.

use std::fmt;

macro_rules! dtypes {
    ($($variant:ident = $code:literal, $name:literal, $bits:literal, $doc:literal;)*) => {
        /// Element type of a tensor. Codes are the on-disk values of HCT V3.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Dtype { $(#[doc = $doc] $variant = $code,)* }

        impl Dtype {
            /// Every element type the format knows.
            pub const ALL: &[Dtype] = &[$(Dtype::$variant),*];

            /// The on-disk code.
            pub fn code(self) -> u8 { self as u8 }

            /// The type with this on-disk code, if there is one.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Dtype::$variant),)* _ => None }
            }

            /// The safetensors name, such as `BF16`.
            pub fn name(self) -> &'static str {
                match self { $(Dtype::$variant => $name,)* }
            }

            /// The type with this safetensors name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Dtype::$variant),)* _ => None }
            }

            /// Bits per element; below 8 for packed types.
            pub fn bits(self) -> usize {
                match self { $(Dtype::$variant => $bits,)* }
            }
        }
    };
}

dtypes! {
    Bool = 0, "BOOL", 8, "Boolean, one byte each.";
    U8 = 1, "U8", 8, "Unsigned 8-bit integer.";
    I8 = 2, "I8", 8, "Signed 8-bit integer.";
    U16 = 3, "U16", 16, "Unsigned 16-bit integer.";
    I16 = 4, "I16", 16, "Signed 16-bit integer.";
    U32 = 5, "U32", 32, "Unsigned 32-bit integer.";
    I32 = 6, "I32", 32, "Signed 32-bit integer.";
    U64 = 7, "U64", 64, "Unsigned 64-bit integer.";
    I64 = 8, "I64", 64, "Signed 64-bit integer.";
    F16 = 9, "F16", 16, "IEEE 754 half precision.";
    BF16 = 10, "BF16", 16, "bfloat16.";
    F32 = 11, "F32", 32, "IEEE 754 single precision.";
    F64 = 12, "F64", 64, "IEEE 754 double precision.";
    C64 = 13, "C64", 64, "Complex of two F32.";
    F8E4M3 = 14, "F8_E4M3", 8, "8-bit float, 4 exponent bits.";
    F8E5M2 = 15, "F8_E5M2", 8, "8-bit float, 5 exponent bits.";
    F8E8M0 = 16, "F8_E8M0", 8, "8-bit power-of-two scale.";
    F6E2M3 = 17, "F6_E2M3", 6, "6-bit float, 2 exponent bits, packed.";
    F6E3M2 = 18, "F6_E3M2", 6, "6-bit float, 3 exponent bits, packed.";
    F4 = 19, "F4", 4, "4-bit float, packed.";
    F8E4M3Fnuz = 20, "F8_E4M3FNUZ", 8, "8-bit float, 4 exponent bits, no negative zero.";
    F8E5M2Fnuz = 21, "F8_E5M2FNUZ", 8, "8-bit float, 5 exponent bits, no negative zero.";
}

impl Dtype {
    /// Whether elements are floating-point numbers of any kind.
    pub fn is_float(self) -> bool {
        use Dtype::*;
        !matches!(self, Bool | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
    }

    /// Whether lossy recipes can code this type (F16, BF16, F32).
    pub fn is_codable(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::BF16 | Dtype::F32)
    }

    /// Bytes that `elements` elements take, or `None` when they do not fill whole bytes or the
    /// count overflows.
    pub fn byte_len(self, elements: u64) -> Option<u64> {
        let bits = elements.checked_mul(self.bits() as u64)?;
        (bits % 8 == 0).then_some(bits / 8)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
