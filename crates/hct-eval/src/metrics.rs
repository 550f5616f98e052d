//! What is measured at each predicted token, and what is reported of all of them.

use serde::Serialize;

use crate::statistics::{cosine, mean, percentile, standard_error};

/// How a candidate compares with its reference on a text; all logarithms are natural.
///
/// A candidate that computes no numbers any more (NaN) gives NaN here, which is `null` in JSON.
#[derive(Clone, Debug, Serialize)]
pub struct LanguageReport {
    /// Perplexity of the candidate.
    pub perplexity: f64,
    /// Perplexity of the reference.
    pub reference_perplexity: f64,
    /// Mean KL divergence of the candidate's predictions from the reference's, in nats.
    pub kld_mean: f64,
    /// The 99th percentile of the same.
    pub kld_p99: f64,
    /// The share of tokens where both hold the same token for the most probable.
    pub top1: f64,
    /// The mean share of the reference's five most probable tokens that are also among the
    /// candidate's.
    pub top5: f64,
    /// Mean cosine of the two vectors of logits.
    pub logit_cosine: f64,
    /// Perplexity of the candidate over that of the reference.
    pub ppl_ratio: f64,
    /// Standard error of `ppl_ratio`: that of the mean difference of log-probabilities (taken as
    /// independent from token to token), times the ratio.
    pub ppl_ratio_se: f64,
    /// How many tokens were scored.
    pub tokens: usize,
}

/// One predicted token, by both models.
pub(crate) struct TokenComparison {
    reference_loss: f64,
    candidate_loss: f64,
    kld: f64,
    top1: f64,
    top5: f64,
    cosine: f64,
}

/// Log-probabilities, computed from logits as they are asked for.
pub(crate) struct LogProbabilities<'a> {
    logits: &'a [f32],
    log_sum: f64,
}

impl<'a> LogProbabilities<'a> {
    pub fn of(logits: &'a [f32]) -> LogProbabilities<'a> {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|x| f64::from((x - max).exp())).sum();
        let log_sum = f64::from(max) + sum.ln();
        LogProbabilities { logits, log_sum }
    }

    pub fn at(&self, token: u32) -> f64 {
        f64::from(self.logits[token as usize]) - self.log_sum
    }

    /// KL divergence of `other` from this.
    fn divergence(&self, other: &LogProbabilities) -> f64 {
        let pairs = self.logits.iter().zip(other.logits);
        let sum: f64 = pairs
            .map(|(&a, &b)| {
                let (a, b) = (f64::from(a) - self.log_sum, f64::from(b) - other.log_sum);
                f64::from((a as f32).exp()) * (a - b)
            })
            .sum();
        // Rounding can take a divergence of nearly nothing below zero. (NaN stays NaN.)
        if sum < 0.0 { 0.0 } else { sum }
    }
}

/// The `N` tokens with the largest logits, largest first; of equal ones, the first.
pub(crate) fn most_probable<const N: usize>(logits: &[f32]) -> [u32; N] {
    let mut best = [(f32::NEG_INFINITY, u32::MAX); N];
    for (&logit, token) in logits.iter().zip(0..) {
        if logit > best[N - 1].0 {
            let place = best.iter().position(|b| logit > b.0).unwrap_or(N - 1);
            best[place..].rotate_right(1);
            best[place] = (logit, token);
        }
    }
    best.map(|(_, token)| token)
}

impl TokenComparison {
    pub fn new(reference: &[f32], candidate: &[f32], target: u32) -> TokenComparison {
        let (a, b) = (
            LogProbabilities::of(reference),
            LogProbabilities::of(candidate),
        );
        let (best_a, best_b) = (most_probable::<5>(reference), most_probable::<5>(candidate));
        let shared = best_a.iter().filter(|token| best_b.contains(token)).count();
        TokenComparison {
            reference_loss: -a.at(target),
            candidate_loss: -b.at(target),
            kld: a.divergence(&b),
            top1: f64::from(best_a[0] == best_b[0]),
            top5: shared as f64 / 5.0,
            cosine: cosine(reference, candidate),
        }
    }
}

