//! A text as the windows of tokens that models are run on.

use rayon::prelude::*;

use crate::Error;

/// Windows that are run at once. Each uses all cores where its arithmetic is large; another beside it
/// fills them where it is not.
const AT_ONCE: usize = 2;

/// Disjoint windows of a tokenised text.
///
/// The text is tokenised as a whole and cut every `context` tokens, so the last window may be
/// shorter. Models whose tokenizer marks the start of a text (BOS) get that mark at the start of
/// every window, within the `context` tokens. In each window every token but the first is scored,
/// given all that come before it in the window; there is no overlap and no part that is only read.
pub struct Windows {
    windows: Vec<Vec<u32>>,
}

impl Windows {
    pub(crate) fn cut(start: &[u32], tokens: &[u32], context: usize) -> Result<Windows, Error> {
        let windows: Vec<Vec<u32>> = tokens
            .chunks(context - start.len())
            .map(|chunk| [start, chunk].concat())
            .filter(|window| window.len() > 1)
            .collect();
        if windows.is_empty() {
            return Err(Error::TextTooShort {
                what: "tokens",
                found: tokens.len(),
                least: 2,
            });
        }
        Ok(Windows { windows })
    }

    /// Whole texts of tokens, each a window of its own, such as a model writes itself
    /// ([`crate::LanguageModel::self_text`]).
    ///
    /// # Errors
    /// When none has two tokens.
    pub fn of_texts(mut texts: Vec<Vec<u32>>) -> Result<Windows, Error> {
        let found = texts.iter().map(Vec::len).max().unwrap_or(0);
        texts.retain(|text| text.len() > 1);
        if texts.is_empty() {
            return Err(Error::TextTooShort {
                what: "tokens",
                found,
                least: 2,
            });
        }
        Ok(Windows { windows: texts })
    }

    /// How many tokens are scored.
    pub fn scored(&self) -> usize {
        self.windows.iter().map(|window| window.len() - 1).sum()
    }

    /// What `each` makes of every window, given its number, in their order. `progress` is told how
    /// many tokens have been scored.
    ///
    /// # Errors
    /// That of the first window that has one.
    pub(crate) fn map<T: Send>(
        &self,
        progress: &mut dyn FnMut(usize),
        each: impl Fn(usize, &[u32]) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let (mut all, mut scored) = (Vec::with_capacity(self.windows.len()), 0);
        for windows in self.windows.chunks(AT_ONCE) {
            let first = all.len();
            let made: Vec<_> = windows
                .par_iter()
                .enumerate()
                .map(|(number, window)| each(first + number, window))
                .collect();
            for (window, made) in windows.iter().zip(made) {
                all.push(made?);
                scored += window.len() - 1;
            }
            progress(scored);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(start: &[u32], tokens: &[u32], context: usize) -> Vec<Vec<u32>> {
        Windows::cut(start, tokens, context).unwrap().windows
    }

    #[test]
    fn windows_are_disjoint_and_begin_with_the_start_tokens() {
        let tokens = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(cut(&[], &tokens, 3), [vec![1, 2, 3], vec![4, 5, 6]]);
        assert_eq!(cut(&[], &tokens, 4), [vec![1, 2, 3, 4], vec![5, 6, 7]]);
        assert_eq!(
            cut(&[9], &tokens, 4),
            [vec![9, 1, 2, 3], vec![9, 4, 5, 6], vec![9, 7]]
        );
    }

    #[test]
    fn every_token_but_the_first_of_a_window_is_scored() {
        let tokens = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(Windows::cut(&[], &tokens, 3).unwrap().scored(), 4);
        assert_eq!(Windows::cut(&[9], &tokens, 4).unwrap().scored(), 7);
    }

    #[test]
    fn every_window_is_run_in_order_and_the_first_error_is_told() {
        let windows = Windows::cut(&[], &[1, 2, 3, 4, 5, 6, 7, 8], 3).unwrap();
        let mut told = Vec::new();
        let firsts = windows.map(&mut |scored| told.push(scored), |number, window| {
            Ok((number, window[0]))
        });
        assert_eq!(firsts.unwrap(), [(0, 1), (1, 4), (2, 7)]);
        assert_eq!(told, [4, 5]);
        let fails = windows.map(&mut |_| {}, |number, _| -> Result<(), Error> {
            Err(Error::TextTooShort {
                what: "tokens",
                found: number,
                least: 9,
            })
        });
        assert!(matches!(fails, Err(Error::TextTooShort { found: 0, .. })));
    }

    #[test]
    fn a_text_with_nothing_to_score_is_refused() {
        assert!(Windows::cut(&[], &[1], 3).is_err());
        assert!(Windows::cut(&[9], &[], 3).is_err());
        assert!(Windows::cut(&[9], &[1], 3).is_ok());
    }
}
