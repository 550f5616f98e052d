//! Plots: distortion against rate, and the gap to Shannon's limit against distortion.

use std::ops::Range;

use anyhow::Result;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::report::{CorpusReport, Curve, Group, RatePoint, shannon};
use super::rivals::{FORMATS, NNCODEC, Rival};
use crate::plot::{self, Area, CAPTION, Drawn, GREY, INK, RECIPES, RIVAL, axes, color, text};

type Chart<'a, 'b> = plot::Chart<'a, 'b, RangedCoordf64, RangedCoordf64>;

/// The plot of a corpus, as SVG. Quoted rivals are drawn on MiniLM, where they were measured.
pub fn svg(key: &str, report: &CorpusReport) -> Result<String> {
    let rivals: Vec<Rival> = if key == "minilm" {
        FORMATS.into_iter().chain(NNCODEC).collect()
    } else {
        Vec::new()
    };
    plot::svg(key, (1240, 720), |root| draw(root, report, &rivals))
}

fn draw(root: &Area<'_>, report: &CorpusReport, rivals: &[Rival]) -> Drawn {
    let (left, right) = root.split_horizontally(600);
    let curves: Vec<&Curve> = report
        .curves
        .iter()
        .filter(|c| c.points.len() > 1)
        .collect();
    let mut chart = ChartBuilder::on(&left)
        .caption("Relative MSE (dB) against bits per weight", CAPTION)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(52)
        .build_cartesian_2d(1.0..6.0, -36.0..-5.0)?;
    axes(&mut chart, "bits per weight", Some("rel. MSE, dB"), None)?;
    let limit = (0..=60).map(|i| -36.0 + 0.55 * f64::from(i));
    let limit = limit.map(|db| (shannon(libm::exp10(db / 10.0)), db));
    let limit: Vec<_> = limit.filter(|p| (1.0..=6.0).contains(&p.0)).collect();
    chart.draw_series(LineSeries::new(limit, INK.stroke_width(2)))?;
    for (i, curve) in curves.iter().enumerate() {
        lines(&mut chart, curve, i, |p| (p.bpw, decibels(p.rel_mse)))?;
    }
    for rival in rivals.iter().filter(|r| r.bpw < 6.0) {
        quoted(&mut chart, rival.name, (rival.bpw, decibels(rival.rel_mse)))?;
    }

    let (top, bottom) = right.split_vertically(210);
    let title = "Gap to ½·log₂(1/rel. MSE), in bits";
    gaps(&top, Some(title), 0.40..1.10, &curves, rivals)?;
    gaps(&bottom, None, -0.12..0.36, &curves, rivals)?;
    legend(&right, &curves, !rivals.is_empty())
}

/// Gaps of the curves and rivals that lie in `range`.
fn gaps(
    area: &Area<'_>,
    title: Option<&str>,
    range: Range<f64>,
    curves: &[&Curve],
    rivals: &[Rival],
) -> Drawn {
    let mut builder = ChartBuilder::on(area);
    if let Some(title) = title {
        builder.caption(title, CAPTION);
    }
    let mut chart = builder
        .margin(12)
        .margin_right(178)
        .x_label_area_size(if title.is_some() { 12 } else { 42 })
        .y_label_area_size(52)
        .build_cartesian_2d(-28.0..-5.0, range.clone())?;
    let x = if title.is_some() { "" } else { "rel. MSE, dB" };
    axes(&mut chart, x, Some("gap, bits"), None)?;
    if range.contains(&0.0) {
        let zero = [(-28.0, 0.0), (-5.0, 0.0)];
        chart.draw_series(LineSeries::new(zero, INK.stroke_width(2)))?;
    }
    for (i, curve) in curves.iter().enumerate() {
        if curve.points.iter().all(|p| range.contains(&p.gap())) {
            lines(&mut chart, curve, i, |p| (decibels(p.rel_mse), p.gap()))?;
        }
    }
    for rival in rivals.iter().filter(|r| r.rel_mse > 0.0016) {
        let gap = rival.bpw - shannon(rival.rel_mse);
        if range.contains(&gap) {
            quoted(&mut chart, rival.name, (decibels(rival.rel_mse), gap))?;
        }
    }
    Ok(())
}

fn decibels(rel_mse: f64) -> f64 {
    10.0 * libm::log10(rel_mse)
}

fn lines(
    chart: &mut Chart<'_, '_>,
    curve: &Curve,
    number: usize,
    place: impl Fn(&RatePoint) -> (f64, f64),
) -> Drawn {
    let points: Vec<(f64, f64)> = curve.points.iter().map(place).collect();
    let style = style(curve.group, number);
    chart.draw_series(LineSeries::new(points.clone(), style))?;
    chart.draw_series(
        points
            .iter()
            .map(|&p| Circle::new(p, 3, style.color.filled())),
    )?;
    Ok(())
}

fn quoted(chart: &mut Chart<'_, '_>, name: &str, at: (f64, f64)) -> Drawn {
    chart.draw_series([Cross::new(at, 4, RIVAL.stroke_width(2))])?;
    if name != NNCODEC[0].name {
        let style = text(11, &RIVAL);
        chart.draw_series([EmptyElement::at(at) + Text::new(name.to_owned(), (6, -5), style)])?;
    } else {
        chart.draw_series([Circle::new(at, 6, RIVAL.stroke_width(1))])?;
    }
    Ok(())
}

/// Colours told apart within a plot; the groups differ in tone.
fn style(group: Group, number: usize) -> ShapeStyle {
    match group {
        Group::Uniform => GREY.stroke_width(2),
        Group::Rdo => color(RECIPES, number + RECIPES.len() - 1).stroke_width(2),
        _ => color(RECIPES, number + RECIPES.len() - 1).stroke_width(1),
    }
}

/// The names of the curves, beside the right plot.
fn legend(area: &Area<'_>, curves: &[&Curve], rivals: bool) -> Drawn {
    let text = text(12, &INK);
    let mut entries: Vec<(String, ShapeStyle)> =
        vec![("Shannon limit".into(), INK.stroke_width(2))];
    for (i, curve) in curves.iter().enumerate() {
        let name = curve.name.replace("trellis 64, ", "64, ");
        entries.push((name, style(curve.group, i)));
    }
    for (i, (name, style)) in entries.iter().enumerate() {
        let y = 60 + 20 * i as i32;
        area.draw(&PathElement::new(vec![(474, y), (494, y)], *style))?;
        if i > 0 {
            area.draw(&Circle::new((484, y), 3, style.color.filled()))?;
        }
        area.draw(&Text::new(name.clone(), (500, y - 6), text.clone()))?;
    }
    if rivals {
        let y = 60 + 20 * entries.len() as i32;
        area.draw(&Cross::new((484, y), 4, RIVAL.stroke_width(2)))?;
        area.draw(&Text::new(
            "other formats, quoted",
            (500, y - 6),
            text.clone(),
        ))?;
        area.draw(&Cross::new((484, y + 20), 4, RIVAL.stroke_width(2)))?;
        area.draw(&Circle::new((484, y + 20), 6, RIVAL.stroke_width(1)))?;
        area.draw(&Text::new("NNCodec 2.1, quoted", (500, y + 14), text))?;
    }
    Ok(())
}
