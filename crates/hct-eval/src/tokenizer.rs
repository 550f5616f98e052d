//! A model's own tokenizer, for decoders.

use tokenizers::Tokenizer;

use crate::Error;

pub(crate) struct TextTokenizer {
    inner: Tokenizer,
    start: Vec<u32>,
}

impl TextTokenizer {
    pub fn parse(json: &[u8]) -> Result<TextTokenizer, Error> {
        let mut inner = Tokenizer::from_bytes(json).map_err(Error::Tokenizer)?;
        // A text is never cut short or filled up here, whatever the file says.
        inner.with_truncation(None).map_err(Error::Tokenizer)?;
        inner.with_padding(None);
        let mut tokenizer = TextTokenizer {
            inner,
            start: Vec::new(),
        };
        let plain = tokenizer.ids("a", false)?;
        let marked = tokenizer.ids("a", true)?;
        let before = marked.windows(plain.len()).position(|part| part == plain);
        tokenizer.start = marked[..before.unwrap_or(0)].to_vec();
        Ok(tokenizer)
    }

    /// The tokens the model expects before every text: BOS if the tokenizer adds it, else none.
    pub fn start(&self) -> &[u32] {
        &self.start
    }

    /// The tokens of a text, without any that mark its start or end.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        self.ids(text, false)
    }

    /// The text of tokens, without that of special ones.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        let text = self.inner.decode(tokens, true);
        text.map_err(Error::Tokenizing)
    }

    fn ids(&self, text: &str, special: bool) -> Result<Vec<u32>, Error> {
        let encoding = self.inner.encode_fast(text, special);
        let encoding = encoding.map_err(Error::Tokenizing)?;
        Ok(encoding.get_ids().to_vec())
    }
}
