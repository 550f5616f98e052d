//! The tables of strategies: `docs/STRATEGIES.md`, `.json` and plots. One module a table, measured
//! into plain structs, from which alone text and plots are made.

mod about;
mod adaptive;
mod bench;
mod curve;
mod entrants;
mod importance;
mod low_rank;
mod matrices;
mod mixed;
mod overhead;
mod plot;
mod progressive;
mod published;
mod report;
mod retention;
mod section;
mod solve;
mod speed;
mod strategy;
mod strategy_table;
mod svd;
mod targets;
mod verdict;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluation::Settings;
use crate::model::Model;
use crate::repository::docs;
use crate::text::document::{self, Report};
use about::about;
use matrices::Matrices;
use report::ModelReport;

const MATRICES: &str = "matrices";

/// Everything in `STRATEGIES.json`.
#[derive(Default, Serialize, Deserialize)]
pub struct Tables {
    models: BTreeMap<String, ModelReport>,
    matrices: Option<Matrices>,
}

/// Measures the synthetic matrices if asked to, and `models`, and writes their sections. With
/// `settings`, models that can be run are. What is done is written before the next is begun. With
/// `only`, the rows of those strategies are measured again and all others kept.
pub fn run(
    with_matrices: bool,
    models: &[Model],
    settings: Option<&Settings>,
    only: &[String],
) -> Result<()> {
    for model in models {
        let measured = if only.is_empty() {
            ModelReport::measure(model, settings)?
        } else {
            let old = document::load::<Tables>()?.models.remove(&model.key);
            let old = old.with_context(|| format!("{} has no section yet", model.title()))?;
            old.measure_again(model, settings, only)?
        };
        println!("{}", measured.render());
        document::update(|tables: &mut Tables| {
            tables.models.insert(model.key.clone(), measured);
        })?;
    }
    if with_matrices {
        let measured = Matrices::measure(true)?;
        println!("{}", measured.render());
        document::update(|tables: &mut Tables| tables.matrices = Some(measured))?;
    }
    Ok(())
}

/// Fails unless the committed documents hold what this code makes of the sample and of the
/// low-rank matrix, and what the JSON makes.
pub fn check() -> Result<()> {
    const ADVICE: &str = "run `cargo xtask compare`, look at the change, and commit it";
    const JSON: &str = Tables::JSON;
    document::check::<Tables>()?;
    let tables: Tables = document::read_json(&docs(JSON))?;
    let model = Model::sample()?;
    let committed = tables
        .models
        .get(&model.key)
        .with_context(|| format!("docs/{JSON} has no section for the sample; {ADVICE}"))?;
    let mut differences = differences(committed, &ModelReport::measure(&model, None)?)?;
    let committed = tables
        .matrices
        .as_ref()
        .with_context(|| format!("docs/{JSON} has no section for matrices; {ADVICE}"))?;
    differences.extend(self::differences(committed, &Matrices::measure(false)?)?);
    for line in &differences {
        eprintln!("{line}");
    }
    ensure!(
        differences.is_empty(),
        "docs/{JSON} is not what the code makes; {ADVICE}"
    );
    println!(
        "docs/{}, its plots and docs/{JSON} match the code",
        Tables::MARKDOWN
    );
    Ok(())
}

impl Report for Tables {
    const MARKDOWN: &'static str = "STRATEGIES.md";
    const JSON: &'static str = "STRATEGIES.json";

    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = vec![("about".to_owned(), about())];
        for (key, report) in &self.models {
            sections.push((key.clone(), report.render()));
        }
        let matrices = self.matrices.as_ref();
        sections.extend(matrices.map(|m| (MATRICES.to_owned(), m.render())));
        sections
    }

    fn plots(&self) -> Result<Vec<(String, String)>> {
        let plots = self.models.values().map(ModelReport::plots);
        Ok(plots.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// Where two values differ, speeds aside: a line per place, with both.
fn differences<T: Serialize>(committed: &T, made: &T) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let (committed, made) = (
        serde_json::to_value(committed)?,
        serde_json::to_value(made)?,
    );
    walk("", &committed, &made, &mut lines);
    Ok(lines)
}

fn walk(place: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let only_new = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(only_new).filter(|key| *key != "speed") {
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or(Value::Null)
                };
                walk(&format!("{place}/{key}"), &of(a), &of(b), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&format!("{place}/{i}"), a, b, lines);
            }
        }
        _ if old == new => {}
        _ => lines.push(format!("{place}: {old} committed, {new} made")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_difference_but_speed_is_found() {
        let old = json!({"rows": [{"bytes": 1, "speed": 5.0}], "gone": 1});
        let same = json!({"rows": [{"bytes": 1, "speed": 7.0}], "gone": 1});
        assert!(differences(&old, &same).unwrap().is_empty());
        let new = json!({"rows": [{"bytes": 2, "speed": 5.0}], "new": 1});
        let lines = differences(&old, &new).unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.contains(&"/rows/0/bytes: 1 committed, 2 made".to_owned()));
    }
}
