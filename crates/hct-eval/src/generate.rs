//! Text from a language model, so that a person can look.

use crate::decoder::Cache;
use crate::metrics::most_probable;
use crate::{Error, LanguageModel};

impl LanguageModel {
    /// What the model writes after `prompt`: at most `count` tokens, each the most probable one,
    /// until it ends the text. The same every time.
    ///
    /// # Errors
    /// When the prompt cannot be tokenised or leaves the model no room, or inference fails or gives
    /// numbers that are not finite.
    pub fn generate(&self, prompt: &str, count: usize) -> Result<String, Error> {
        let tokenizer = &self.tokenizer;
        let mut tokens = [tokenizer.start(), &tokenizer.encode(prompt)?].concat();
        if tokens.is_empty() {
            return Err(Error::TextTooShort {
                what: "tokens of a prompt",
                found: 0,
                least: 1,
            });
        }
        if tokens.len().saturating_add(count) > self.max_context {
            return Err(Error::Context {
                context: tokens.len().saturating_add(count),
                least: 1,
                most: self.max_context,
            });
        }
        let prompted = tokenizer.decode(&tokens)?.len();
        let mut cache = Cache::default();
        let mut new = tokens.clone();
        for _ in 0..count {
            let hidden = self.decoder.hidden(&new, &mut cache)?;
            let last = hidden.narrow(0, new.len() - 1, 1)?;
            let logits = self.decoder.head().logits(&last)?.flatten_all()?;
            let logits = logits.to_vec1::<f32>()?;
            if logits.iter().any(|logit| !logit.is_finite()) {
                return Err(Error::NotFinite);
            }
            let [next] = most_probable::<1>(&logits);
            if self.end_tokens.contains(&next) {
                break;
            }
            tokens.push(next);
            new = vec![next];
        }
        // Decoded as a whole: some tokenizers drop the space before the first word.
        let text = tokenizer.decode(&tokens)?;
        Ok(text.get(prompted..).unwrap_or_default().to_owned())
    }
}
