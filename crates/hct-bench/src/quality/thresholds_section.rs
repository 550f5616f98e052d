//! The part of a language model's section that judges the published thresholds.

use super::bands;
use super::report::QualityRow;
use super::thresholds::{self, COSINE, GOOD_RATIO, TOP5};
use crate::evaluation::LanguageQuality;
use crate::evaluation::{QUESTIONS, SAMPLE};
use crate::text::cells::{fraction, percent};
use crate::text::table::table;

type Rows<'a> = [(&'a QualityRow, &'a LanguageQuality)];

/// Bands, statements and texts.
pub fn render(rows: &Rows<'_>) -> String {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| a.0.cosine.total_cmp(&b.0.cosine));
    format!(
        "\n### Thresholds\n\nEverything lossy above, by the cosine of its weights: the range over \
         the contestants of a band, and what the one with the largest PPL ratio writes after \
         “{SAMPLE}”.\n\n{}\n{}\n{}\n### Text\n\nEvery contestant by cosine, with what it writes \
         after “{SAMPLE}”:\n\n{}",
        band_table(&sorted),
        asked(),
        statements(rows),
        texts(&sorted),
    )
}

fn ratio(quality: &LanguageQuality) -> f64 {
    quality.handbook().ppl_ratio
}

fn band_table(sorted: &Rows<'_>) -> String {
    let row = |band: usize| {
        let inside: Vec<_> = sorted
            .iter()
            .filter(|(row, _)| !row.is_exact() && bands::band(row.cosine) == band)
            .collect();
        let range = |value: fn(&LanguageQuality) -> f64, show: &dyn Fn(f64) -> String| {
            let values = || inside.iter().map(|(_, quality)| value(quality));
            let low = values().min_by(f64::total_cmp).map(show);
            let high = values().max_by(f64::total_cmp).map(show);
            match (low, high) {
                (Some(low), Some(high)) if low != high => format!("{low} – {high}"),
                (low, _) => low.unwrap_or_default(),
            }
        };
        let asked = inside.first().map_or(0, |(_, q)| q.answers_asked);
        let worst = inside
            .iter()
            .max_by(|a, b| ratio(a.1).total_cmp(&ratio(b.1)));
        vec![
            bands::name(band),
            inside.len().to_string(),
            range(ratio, &|x| format!("{x:.3}")),
            range(|q| q.handbook().kld_mean, &|x| format!("{x:.4}")),
            range(|q| q.handbook().top5, &percent),
            range(|q| q.answers_right as f64, &|x| fraction(x as usize, asked)),
            worst.map_or(String::new(), |(row, q)| {
                format!("{} ({})", cell(&q.sample), row.label())
            }),
        ]
    };
    let rows: Vec<_> = (0..bands::COUNT).map(row).collect();
    let head = [
        "cosine",
        "contestants",
        "PPL ratio",
        "KL mean",
        "top-5",
        "answers right",
        "text of the worst",
    ];
    table("lrrrrrl", &head, &rows)
}

fn asked() -> String {
    let questions = QUESTIONS.map(|(question, answer)| format!("{question} *{answer}*"));
    format!(
        "Answers are counted among those that the model itself has right, greedily within eight \
         tokens, of: {}.\n",
        questions.join("; ")
    )
}

fn statements(rows: &Rows<'_>) -> String {
    let reach = rows
        .iter()
        .filter(|(row, q)| !row.is_exact() && q.handbook().top5 >= TOP5);
    let fewest = reach.min_by_key(|(_, q)| q.answers_right).map(|(row, q)| {
        let answers = fraction(q.answers_right, q.answers_asked);
        format!(
            " The fewest right that reach it are {answers} ({}).",
            row.label()
        )
    });
    format!(
        "**“A cosine of at least {COSINE} is good output”**, good taken as a PPL ratio of at most \
         {GOOD_RATIO}: {}\n\n**“Top-5 agreement of at least {:.0} % answers right”**, right taken \
         as every answer that the model itself has right: {}{}\n",
        thresholds::cosine(rows).statement("a cosine", |x| format!("{x:.4}")),
        100.0 * TOP5,
        thresholds::top5(rows).statement("an agreement", percent),
        fewest.unwrap_or_default(),
    )
}

fn texts(sorted: &Rows<'_>) -> String {
    let row = |(row, quality): &(&QualityRow, &LanguageQuality)| {
        vec![
            format!("{:.5}", row.cosine),
            row.label(),
            format!("{:.3}", ratio(quality)),
            cell(&quality.sample),
        ]
    };
    let rows: Vec<_> = sorted.iter().map(row).collect();
    table("rlrl", &["cosine", "by", "PPL ratio", "text"], &rows)
}

/// Text that cannot break a table.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '|' | '*' | '_' | '`' | '<' | '[' | '\\' | '#' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_in_its_cell() {
        assert_eq!(cell("a\n|b*\u{1b}"), "a \\|b\\*");
    }
}
