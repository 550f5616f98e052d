//! What was measured, as kept in `CALIBRATION.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::curve::Curve;
use crate::evaluation::OnTexts;
use crate::quality::{ModelReport, QualityRow};

/// Everything, by model.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Models by key.
    pub models: BTreeMap<String, Section>,
}

/// One model.
#[derive(Serialize, Deserialize)]
pub struct Section {
    /// Every way of coding at several sizes, and other formats. A way is the name of its rows.
    pub curves: ModelReport,
    /// Parts of the first calibration left out. None when there was no calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<AblationReport>,
}

/// A way of coding without parts of it.
#[derive(Serialize, Deserialize)]
pub struct AblationReport {
    /// The way, by its name.
    pub of: String,
    /// What is left, at some sizes.
    pub rows: Vec<QualityRow>,
}

/// How much is lost at which size, by one way of coding.
pub struct Way<'a> {
    /// What it is called.
    pub name: &'a str,
    /// On every kind of text, and on the mean of all but the handbook.
    pub curves: OnTexts<Curve>,
    pub mean_elsewhere: Option<Curve>,
}

impl Section {
    /// All rows, ablations in a report of their own.
    pub fn into_reports(self) -> Vec<ModelReport> {
        let ablation = self.ablation.map(|ablation| ModelReport {
            rows: ablation.rows,
            ..self.curves.clone()
        });
        std::iter::once(self.curves).chain(ablation).collect()
    }

    /// The ways that are not other formats, in the order they come.
    pub fn ways(&self) -> Vec<Way<'_>> {
        let mut names: Vec<&str> = Vec::new();
        for row in self.lossy().filter(|row| !row.is_rival()) {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        names
            .into_iter()
            .filter_map(|name| self.way(name))
            .collect()
    }

    fn way<'a>(&'a self, name: &'a str) -> Option<Way<'a>> {
        let rows: Vec<_> = self
            .lossy()
            .filter(|row| row.name == name)
            .map(|row| (self.curves.bits(row), row.quality.loss()))
            .collect();
        let curve = |value: &dyn Fn(&OnTexts<f64>) -> Option<f64>| {
            let points = rows.iter();
            Curve::new(points.filter_map(|(bits, loss)| Some((*bits, value(loss)?))))
        };
        let (_, first) = rows.first()?;
        let elsewhere = first.elsewhere.keys();
        let elsewhere: BTreeMap<String, Curve> = elsewhere
            .map(|kind| {
                (
                    kind.clone(),
                    curve(&|loss| loss.elsewhere.get(kind).copied()),
                )
            })
            .collect();
        let mean = |loss: &OnTexts<f64>| loss.mean_elsewhere(|&x| x);
        Some(Way {
            name,
            mean_elsewhere: (!elsewhere.is_empty()).then(|| curve(&mean)),
            curves: OnTexts {
                handbook: curve(&|loss| Some(loss.handbook)),
                elsewhere,
            },
        })
    }

    fn lossy(&self) -> impl Iterator<Item = &QualityRow> {
        self.curves.rows.iter().filter(|row| !row.is_exact())
    }
}

/// The name of a model's plot.
pub fn plot_name(key: &str) -> String {
    format!("calibration-{key}.svg")
}
