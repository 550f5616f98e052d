//! Plots: every strategy, and every prefix, beside the curve of `rdo`.

use anyhow::Result;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::curve::Point;
use super::report::ModelReport;
use crate::plot::{self, Area, CAPTION, Drawn, INK, STRATEGIES, axes, color, text};
use crate::text::cells::bits_per_weight;

type Chart<'a, 'b> = plot::Chart<'a, 'b, RangedCoordf64, RangedCoordf64>;

const SIZE: (u32, u32) = (900, 620);
/// Where the axis ends, in decibels; what is better lies on its edge.
const LEAST: f64 = -40.0;

/// What a plot shows beside the curve.
struct Series {
    name: String,
    color: RGBColor,
    /// Hollow marks in place of full ones.
    hollow: bool,
    /// Whether the points are joined.
    joined: bool,
    points: Vec<(f64, f64)>,
}

/// Every lossy row of the strategy table, `rdo` as a curve.
pub fn strategies(report: &ModelReport) -> Result<String> {
    let mut series: Vec<Series> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for entry in &report.strategies {
        let row = &entry.row;
        if row.rel_mse == 0.0 || row.strategy == "rdo" {
            continue;
        }
        if !names.contains(&row.strategy.as_str()) {
            names.push(&row.strategy);
        }
        let color = color(STRATEGIES, names.len() - 1);
        let name = format!("{}, {}", row.strategy, row.preset);
        let point = place(report, row.matrix_bytes, row.cosine);
        match series.iter_mut().find(|s| s.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series {
                name,
                color,
                hollow: row.preset == "classic",
                joined: false,
                points: vec![point],
            }),
        }
    }
    draw(report, "Strategies", &series)
}

/// Every prefix of progressive files.
pub fn prefixes(report: &ModelReport) -> Result<String> {
    let mut series: Vec<Series> = Vec::new();
    for prefix in &report.progressive {
        let name = format!("{} in {}", prefix.strategy, prefix.fragments);
        let point = place(report, prefix.matrix_bytes, prefix.cosine);
        match series.iter_mut().find(|s| s.name == name) {
            Some(series) => series.points.push(point),
            None => {
                let strategy = match prefix.strategy.as_str() {
                    "rdo" => STRATEGIES[1],
                    "uniform" => STRATEGIES[3],
                    _ => STRATEGIES[2],
                };
                // The more layers, the lighter.
                let light = |c: u8| {
                    let c = f64::from(c);
                    let mix = 0.25 * libm::log2(prefix.fragments as f64);
                    (c + (230.0 - c) * mix.min(0.7)) as u8
                };
                series.push(Series {
                    name,
                    color: RGBColor(light(strategy.0), light(strategy.1), light(strategy.2)),
                    hollow: false,
                    joined: true,
                    points: vec![point],
                });
            }
        }
    }
    series.sort_by(|a, b| a.name.cmp(&b.name));
    draw(report, "Prefixes", &series)
}

/// Bits that the axis needs: an even number.
fn widest(series: &[Series]) -> f64 {
    let points = series.iter().flat_map(|s| &s.points);
    let most = points.fold(0f64, |most, p| most.max(p.0));
    2.0 * (0.5 * most + 0.1).ceil()
}

/// Bits per weight, and 1 − cosine² in decibels.
fn place(report: &ModelReport, bytes: u64, cosine: f64) -> (f64, f64) {
    let error = 10.0 * libm::log10((1.0 - cosine * cosine).max(f64::MIN_POSITIVE));
    (
        bits_per_weight(bytes, report.matrix_weights),
        error.max(LEAST),
    )
}

fn draw(report: &ModelReport, what: &str, series: &[Series]) -> Result<String> {
    plot::svg(&report.key, SIZE, |root| drawn(root, report, what, series))
}

fn drawn(root: &Area<'_>, report: &ModelReport, what: &str, series: &[Series]) -> Drawn {
    let mut chart = ChartBuilder::on(root)
        .caption(
            format!(
                "{what} on {}: 1 − cosine² against bits per weight",
                report.key
            ),
            CAPTION,
        )
        .margin(12)
        .margin_right(230)
        .x_label_area_size(42)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..widest(series), LEAST..0.0)?;
    axes(
        &mut chart,
        "bits per weight of the matrices",
        Some("1 − cosine², dB"),
        None,
    )?;
    let curve = report.curve.0.iter();
    let curve: Vec<_> = curve
        .map(
            |&Point {
                 matrix_bytes,
                 cosine,
             }| place(report, matrix_bytes, cosine),
        )
        .collect();
    chart.draw_series(LineSeries::new(curve, INK.stroke_width(2)))?;
    for series in series {
        if series.joined {
            let line = LineSeries::new(series.points.clone(), series.color.stroke_width(1));
            chart.draw_series(line)?;
        }
        marks(&mut chart, series)?;
    }
    let text = text(12, &INK);
    let names = std::iter::once("rdo").chain(series.iter().map(|s| s.name.as_str()));
    for (i, name) in names.enumerate() {
        let y = 50 + 20 * i as i32;
        let at = (690, y);
        match i.checked_sub(1).map(|i| &series[i]) {
            None => root.draw(&PathElement::new(
                vec![(682, y), (698, y)],
                INK.stroke_width(2),
            ))?,
            Some(s) => root.draw(&Circle::new(at, 4, mark(s)))?,
        }
        root.draw(&Text::new(name.to_owned(), (704, y - 6), text.clone()))?;
    }
    Ok(())
}

fn marks(chart: &mut Chart<'_, '_>, series: &Series) -> Drawn {
    let points = series.points.iter();
    chart.draw_series(points.map(|&p| Circle::new(p, 4, mark(series))))?;
    Ok(())
}

fn mark(series: &Series) -> ShapeStyle {
    if series.hollow {
        series.color.stroke_width(2)
    } else {
        series.color.filled()
    }
}
