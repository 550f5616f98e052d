//! What `hct compress` says it has done.

use std::time::Duration;

use hct_model::CompressReport;
use serde::Serialize;

#[cfg(feature = "eval")]
use crate::goal::Measured;
#[cfg(feature = "eval")]
use crate::norm_tuning::Tuning;
use crate::table::{Align, Table};
use crate::units;

#[derive(Serialize)]
pub struct Report {
    /// Safetensors files and carried side files.
    input_bytes: u64,
    output_bytes: u64,
    /// Elements of the float tensors.
    weights: u64,
    /// The whole file counted.
    bits_per_weight: f64,
    ratio: f64,
    /// Tensors by what they took from the base, if there is one.
    base: Option<Tensors>,
    /// What errors are predicted to do, in nats of KL divergence for a language model; null without
    /// a calibration.
    predicted_damage: Option<f64>,
    /// How the model compares with what it was, where that was asked for.
    #[cfg(feature = "eval")]
    pub measured: Option<Measured>,
    /// What tuning the normalisations did, where that was done.
    #[cfg(feature = "eval")]
    pub tuning: Option<Tuning>,
    /// The bits per weight asked for, where the file takes over 1 % less.
    asked_bits_per_weight: Option<f64>,
    /// Whether the file was read again and decoded before it got its name.
    verified: bool,
    pub seconds: f64,
}

#[derive(Serialize)]
struct Tensors {
    unchanged: usize,
    differences: usize,
    alone: usize,
}

impl Report {
    pub fn new(done: &CompressReport, on_base: bool, verified: bool) -> Report {
        Report {
            input_bytes: done.input_bytes,
            output_bytes: done.output_bytes,
            weights: done.weights,
            bits_per_weight: done.bits_per_weight(),
            ratio: units::ratio(done.input_bytes as f64, done.output_bytes as f64),
            base: on_base.then_some(Tensors {
                unchanged: done.base_use.unchanged,
                differences: done.base_use.differences,
                alone: done.base_use.alone,
            }),
            predicted_damage: done.predicted,
            #[cfg(feature = "eval")]
            measured: None,
            #[cfg(feature = "eval")]
            tuning: None,
            asked_bits_per_weight: done.asked,
            verified,
            seconds: f64::NAN,
        }
    }

    /// As a table, `dtypes` being those of the input.
    pub fn table(&self, dtypes: &str) -> String {
        let seconds = Duration::from_secs_f64(self.seconds);
        let per_second = |n: u64| units::ratio(n as f64, self.seconds);
        let mut table = Table::bare(&[Align::Left, Align::Right, Align::Left]);
        let mut row = |what: &str, value, note| table.row([what.to_owned(), value, note]);
        row(
            "input",
            units::bytes(self.input_bytes),
            format!("{} bytes", units::grouped(self.input_bytes)),
        );
        row(
            "output",
            units::bytes(self.output_bytes),
            format!("{} bytes", units::grouped(self.output_bytes)),
        );
        let ratio = format!("{}x", units::fixed(self.ratio, 2));
        row("ratio", ratio, format!("against {dtypes}"));
        row(
            "bits per weight",
            units::fixed(self.bits_per_weight, 3),
            format!("{} weights, whole file", units::count(self.weights as f64)),
        );
        if let Some(base) = &self.base {
            row(
                "against the base",
                (base.unchanged + base.differences).to_string(),
                format!(
                    "tensors: {} unchanged, {} as differences; {} alone",
                    base.unchanged, base.differences, base.alone
                ),
            );
        }
        if let Some(damage) = self.predicted_damage {
            row(
                "predicted damage",
                units::fixed(damage, 5),
                "from the calibration: KL divergence, of language models".to_owned(),
            );
        }
        #[cfg(feature = "eval")]
        if let Some(tuning) = &self.tuning {
            let (what, value, note) = tuning.row();
            row(what, value, note);
        }
        #[cfg(feature = "eval")]
        for (what, value, note) in self.measured.iter().flat_map(Measured::rows) {
            row(what, value, note);
        }
        row(
            "time",
            units::time(seconds),
            format!(
                "{} weights/s, {}/s",
                units::count(per_second(self.weights)),
                units::bytes(per_second(self.input_bytes) as u64)
            ),
        );
        table.render()
    }
}
