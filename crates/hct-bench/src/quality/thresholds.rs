//! Where published thresholds hold.

use super::report::QualityRow;
use crate::evaluation::LanguageQuality;

/// A perplexity this many times the reference's is still called good.
pub const GOOD_RATIO: f64 = 1.05;

/// The published bound on the cosine of weights.
pub const COSINE: f64 = 0.99;
/// The published bound on top-5 agreement.
pub const TOP5: f64 = 0.75;

/// How a rule fares that whatever reaches a threshold is good.
#[derive(Debug, PartialEq)]
pub struct Rule {
    /// How many contestants reach the threshold.
    pub reach: usize,
    /// Those of them that are not good.
    pub broken_by: Vec<String>,
    /// How many do not reach it.
    pub miss: usize,
    /// Those of them that are good all the same.
    pub good_below: Vec<String>,
    /// The least measured value from which on every contestant is good.
    pub good_from: Option<f64>,
}

/// One contestant, as a rule sees it.
struct Case {
    name: String,
    value: f64,
    good: bool,
}

/// A cosine of [`COSINE`] is good output: a perplexity of at most [`GOOD_RATIO`]. Rows that change
/// nothing do not count.
pub fn cosine(rows: &[(&QualityRow, &LanguageQuality)]) -> Rule {
    let cases = lossy(rows, |row, quality| {
        (row.cosine, quality.handbook().ppl_ratio <= GOOD_RATIO)
    });
    Rule::of(COSINE, cases)
}

/// Top-5 agreement of [`TOP5`] answers right: every answer that the reference has right.
pub fn top5(rows: &[(&QualityRow, &LanguageQuality)]) -> Rule {
    let cases = lossy(rows, |_, quality| {
        let right = quality.answers_right == quality.answers_asked;
        (quality.handbook().top5, right)
    });
    Rule::of(TOP5, cases)
}

fn lossy(
    rows: &[(&QualityRow, &LanguageQuality)],
    judge: impl Fn(&QualityRow, &LanguageQuality) -> (f64, bool),
) -> Vec<Case> {
    let rows = rows.iter().filter(|(row, _)| !row.is_exact());
    rows.map(|(row, quality)| {
        let (value, good) = judge(row, quality);
        let name = row.label();
        Case { name, value, good }
    })
    .collect()
}

impl Rule {
    fn of(threshold: f64, mut cases: Vec<Case>) -> Rule {
        cases.sort_by(|a, b| b.value.total_cmp(&a.value));
        let (reach, miss): (Vec<&Case>, Vec<&Case>) =
            cases.iter().partition(|case| case.value >= threshold);
        let names = |cases: &[&Case], good: bool| {
            let chosen = cases.iter().filter(|case| case.good == good);
            chosen.map(|case| case.name.clone()).collect()
        };
        let good = cases.iter().take_while(|case| case.good);
        Rule {
            reach: reach.len(),
            broken_by: names(&reach, false),
            miss: miss.len(),
            good_below: names(&miss, true),
            good_from: good.last().map(|case| case.value),
        }
    }

    /// What the numbers say of the rule, in sentences. `what` is the value with its article.
    pub fn statement(&self, what: &str, show: fn(f64) -> String) -> String {
        let (reach, broken) = (self.reach, self.broken_by.len());
        let verdict = match broken {
            _ if reach == 0 => "no contestant reaches it.".to_owned(),
            0 => format!("holds for all {reach} contestants that reach it."),
            _ => format!(
                "does not hold: of the {reach} contestants that reach it, {broken} are not good ({}).",
                self.broken_by.join(", ")
            ),
        };
        let below = match (self.good_below.len(), self.miss) {
            (_, 0) => "None is below it.".to_owned(),
            (0, miss) => format!("Of the {miss} below it none is good."),
            (n, miss) => format!(
                "It is not necessary either: of the {miss} below it, {n} are good all the same ({}).",
                self.good_below.join(", ")
            ),
        };
        let from = match self.good_from {
            Some(value) => format!("Here everything is good from {what} of {} on.", show(value)),
            None => "Not even the contestant with the highest value is good.".to_owned(),
        };
        format!("{verdict} {below} {from}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(cases: &[(&str, f64, bool)]) -> Rule {
        let cases = cases.iter().map(|&(name, value, good)| Case {
            name: name.to_owned(),
            value,
            good,
        });
        Rule::of(0.99, cases.collect())
    }

    const CASES: [(&str, f64, bool); 5] = [
        ("best", 0.999, true),
        ("bad", 0.991, false),
        ("lucky", 0.98, true),
        ("worst", 0.9, false),
        ("fine", 0.995, true),
    ];

    #[test]
    fn exceptions_on_both_sides_are_named() {
        let found = rule(&CASES);
        assert_eq!((found.reach, found.miss), (3, 2));
        assert_eq!(found.broken_by, ["bad"]);
        assert_eq!(found.good_below, ["lucky"]);
        assert_eq!(found.good_from, Some(0.995));
        assert_eq!(rule(&CASES[1..2]).good_from, None);
    }

    #[test]
    fn statements_say_what_the_numbers_say() {
        let say = |rule: Rule| rule.statement("a cosine", |x| format!("{x:.4}"));
        assert_eq!(
            say(rule(&CASES)),
            "does not hold: of the 3 contestants that reach it, 1 are not good (bad). It is not \
             necessary either: of the 2 below it, 1 are good all the same (lucky). Here everything is good \
             from a cosine of 0.9950 on."
        );
        let holds = say(rule(&[CASES[0], CASES[3], CASES[4]]));
        assert!(holds.starts_with("holds for all 2"), "{holds}");
        assert!(say(rule(&CASES[3..4])).starts_with("no contestant reaches it."));
    }
}
