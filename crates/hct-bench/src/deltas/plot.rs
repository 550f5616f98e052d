//! Plots: what a fine-tune loses against the bits it takes, alone and on its base.

use anyhow::Result;
use plotters::prelude::*;

use super::report::{DeltaRow, PairReport};
use crate::evaluation::ModelQuality;
use crate::plot::{self, Area, CAPTION, Drawn, INK, QUALITIES, axes, color, text};

/// Losses below this are drawn here.
const FLOOR: f64 = 1e-6;

/// The plot of a pair whose model was run, as SVG.
pub fn svg(key: &str, report: &PairReport) -> Result<String> {
    plot::svg(key, (760, 460), |root| draw(root, report))
}

fn draw(root: &Area<'_>, report: &PairReport) -> Drawn {
    let place = |row: &DeltaRow| Some((report.bits(row), loss(row.quality.as_ref()?)));
    let (on_base, alone): (Vec<&DeltaRow>, Vec<&DeltaRow>) =
        report.lossy.iter().partition(|row| row.on_base);
    let curve = |rows: &[&DeltaRow]| {
        let mut points: Vec<(f64, f64)> = rows.iter().filter_map(|row| place(row)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let start = place(&report.base);
    let mut with_base: Vec<(f64, f64)> = start.into_iter().collect();
    with_base.extend(curve(&on_base));
    let curves = [("rdo on base", with_base), ("rdo", curve(&alone))];
    let points = || curves.iter().flat_map(|(_, points)| points);
    let most = points().map(|p| p.0).fold(1.0, f64::max).ceil();
    let low = points().map(|p| p.1).fold(0.0, f64::min);
    let high = points().map(|p| p.1).fold(low + 1.0, f64::max);
    let title = match report.base.quality {
        Some(ModelQuality::Language(_)) => "Mean KL divergence from the fine-tune, nats",
        _ => "1 − mean embedding cosine with the fine-tune",
    };
    let mut chart = ChartBuilder::on(root)
        .caption(title, CAPTION)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..most, low - 0.2..high + 0.2)?;
    let decades = |y: &f64| match y.fract() == 0.0 {
        true => format!("{}", libm::exp10(*y)),
        false => String::new(),
    };
    axes(
        &mut chart,
        "bits per weight, whole file; at 0 the base itself",
        None,
        Some(&decades),
    )?;
    for (number, (name, points)) in curves.iter().enumerate() {
        let color = color(QUALITIES, number);
        chart.draw_series(LineSeries::new(
            points.iter().copied(),
            color.stroke_width(2),
        ))?;
        chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, color.filled())))?;
        let y = 54 + 22 * number as i32;
        root.draw(&PathElement::new(
            vec![(610, y), (630, y)],
            color.stroke_width(2),
        ))?;
        root.draw(&Text::new(*name, (636, y - 7), text(13, &INK)))?;
    }
    Ok(())
}

/// Decades of what a model lost.
fn loss(quality: &ModelQuality) -> f64 {
    let loss = match quality {
        ModelQuality::Language(q) => q.handbook().kld_mean,
        ModelQuality::Sentence(q) => 1.0 - q.handbook.cosine_mean,
    };
    libm::log10(loss.max(FLOOR))
}
