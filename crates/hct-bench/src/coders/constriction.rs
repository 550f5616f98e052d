//! The `constriction` crate: ANS and a range coder over one static table.

use anyhow::{Result, anyhow};
use constriction::stream::model::{
    DefaultContiguousCategoricalEntropyModel, SmallContiguousCategoricalEntropyModel,
    SmallContiguousLookupDecoderModel,
};
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::stack::DefaultAnsCoder;
use constriction::stream::{Decode, Encode};

use super::{Coded, Coder, Symbols};

/// Bytes to send a table of so many symbols with, at 16 or 24 bits each.
fn table_bytes(symbols: &Symbols, bits: usize) -> usize {
    symbols.alphabet() * bits / 8
}

fn probabilities(symbols: &Symbols) -> Vec<f64> {
    let n = symbols.values.len() as f64;
    symbols.counts().iter().map(|&c| c as f64 / n).collect()
}

fn words(words: Vec<u32>, table: usize) -> Coded {
    let mut coded = Coded::all(words.into_iter().flat_map(u32::to_le_bytes).collect());
    coded.counted += table;
    coded
}

fn from_words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&w| u32::from_le_bytes(w)).collect()
}

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

impl Coder for Ans {
    fn name(&self) -> &'static str {
        "constriction 0.4, ANS, 12-bit look-up"
    }

    fn encode(&self, symbols: &Symbols) -> Result<Coded> {
        let mut coder = DefaultAnsCoder::new();
        let model = Self::model(symbols)?;
        coder
            .encode_iid_symbols_reverse(symbols.indices(), model.as_view())
            .map_err(|e| anyhow!("constriction: {e}"))?;
        let Ok(out) = coder.into_compressed();
        Ok(words(out, table_bytes(symbols, 16)))
    }

    fn decode(&self, coded: &Coded, like: &Symbols) -> Result<Vec<i32>> {
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

impl Coder for Range {
    fn name(&self) -> &'static str {
        "constriction 0.4, range coder, 24-bit"
    }

    fn encode(&self, symbols: &Symbols) -> Result<Coded> {
        let mut coder = DefaultRangeEncoder::new();
        let model = Self::model(symbols)?;
        coder
            .encode_iid_symbols(symbols.indices(), model.as_view())
            .map_err(|e| anyhow!("constriction: {e}"))?;
        let Ok(out) = coder.into_compressed();
        Ok(words(out, table_bytes(symbols, 24)))
    }

    fn decode(&self, coded: &Coded, like: &Symbols) -> Result<Vec<i32>> {
        let model = Self::model(like)?;
        let Ok(mut coder) = DefaultRangeDecoder::from_compressed(from_words(&coded.bytes));
        let symbols = coder.decode_iid_symbols(like.values.len(), model.as_view());
        symbols
            .map(|s| Ok(s.map_err(|e| anyhow!("constriction: {e}"))? as i32 + like.min))
            .collect()
    }
}
