//! What each part of a calibration is worth.

use super::curve::Curve;
use super::report::{Section, Way};
use crate::evaluation::OnTexts;
use crate::text::table::table;

/// The rows of what was left out, against the curve of the whole. None without any.
pub fn render(section: &Section) -> Option<String> {
    let ablation = section.ablation.as_ref()?;
    let whole = section
        .ways()
        .into_iter()
        .find(|way| way.name == ablation.of)?;
    let report = &section.curves;
    let mut head = vec!["what is left".to_owned(), "bits per weight".to_owned()];
    let mut rows = Vec::new();
    for row in &ablation.rows {
        let (bits, loss) = (report.bits(row), row.quality.loss());
        let cells = columns(&whole, &loss, bits);
        if rows.is_empty() {
            head.extend(cells.iter().map(|(name, _)| name.clone()));
        }
        let mut all = vec![row.name.clone(), format!("{bits:.3}")];
        all.extend(cells.into_iter().map(|(_, cell)| cell));
        rows.push(all);
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let align = "l".to_owned() + &"r".repeat(head.len() - 1);
    Some(format!(
        "\n### What each part is worth\n\nOf “{}”. Each is its loss, and in brackets the bits per \
         weight that it takes more than the whole at that loss; a dash where the whole was not \
         measured there.\n\n{}",
        ablation.of,
        table(&align, &head, &rows),
    ))
}

/// A heading and a cell for each kind of text, and for the mean of all but the handbook.
fn columns(whole: &Way<'_>, loss: &OnTexts<f64>, bits: f64) -> Vec<(String, String)> {
    let mean = loss
        .mean_elsewhere(|&x| x)
        .zip(whole.mean_elsewhere.as_ref());
    let mean = mean.map(|(loss, curve)| ("mean but handbook", loss, curve));
    let kinds = loss.by_kind().into_iter().zip(whole.curves.by_kind());
    kinds
        .map(|((kind, &loss), (_, curve))| (kind, loss, curve))
        .chain(mean)
        .map(|(kind, loss, curve)| (kind.to_owned(), cell(loss, curve, bits)))
        .collect()
}

fn cell(loss: f64, whole: &Curve, bits: f64) -> String {
    let more = whole.bits_at(loss).map(|whole| bits - whole);
    let more = more.map_or("–".to_owned(), |more| format!("{more:+.2}"));
    format!("{loss:.5} ({more})")
}
