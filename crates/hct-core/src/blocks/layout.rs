//! What the bits of a block are: FP16 scales, and fields of symbols that are alike.

use super::block_type::BlockType;
use super::block_type::BlockType::*;

/// Where symbols have bits of theirs. Symbol i, with p = 8 / width, q = i / (p · group) and
/// r = i mod (p · group), has bits from `bit` + 8·(q · stride + r mod group) + width·(r / group) on.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub bit: usize,
    pub group: usize,
    pub stride: usize,
    pub width: usize,
}

impl Slice {
    /// The first bit of symbol `i` in its block. All of them are in one byte.
    pub fn bit_of(self, i: usize) -> usize {
        let round = 8 / self.width * self.group;
        let (q, r) = (i / round, i % round);
        self.bit + 8 * (q * self.stride + r % self.group) + self.width * (r / self.group)
    }
}

/// Some symbols of a field, and their bits: the low ones first.
pub(super) struct Part {
    pub count: usize,
    pub slices: &'static [Slice],
}

/// What names the frequency table of a symbol.
#[derive(Clone, Copy)]
pub(super) enum Context {
    /// There is one table.
    One,
    /// The symbol of the same number in an earlier field, and to how many bits it is cut from the right.
    Symbol { field: usize, shift: u32 },
    /// Which of 16 parts of the range of symbols weight 0 falls into, by the scale and the least
    /// weight of the `weights` weights that share them; of blocks within blocks, these have factors
    /// in the fields `scales` and `minima`.
    Zero {
        weights: usize,
        factors: Option<(usize, usize)>,
    },
}

/// Symbols that are alike.
pub(super) struct Field {
    pub parts: &'static [Part],
    pub context: Context,
}

impl Field {
    /// Symbols a block.
    pub fn symbols(&self) -> usize {
        self.parts.iter().map(|part| part.count).sum()
    }

    /// Bits of a symbol.
    pub fn bits(&self) -> usize {
        let width = |part: &Part| part.slices.iter().map(|s| s.width).sum();
        self.parts.first().map_or(0, width)
    }
}

/// A block taken apart.
pub(super) struct Layout {
    /// First bytes of FP16 numbers.
    pub halves: &'static [usize],
    pub fields: &'static [Field],
}

const fn slice(bit: usize, group: usize, width: usize) -> Slice {
    Slice {
        bit,
        group,
        stride: group,
        width,
    }
}

const fn strided(byte: usize, group: usize, stride: usize) -> Slice {
    Slice {
        bit: 8 * byte,
        group,
        stride,
        width: 8,
    }
}

macro_rules! field {
    ($($count:literal: $($slice:expr),+);+) => { field!(Context::One; $($count: $($slice),+);+) };
    ($context:expr; $($count:literal: $($slice:expr),+);+) => {
        Field {
            parts: &[$(Part { count: $count, slices: &[$($slice),+] }),+],
            context: $context,
        }
    };
}

/// A zero point of a block that has a scale and a least weight.
const ZERO: Context = Context::Zero {
    weights: 32,
    factors: None,
};
/// The same of the blocks of 32 in Q4_K and Q5_K, with factors in the first two fields.
const ZERO_OF_32: Context = Context::Zero {
    weights: 32,
    factors: Some((0, 1)),
};
const ZERO_OF_16: Context = Context::Zero {
    weights: 16,
    factors: Some((0, 1)),
};
/// Factors of minima go with those of scales.
const SCALE_OF_6: Context = Context::Symbol { field: 0, shift: 3 };
const SCALE_OF_4: Context = Context::Symbol { field: 0, shift: 1 };

macro_rules! layout {
    ([$($half:literal),*], $($field:expr),+) => { Layout { halves: &[$($half),*], fields: &[$($field),+] } };
}

