//! Text that a language model writes itself, to calibrate on when there is no other.

mod prompts;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::decoder::BatchCache;
use crate::random::Random;
use crate::{Error, LanguageModel};
use prompts::PROMPTS;

/// Texts that are written at once.
const BATCH: usize = 32;

impl LanguageModel {
    /// Texts of `length` tokens each, `count` tokens in all, that the model writes: every token is
    /// drawn from its prediction as it is (temperature 1), by `seed`. Every fourth text begins with
    /// nothing but a token that begins texts, the others with a few words: prose, dialogue, code,
    /// lists, mathematics, in many languages. After the end of a text the model goes on with
    /// another. `progress` is told how many tokens there are.
    ///
    /// # Errors
    /// When the model cannot take that many tokens, or inference fails.
    pub fn self_text(
        &self,
        count: usize,
        length: usize,
        seed: u64,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<u32>>, Error> {
        self.check_context(length)?;
        let begin = self.begin()?;
        let prompts = PROMPTS.iter().map(|prompt| self.tokenizer.encode(prompt));
        let prompts = prompts.collect::<Result<Vec<_>, _>>()?;
        let lengths = (0..count.div_ceil(length)).map(|i| length.min(count - i * length));
        let mut texts = Vec::new();
        for (number, length) in lengths.enumerate() {
            let mut given = match number % 4 {
                0 => begin.clone(),
                // Counted on their own, so that each prompt has its turn. A tokenizer may know none
                // of a prompt's words.
                _ => match &prompts[(number - number / 4 - 1) % prompts.len()][..] {
                    [] => begin.clone(),
                    prompt => [self.tokenizer.start(), prompt].concat(),
                },
            };
            given.truncate(length);
            texts.push(Text {
                tokens: given,
                length,
                number: number as u64,
            });
        }
        let mut done = 0;
        for batch in texts.chunks_mut(BATCH) {
            self.write(batch, seed, &mut |now| progress(done + now))?;
            done += batch.iter().map(|text| text.length).sum::<usize>();
        }
        Ok(texts.into_iter().map(|text| text.tokens).collect())
    }

    /// What a text without a prompt begins with: one token at least.
    fn begin(&self) -> Result<Vec<u32>, Error> {
        let start = self.tokenizer.start();
        if !start.is_empty() {
            return Ok(start.to_vec());
        }
        // Models that are given nothing to begin with have seen texts after the ends of others.
        let token = self.begin_token.or(self.end_tokens.first().copied());
        match token {
            Some(token) => Ok(vec![token]),
            None => Ok(match self.tokenizer.encode("\n")? {
                // Some token that there is.
                none if none.is_empty() => vec![0],
                newline => newline,
            }),
        }
    }

    /// Writes texts to their lengths.
    fn write(
        &self,
        texts: &mut [Text],
        seed: u64,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), Error> {
        let longest = texts.iter().map(|text| text.length).max().unwrap_or(0);
        let mut cache = BatchCache::default();
        // The next token of every text is known or drawn at the same time: a text that is shorter
        // in the end, or whose beginning is longer, is run along with the others.
        for at in 0..longest.saturating_sub(1) {
            let tokens: Vec<u32> = texts.iter().map(|text| text.token(at)).collect();
            let hidden = self.decoder.step(&tokens, &mut cache)?;
            if texts.iter().all(|text| text.tokens.len() > at + 1) {
                continue;
            }
            self.extend(texts, at, &hidden, seed)?;
            progress(texts.iter().map(|text| text.length.min(at + 2)).sum());
        }
        Ok(())
    }

    /// Draws token `at + 1` of those texts that have none yet.
    fn extend(
        &self,
        texts: &mut [Text],
        at: usize,
        hidden: &Tensor,
        seed: u64,
    ) -> Result<(), Error> {
        let logits = self.decoder.head().logits(hidden)?.flatten_all()?;
        let mut logits: Vec<f32> = logits.to_vec1()?;
        let rows = logits.par_chunks_exact_mut(self.decoder.vocabulary());
        rows.zip(texts).for_each(|(row, text)| {
            if text.tokens.len() == at + 1 && text.length > at + 1 {
                let number = text.number << 32 | at as u64;
                text.tokens.push(Random::nth(seed, number).draw(row));
            }
        });
        Ok(())
    }
}

/// A text that is being written.
struct Text {
    tokens: Vec<u32>,
    /// How many tokens it is to have.
    length: usize,
    /// What its random numbers are drawn by.
    number: u64,
}

impl Text {
    /// Token `at`; some token where it is done already.
    fn token(&self, at: usize) -> u32 {
        let last = self.tokens.last().copied();
        self.tokens.get(at).copied().or(last).unwrap_or(0)
    }
}
