//! What a plan says of tensors, shown.

use hct_strategies::StrategySpec;
use serde::Serialize;

use crate::table::{Align, Table, printable};
use crate::units;

#[derive(Serialize)]
pub struct Report {
    /// What all tensors are coded by.
    pub spec: StrategySpec,
    pub tensors: Vec<Row>,
    /// Bytes of the whole file.
    pub output_bytes: u64,
    pub bits_per_weight: f64,
    /// Of all tensors, in nats; null where nothing is predicted.
    pub predicted_damage: Option<f64>,
    pub seconds: f64,
}

#[derive(Clone, Serialize)]
pub struct Row {
    pub name: String,
    pub shape: Vec<u64>,
    pub coded: String,
    /// Its payload and its record.
    pub bytes: u64,
    pub bits_per_weight: f64,
    pub damage: Option<f64>,
    /// Whether its spec counts: others are exact whatever it says.
    #[serde(skip)]
    pub by_spec: bool,
}

/// The report for people: a row a tensor, and what they come to.
pub fn table(report: &Report) -> String {
    let predicted = report.predicted_damage;
    let mut columns = vec![
        ("tensor", Align::Left),
        ("shape", Align::Right),
        ("bits/weight", Align::Right),
        ("bytes", Align::Right),
    ];
    if predicted.is_some() {
        columns.extend([("damage", Align::Right), ("share", Align::Right)]);
    }
    columns.push(("coded", Align::Left));
    let mut table = Table::new(&columns);
    for row in &report.tensors {
        let shape: Vec<_> = row.shape.iter().map(u64::to_string).collect();
        let mut cells = vec![
            printable(&row.name),
            shape.join(" × "),
            units::fixed(row.bits_per_weight, 3),
            units::grouped(row.bytes),
        ];
        if let Some(all) = predicted {
            let damage = row.damage.unwrap_or(f64::NAN);
            cells.push(units::scientific(damage));
            let share = 100.0 * units::ratio(damage, all);
            cells.push(match share.is_nan() {
                true => "-".to_owned(),
                false => units::fixed(share, 2) + " %",
            });
        }
        cells.push(printable(&row.coded));
        table.row(cells);
    }
    let mut text = table.render();
    text += &format!(
        "\n{} bits per weight, {} the whole file",
        units::fixed(report.bits_per_weight, 3),
        units::bytes(report.output_bytes)
    );
    if let Some(damage) = predicted {
        text += &format!(
            "; predicted damage {} (KL divergence, of language models)",
            units::fixed(damage, 5)
        );
    }
    text + "\n"
}
