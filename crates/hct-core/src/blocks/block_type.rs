//! The block-quantized tensor types of ggml.

use std::fmt;

macro_rules! block_types {
    ($($variant:ident = $code:literal, $name:literal, $weights:literal, $bytes:literal;)*) => {
        /// How ggml quantizes weights in blocks that share scales. Codes are those of GGUF files,
        /// and the on-disk values of HCT V3.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum BlockType {
            $(#[doc = concat!($name, ": ", $weights, " weights in ", $bytes, " bytes.")] $variant = $code,)*
        }

        impl BlockType {
            /// Every type the format knows.
            pub const ALL: &[BlockType] = &[$(BlockType::$variant),*];

            /// The type with this code, if there is one.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(BlockType::$variant),)* _ => None }
            }

            /// The name in ggml, such as `Q4_K`.
            pub fn name(self) -> &'static str {
                match self { $(BlockType::$variant => $name,)* }
            }

            /// Weights of a block.
            pub fn weights(self) -> usize {
                match self { $(BlockType::$variant => $weights,)* }
            }

            /// Bytes of a block.
            pub fn bytes(self) -> usize {
                match self { $(BlockType::$variant => $bytes,)* }
            }
        }
    };
}

block_types! {
    Q4_0 = 2, "Q4_0", 32, 18;
    Q4_1 = 3, "Q4_1", 32, 20;
    Q5_0 = 6, "Q5_0", 32, 22;
    Q5_1 = 7, "Q5_1", 32, 24;
    Q8_0 = 8, "Q8_0", 32, 34;
    Q8_1 = 9, "Q8_1", 32, 36;
    Q2K = 10, "Q2_K", 256, 84;
    Q3K = 11, "Q3_K", 256, 110;
    Q4K = 12, "Q4_K", 256, 144;
    Q5K = 13, "Q5_K", 256, 176;
    Q6K = 14, "Q6_K", 256, 210;
    Q8K = 15, "Q8_K", 256, 292;
    Iq2Xxs = 16, "IQ2_XXS", 256, 66;
    Iq2Xs = 17, "IQ2_XS", 256, 74;
    Iq3Xxs = 18, "IQ3_XXS", 256, 98;
    Iq1S = 19, "IQ1_S", 256, 50;
    Iq4Nl = 20, "IQ4_NL", 32, 18;
    Iq3S = 21, "IQ3_S", 256, 110;
    Iq2S = 22, "IQ2_S", 256, 82;
    Iq4Xs = 23, "IQ4_XS", 256, 136;
    Iq1M = 29, "IQ1_M", 256, 56;
    Tq1_0 = 34, "TQ1_0", 256, 54;
    Tq2_0 = 35, "TQ2_0", 256, 66;
    Mxfp4 = 39, "MXFP4", 32, 17;
    Nvfp4 = 40, "NVFP4", 64, 36;
}

impl BlockType {
    /// The code in GGUF files and on disk.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for BlockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