impl LanguageReport {
    pub(crate) fn new(tokens: &[TokenComparison]) -> LanguageReport {
        let mean_of = |value: fn(&TokenComparison) -> f64| mean(tokens.iter().map(value));
        let differences = tokens.iter().map(|t| t.candidate_loss - t.reference_loss);
        let differences: Vec<f64> = differences.collect();
        let ppl_ratio = mean(differences.iter().copied()).exp();
        let mut divergences: Vec<f64> = tokens.iter().map(|t| t.kld).collect();
        LanguageReport {
            perplexity: mean_of(|t| t.candidate_loss).exp(),
            reference_perplexity: mean_of(|t| t.reference_loss).exp(),
            kld_mean: mean_of(|t| t.kld),
            kld_p99: percentile(&mut divergences, 0.99),
            top1: mean_of(|t| t.top1),
            top5: mean_of(|t| t.top5),
            logit_cosine: mean_of(|t| t.cosine),
            ppl_ratio,
            ppl_ratio_se: ppl_ratio * standard_error(&differences),
            tokens: tokens.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of these probabilities, shifted, which changes nothing.
    fn logits(probabilities: &[f64], shift: f64) -> Vec<f32> {
        let shifted = probabilities.iter().map(|p| (p.ln() + shift) as f32);
        shifted.collect()
    }

    #[test]
    fn divergence_of_known_distributions() {
        let (p, q) = ([0.5, 0.25, 0.25], [0.25, 0.5, 0.25]);
        // 0.5 ln 2 + 0.25 ln 0.5 = 0.25 ln 2
        let (a, b) = (logits(&p, 3.0), logits(&q, -4.0));
        let token = TokenComparison::new(&a, &b, 1);
        assert!((token.kld - 0.25 * 2f64.ln()).abs() < 1e-6, "{}", token.kld);
        assert!((token.reference_loss - 4f64.ln()).abs() < 1e-6);
        assert!((token.candidate_loss - 2f64.ln()).abs() < 1e-6);
        assert_eq!(token.top1, 0.0);
    }

    #[test]
    fn most_probable_tokens_come_in_order_and_ties_keep_the_first() {
        let logits = [0.0, 3.0, 7.0, 3.0, -1.0, 9.0, 2.0];
        assert_eq!(most_probable::<5>(&logits), [5, 2, 1, 3, 6]);
        assert_eq!(most_probable::<1>(&[1.0, 1.0]), [0]);
    }

    #[test]
    fn top5_is_the_overlap_of_the_sets() {
        let a = [9.0, 8.0, 7.0, 6.0, 5.0, 0.0, 0.0];
        let b = [5.0, 8.0, 7.0, 0.0, 0.0, 6.0, 9.0];
        let token = TokenComparison::new(&a, &b, 0);
        assert_eq!((token.top1, token.top5), (0.0, 0.6));
    }

    #[test]
    fn a_report_of_two_tokens() {
        let token = |reference_loss: f64, candidate_loss: f64, top1: f64| TokenComparison {
            reference_loss,
            candidate_loss,
            kld: candidate_loss,
            top1,
            top5: 0.8,
            cosine: 0.5,
        };
        let report = LanguageReport::new(&[token(1.0, 1.1, 1.0), token(2.0, 2.3, 0.0)]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(report.reference_perplexity, 1.5f64.exp());
        close(report.perplexity, 1.7f64.exp());
        close(report.ppl_ratio, 0.2f64.exp());
        // Differences 0.1 and 0.3: deviation sqrt(0.02), over sqrt(2) tokens.
        close(report.ppl_ratio_se, 0.1 * 0.2f64.exp());
        close(report.kld_mean, 1.7);
        close(report.kld_p99, 2.288);
        close(report.top1, 0.5);
        close(report.top5, 0.8);
        close(report.logit_cosine, 0.5);
    }

    #[test]
    fn the_keys_of_a_report_are_fixed() {
        let token = TokenComparison::new(&[1.0; 8], &[1.0; 8], 3);
        let json = serde_json::to_value(LanguageReport::new(&[token])).unwrap();
        let mut keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        keys.sort();
        let expected = "kld_mean kld_p99 logit_cosine perplexity ppl_ratio ppl_ratio_se \
                        reference_perplexity tokens top1 top5";
        assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn a_candidate_that_computes_nan_is_not_taken_for_a_good_one() {
        let token = TokenComparison::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &[f32::NAN; 5], 2);
        let report = LanguageReport::new(&[token]);
        assert!(report.kld_mean.is_nan() && report.perplexity.is_nan());
        assert_eq!((report.top1, report.top5), (0.0, 0.0));
    }
}
