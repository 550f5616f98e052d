//! Texts as the windows that statistics are made from.

use crate::layered::Sequences;
use crate::random::Random;
use crate::{Error, LanguageModel, SentenceEncoder, sentences};

/// Windows of tokens of one or several texts, mixed: the first window of each text, then the second
/// of each, and so on.
///
/// Statistics are made over two halves of them, each with every other window of every text.
pub struct CalibrationWindows {
    pub(crate) halves: [Vec<Sequences>; 2],
}

impl CalibrationWindows {
    /// Windows of `context` tokens for a language model, of `most` tokens in all. Each begins with
    /// what the model expects at the start of a text. What it has written itself
    /// ([`LanguageModel::self_text`]) is mixed in as one more text, every part of it a window.
    ///
    /// # Errors
    /// When the model cannot take that context, or the texts have less than two tokens.
    pub fn of_language_model(
        model: &LanguageModel,
        texts: &[&str],
        self_text: Vec<Vec<u32>>,
        context: usize,
        most: Option<usize>,
        seed: u64,
    ) -> Result<CalibrationWindows, Error> {
        let start = model.tokenizer.start();
        model.check_context(context)?;
        let texts = texts.iter().map(|text| model.tokenizer.encode(text));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let cut = |texts: &[Vec<u32>], context: usize| -> Vec<Vec<Sequences>> {
            let window = |tokens: &[u32]| single([start, tokens].concat());
            let text = |text: &Vec<u32>| text.chunks(context - start.len()).map(window).collect();
            texts.iter().map(text).collect()
        };
        let mut windows = cut(&texts, context);
        if !self_text.is_empty() {
            windows.push(self_text.into_iter().map(single).collect());
        }
        let mut mixed = mix(windows, most);
        if let [(window, _)] = &mixed[..] {
            // Two halves take two windows.
            let tokens = window.tokens.strip_prefix(start).unwrap_or(&window.tokens);
            let halves = tokens.chunks(tokens.len().div_ceil(2).max(1));
            let halves = halves.map(|half| single([start, half].concat()));
            mixed = mix(vec![halves.collect()], None);
        }
        CalibrationWindows::of(mixed, seed)
    }

    /// Windows of whole sentences, together about `window` tokens long, for a sentence encoder; of
    /// `most` tokens in all.
    ///
    /// # Errors
    /// When the texts cannot be tokenised or have less than two sentences.
    pub fn of_sentence_encoder(
        encoder: &SentenceEncoder,
        texts: &[&str],
        window: usize,
        most: Option<usize>,
        seed: u64,
    ) -> Result<CalibrationWindows, Error> {
        let mut windows = Vec::new();
        for text in texts {
            let mut packed: Vec<Sequences> = Vec::new();
            for sentence in sentences(text, usize::MAX) {
                let tokens = encoder.tokens(&sentence)?;
                match packed.last_mut() {
                    Some(last) if last.tokens.len() + tokens.len() <= window => {
                        last.lengths.push(tokens.len());
                        last.tokens.extend(tokens);
                    }
                    _ => packed.push(single(tokens)),
                }
            }
            windows.push(packed);
        }
        CalibrationWindows::of(mix(windows, most), seed)
    }

    fn of(mixed: Vec<(Sequences, usize)>, seed: u64) -> Result<CalibrationWindows, Error> {
        let mut halves = [Vec::new(), Vec::new()];
        for (mut window, half) in mixed {
            // By what it holds: a window is the same whatever it is mixed with.
            let next = |seed, &token: &u32| Random::nth(seed, token.into()).next();
            window.seed = window.tokens.iter().fold(seed, next);
            halves[half].push(window);
        }
        if halves[0].is_empty() && halves[1].is_empty() {
            return Err(Error::TextTooShort {
                what: "tokens",
                found: 0,
                least: 2,
            });
        }
        Ok(CalibrationWindows { halves })
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.halves.iter().map(Vec::len).sum()
    }

    /// How many tokens.
    pub fn tokens(&self) -> usize {
        self.tokens_of_halves().iter().sum::<u64>() as usize
    }

    pub(crate) fn tokens_of_halves(&self) -> [u64; 2] {
        let tokens = |window: &Sequences| window.tokens.len() as u64;
        [0, 1].map(|half| self.halves[half].iter().map(tokens).sum())
    }
}

fn single(tokens: Vec<u32>) -> Sequences {
    Sequences {
        lengths: vec![tokens.len()],
        tokens,
        seed: 0,
    }
}

/// One window of each text after the other, until there are `most` tokens; each with its half,
/// which changes from window to window of a text and from text to text.
fn mix(texts: Vec<Vec<Sequences>>, most: Option<usize>) -> Vec<(Sequences, usize)> {
    let rounds = texts.iter().map(Vec::len).max().unwrap_or(0);
    let mut texts: Vec<_> = texts.into_iter().map(Vec::into_iter).collect();
    let mut left = most.unwrap_or(usize::MAX);
    let mut mixed = Vec::new();
    for round in 0..rounds {
        for (number, text) in texts.iter_mut().enumerate() {
            let Some(mut window) = text.next().filter(|_| left > 0) else {
                continue;
            };
            window.cut(left);
            left -= window.tokens.len();
            mixed.push((window, (round + number) % 2));
        }
    }
    mixed
}

impl Sequences {
    /// Leaves off what is beyond `most` tokens.
    fn cut(&mut self, most: usize) {
        self.tokens.truncate(most);
        let mut left = self.tokens.len();
        self.lengths.retain_mut(|length| {
            *length = left.min(*length);
            left -= *length;
            *length > 0
        });
    }
}
