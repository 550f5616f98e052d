//! ANS of `constriction`.

use anyhow::{Result, anyhow};
use constriction::stream::Decode;
use constriction::stream::model::{
    SmallContiguousCategoricalEntropyModel, SmallContiguousLookupDecoderModel,
};
use constriction::stream::stack::DefaultAnsCoder;

use super::stream::{from_words, probabilities, table_bytes, words};
use crate::contestant::coded_symbols::CodedSymbols;
use crate::contestant::{Contestant, Label};
use crate::symbols::Symbols;

/// ANS, 12-bit probabilities, decoding by table look-up.
pub struct Ans;

impl Ans {
    fn model(symbols: &Symbols) -> Result<SmallContiguousCategoricalEntropyModel> {
        SmallContiguousCategoricalEntropyModel::from_floating_point_probabilities_perfect(
            &probabilities(symbols),
        )
        .map_err(|()| anyhow!("constriction rejects the probabilities"))
    }
}

impl Contestant<Symbols> for Ans {
    fn label(&self) -> Label {
        Label::of("constriction 0.4, ANS, 12-bit look-up")
    }

    fn encode(&self, symbols: &Symbols) -> Result<CodedSymbols> {
        let mut coder = DefaultAnsCoder::new();
        let model = Self::model(symbols)?;
        coder
            .encode_iid_symbols_reverse(symbols.indices(), model.as_view())
            .map_err(|e| anyhow!("constriction: {e}"))?;
        let Ok(out) = coder.into_compressed();
        Ok(words(out, table_bytes(symbols, 16)))
    }

    fn decode(&self, coded: &CodedSymbols, like: &Symbols) -> Result<Vec<i32>> {
        let probabilities = probabilities(like);
        let model = SmallContiguousLookupDecoderModel::from_floating_point_probabilities_perfect(
            &probabilities,
        )
        .map_err(|()| anyhow!("constriction rejects the probabilities"))?;
        let mut coder = DefaultAnsCoder::from_compressed(from_words(&coded.bytes))
            .map_err(|_| anyhow!("constriction rejects its own stream"))?;
        let symbols = coder.decode_iid_symbols(like.values.len(), model.as_view());
        symbols
            .map(|s| Ok(s.map_err(|e| anyhow!("constriction: {e}"))? as i32 + like.min))
            .collect()
    }
}
