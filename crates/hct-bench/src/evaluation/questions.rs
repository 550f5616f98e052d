//! Questions with one right answer, and a text to read.

use anyhow::Result;
use hct_eval::LanguageModel;
use rayon::prelude::*;

/// Beginnings of sentences, and a word that must come soon.
pub const QUESTIONS: [(&str, &str); 24] = [
    ("The capital of France is", "Paris"),
    ("The capital of Italy is", "Rome"),
    ("The capital of Japan is", "Tokyo"),
    ("The capital of Spain is", "Madrid"),
    ("The capital of Egypt is", "Cairo"),
    ("The capital of Russia is", "Moscow"),
    ("The opposite of hot is", "cold"),
    ("The opposite of up is", "down"),
    ("The day after Monday is", "Tuesday"),
    ("The month after January is", "February"),
    ("The largest planet in the solar system is", "Jupiter"),
    ("The planet closest to the Sun is", "Mercury"),
    ("The Earth goes around the", "Sun"),
    ("The chemical formula of water is", "H2O"),
    ("The chemical symbol of gold is", "Au"),
    ("The author of Romeo and Juliet is", "Shakespeare"),
    ("The theory of relativity was developed by", "Einstein"),
    ("The first president of the United States was", "Washington"),
    ("The Great Wall is in", "China"),
    ("The Eiffel Tower is in", "Paris"),
    ("The language spoken in Brazil is", "Portuguese"),
    ("The largest ocean on Earth is the", "Pacific"),
    ("Plants take in carbon dioxide and give off", "oxygen"),
    ("Two plus two is", "four"),
];

/// What every model is asked to continue.
pub const SAMPLE: &str = "The best way to learn a new language is";

/// Tokens an answer may take.
const ANSWER_TOKENS: usize = 8;
const SAMPLE_TOKENS: usize = 24;

/// Which of [`QUESTIONS`] a model has right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers(Vec<bool>);

impl Answers {
    /// Asks a model; upper and lower case are the same.
    pub fn of(model: &LanguageModel) -> Result<Answers> {
        // Single tokens do not occupy the cores one question at a time.
        let right = QUESTIONS.into_par_iter().map(|(question, answer)| {
            let text = model.generate(question, ANSWER_TOKENS)?;
            Ok(text.to_lowercase().contains(&answer.to_lowercase()))
        });
        Ok(Answers(right.collect::<Result<_>>()?))
    }

    /// How many are right.
    pub fn right(&self) -> usize {
        self.right_in_both(self)
    }

    /// How many are right in both.
    pub fn right_in_both(&self, other: &Answers) -> usize {
        let pairs = self.0.iter().zip(&other.0);
        pairs.filter(|&(&a, &b)| a && b).count()
    }
}

/// What a model writes after [`SAMPLE`].
pub fn sample(model: &LanguageModel) -> Result<String> {
    Ok(model.generate(SAMPLE, SAMPLE_TOKENS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_know_counts() {
        let a = Answers(vec![true, true, false, false, false]);
        let b = Answers(vec![false, true, true, true, false]);
        assert_eq!((a.right(), b.right()), (2, 3));
        assert_eq!((a.right_in_both(&b), b.right_in_both(&a)), (1, 1));
    }
}
