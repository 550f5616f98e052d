//! The range coder of `constriction`.

use anyhow::{Result, anyhow};
use constriction::stream::model::DefaultContiguousCategoricalEntropyModel;
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Decode, Encode};

use super::stream::{from_words, probabilities, table_bytes, words};
use crate::contestant::coded_symbols::CodedSymbols;
use crate::contestant::{Contestant, Label};
use crate::symbols::Symbols;

/// The range coder, 24-bit probabilities.
pub struct Range;

impl Range {
    fn model(symbols: &Symbols) -> Result<DefaultContiguousCategoricalEntropyModel> {
        DefaultContiguousCategoricalEntropyModel::from_floating_point_probabilities_perfect(
            &probabilities(symbols),
        )
        .map_err(|()| anyhow!("constriction rejects the probabilities"))
    }
}

impl Contestant<Symbols> for Range {
    fn label(&self) -> Label {
        Label::of("constriction 0.4, range coder, 24-bit")
    }

    fn encode(&self, symbols: &Symbols) -> Result<CodedSymbols> {
        let mut coder = DefaultRangeEncoder::new();
        let model = Self::model(symbols)?;
        coder
            .encode_iid_symbols(symbols.indices(), model.as_view())
            .map_err(|e| anyhow!("constriction: {e}"))?;
        let Ok(out) = coder.into_compressed();
        Ok(words(out, table_bytes(symbols, 24)))
    }

    fn decode(&self, coded: &CodedSymbols, like: &Symbols) -> Result<Vec<i32>> {
        let model = Self::model(like)?;
        let Ok(mut coder) = DefaultRangeDecoder::from_compressed(from_words(&coded.bytes));
        let symbols = coder.decode_iid_symbols(like.values.len(), model.as_view());
        symbols
            .map(|s| Ok(s.map_err(|e| anyhow!("constriction: {e}"))? as i32 + like.min))
            .collect()
    }
}