static LAYOUT_Q4_0: Layout = layout!([0], field!(32: slice(16, 16, 4)));
static LAYOUT_Q4_1: Layout = layout!([0, 2], field!(ZERO; 32: slice(32, 16, 4)));
static LAYOUT_Q5_0: Layout = layout!([0], field!(32: slice(48, 16, 4), slice(16, 1, 1)));
static LAYOUT_Q5_1: Layout = layout!([0, 2], field!(ZERO; 32: slice(64, 16, 4), slice(32, 1, 1)));
static LAYOUT_Q8_0: Layout = layout!([0], field!(32: slice(16, 32, 8)));
static LAYOUT_Q8_1: Layout = layout!([0, 2], field!(32: slice(32, 32, 8)));
static LAYOUT_Q2_K: Layout = layout!(
    [80, 82],
    field!(16: slice(0, 16, 4)),
    field!(SCALE_OF_4; 16: slice(4, 16, 4)),
    field!(ZERO_OF_16; 256: slice(128, 32, 2))
);
static LAYOUT_Q3_K: Layout = layout!(
    [108],
    field!(16: slice(768, 8, 4), slice(832, 4, 2)),
    field!(256: slice(256, 32, 2), slice(0, 32, 1))
);
static LAYOUT_Q4_K: Layout = layout!(
    [0, 2],
    field!(4: slice(32, 4, 6); 4: slice(96, 4, 4), slice(38, 4, 2)),
    field!(SCALE_OF_6; 4: slice(64, 4, 6); 4: slice(100, 4, 4), slice(70, 4, 2)),
    field!(ZERO_OF_32; 256: slice(128, 32, 4))
);
static LAYOUT_Q5_K: Layout = layout!(
    [0, 2],
    field!(4: slice(32, 4, 6); 4: slice(96, 4, 4), slice(38, 4, 2)),
    field!(SCALE_OF_6; 4: slice(64, 4, 6); 4: slice(100, 4, 4), slice(70, 4, 2)),
    field!(ZERO_OF_32; 256: slice(384, 32, 4), slice(128, 32, 1))
);
static LAYOUT_Q6_K: Layout = layout!(
    [208],
    field!(16: slice(1536, 16, 8)),
    field!(256: slice(0, 64, 4), slice(1024, 32, 2))
);
static LAYOUT_Q8_K: Layout = layout!(
    [],
    field!(4: slice(0, 4, 8)),
    field!(256: slice(32, 256, 8)),
    field!(16: strided(260, 1, 2)),
    field!(16: strided(261, 1, 2))
);
static LAYOUT_IQ2_XXS: Layout = layout!(
    [0],
    field!(32: strided(2, 4, 8)),
    field!(24: strided(6, 3, 8)),
    field!(8: strided(9, 1, 8))
);
static LAYOUT_IQ2_XS: Layout = layout!(
    [0],
    field!(32: strided(2, 1, 2)),
    field!(32: strided(3, 1, 2)),
    field!(16: slice(528, 1, 4))
);
static LAYOUT_IQ3_XXS: Layout = layout!(
    [0],
    field!(64: slice(16, 64, 8)),
    field!(24: strided(66, 3, 4)),
    field!(8: strided(69, 1, 4))
);
static LAYOUT_IQ1_S: Layout = layout!(
    [0],
    field!(32: slice(16, 32, 8)),
    field!(8: strided(34, 1, 2)),
    field!(8: strided(35, 1, 2))
);
static LAYOUT_IQ4_NL: Layout = layout!([0], field!(32: slice(16, 16, 4)));
static LAYOUT_IQ3_S: Layout = layout!(
    [0],
    field!(64: slice(16, 64, 8)),
    field!(8: slice(528, 8, 8)),
    field!(32: slice(592, 32, 8)),
    field!(8: slice(848, 1, 4))
);
static LAYOUT_IQ2_S: Layout = layout!(
    [0],
    field!(32: slice(16, 32, 8)),
    field!(32: slice(272, 32, 8)),
    field!(8: slice(528, 8, 8)),
    field!(16: slice(592, 1, 4))
);
static LAYOUT_IQ4_XS: Layout = layout!(
    [0],
    field!(8: slice(32, 1, 4), slice(16, 1, 2)),
    field!(256: slice(64, 16, 4))
);
static LAYOUT_IQ1_M: Layout = layout!(
    [],
    field!(32: slice(0, 32, 8)),
    field!(16: slice(256, 16, 8)),
    field!(8: slice(384, 8, 8))
);
static LAYOUT_TQ1_0: Layout = layout!(
    [52],
    field!(48: slice(0, 48, 8)),
    field!(4: slice(384, 4, 8))
);
static LAYOUT_TQ2_0: Layout = layout!([64], field!(256: slice(0, 32, 2)));
static LAYOUT_MXFP4: Layout = layout!([], field!(1: slice(0, 1, 8)), field!(32: slice(8, 16, 4)));
static LAYOUT_NVFP4: Layout = layout!([], field!(4: slice(0, 4, 8)), field!(64: slice(32, 8, 4)));

impl Layout {
    /// That of the blocks of a type.
    pub fn of(kind: BlockType) -> &'static Layout {
        match kind {
            Q4_0 => &LAYOUT_Q4_0,
            Q4_1 => &LAYOUT_Q4_1,
            Q5_0 => &LAYOUT_Q5_0,
            Q5_1 => &LAYOUT_Q5_1,
            Q8_0 => &LAYOUT_Q8_0,
            Q8_1 => &LAYOUT_Q8_1,
            Q2K => &LAYOUT_Q2_K,
            Q3K => &LAYOUT_Q3_K,
            Q4K => &LAYOUT_Q4_K,
            Q5K => &LAYOUT_Q5_K,
            Q6K => &LAYOUT_Q6_K,
            Q8K => &LAYOUT_Q8_K,
            Iq2Xxs => &LAYOUT_IQ2_XXS,
            Iq2Xs => &LAYOUT_IQ2_XS,
            Iq3Xxs => &LAYOUT_IQ3_XXS,
            Iq1S => &LAYOUT_IQ1_S,
            Iq4Nl => &LAYOUT_IQ4_NL,
            Iq3S => &LAYOUT_IQ3_S,
            Iq2S => &LAYOUT_IQ2_S,
            Iq4Xs => &LAYOUT_IQ4_XS,
            Iq1M => &LAYOUT_IQ1_M,
            Tq1_0 => &LAYOUT_TQ1_0,
            Tq2_0 => &LAYOUT_TQ2_0,
            Mxfp4 => &LAYOUT_MXFP4,
            Nvfp4 => &LAYOUT_NVFP4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_block_is_in_one_place() {
        for &kind in BlockType::ALL {
            let layout = Layout::of(kind);
            let mut uses = vec![0; 8 * kind.bytes()];
            for half in layout.halves {
                uses[8 * half..8 * half + 16]
                    .iter_mut()
                    .for_each(|n| *n += 1);
            }
            for field in layout.fields {
                for part in field.parts {
                    let width: usize = part.slices.iter().map(|s| s.width).sum();
                    assert_eq!(width, field.bits(), "{kind}");
                    for slice in part.slices {
                        for bit in (0..part.count).map(|i| slice.bit_of(i)) {
                            assert!(bit % 8 + slice.width <= 8, "{kind}: bit {bit}");
                            uses[bit..bit + slice.width]
                                .iter_mut()
                                .for_each(|n| *n += 1);
                        }
                    }
                }
                assert!(field.bits() <= 8);
            }
            assert!(uses.iter().all(|&n| n == 1), "{kind}: {uses:?}");
        }
    }
}
