//! The rival formats and what they fall back to.

use candle_core::quantized::GgmlDType;

/// A block format of llama.cpp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RivalFormat {
    /// 8.5 bits per weight.
    Q8_0,
    /// 6.5625 bits per weight.
    Q6K,
    /// 5.5 bits per weight.
    Q5K,
    /// 4.5 bits per weight.
    Q4K,
    /// 4.5 bits per weight.
    Q4_0,
    /// 3.4375 bits per weight.
    Q3K,
    /// 2.625 bits per weight.
    Q2K,
}

impl RivalFormat {
    /// All of them, largest first.
    pub const ALL: [RivalFormat; 7] = [
        RivalFormat::Q8_0,
        RivalFormat::Q6K,
        RivalFormat::Q5K,
        RivalFormat::Q4K,
        RivalFormat::Q4_0,
        RivalFormat::Q3K,
        RivalFormat::Q2K,
    ];

    /// The name that llama.cpp uses.
    pub fn name(self) -> &'static str {
        block_name(self.block())
    }

    fn block(self) -> GgmlDType {
        match self {
            RivalFormat::Q8_0 => GgmlDType::Q8_0,
            RivalFormat::Q6K => GgmlDType::Q6K,
            RivalFormat::Q5K => GgmlDType::Q5K,
            RivalFormat::Q4K => GgmlDType::Q4K,
            RivalFormat::Q4_0 => GgmlDType::Q4_0,
            RivalFormat::Q3K => GgmlDType::Q3K,
            RivalFormat::Q2K => GgmlDType::Q2K,
        }
    }

    /// The blocks of 32 for rows that are not a whole number of this format's blocks. These are
    /// llama.cpp's own choices, but for Q3_K and Q2_K: there it takes IQ4_NL, which candle does not
    /// have; Q4_0 is as large.
    fn fallback(self) -> GgmlDType {
        match self {
            RivalFormat::Q8_0 | RivalFormat::Q6K => GgmlDType::Q8_0,
            RivalFormat::Q5K => GgmlDType::Q5_1,
            RivalFormat::Q4K => GgmlDType::Q5_0,
            RivalFormat::Q4_0 | RivalFormat::Q3K | RivalFormat::Q2K => GgmlDType::Q4_0,
        }
    }

    /// What rows of this length are stored as, if there is anything.
    pub(super) fn block_for(self, row: usize) -> Option<GgmlDType> {
        let blocks = [self.block(), self.fallback()];
        let mut fitting = blocks.into_iter();
        fitting.find(|block| row.is_multiple_of(block.block_size()))
    }
}

/// llama.cpp's name of a block format that a [`RivalFormat`] can lead to.
pub(super) fn block_name(block: GgmlDType) -> &'static str {
    match block {
        GgmlDType::Q8_0 => "Q8_0",
        GgmlDType::Q6K => "Q6_K",
        GgmlDType::Q5K => "Q5_K",
        GgmlDType::Q5_1 => "Q5_1",
        GgmlDType::Q5_0 => "Q5_0",
        GgmlDType::Q4K => "Q4_K",
        GgmlDType::Q4_0 => "Q4_0",
        GgmlDType::Q3K => "Q3_K",
        GgmlDType::Q2K => "Q2_K",
        other => unreachable!("{other:?} is no rival's format"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_fall_back_or_stay() {
        for format in RivalFormat::ALL {
            assert_eq!(format.block_for(512), Some(format.block()));
            assert_eq!(format.block_for(576), Some(format.fallback()));
            assert_eq!(format.block_for(570), None);
        }
    }
}
