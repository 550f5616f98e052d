//! Plots: what a model loses against the bits its weights take.

use std::ops::Range;

use anyhow::Result;
use plotters::prelude::*;

use super::report::{ModelReport, QualityRow};
use crate::evaluation::ModelQuality;
use crate::plot::{self, Area, CAPTION, Drawn, INK, QUALITIES, RIVAL, axes, color, text};

/// Room for the legend, right of the plots.
const LEGEND: i32 = 130;
/// Room for a panel.
const PANEL: i32 = 555;
/// More bits than this is not drawn.
const MOST_BITS: f64 = 9.0;

/// A quantity that is better the smaller, on a logarithmic axis.
pub struct Panel {
    pub title: &'static str,
    /// What is measured as less, or below nothing, is drawn here.
    pub floor: f64,
    /// The value and its standard error.
    pub loss: fn(&ModelQuality) -> Option<(f64, f64)>,
}

/// The plot of a model, as SVG.
pub fn svg(key: &str, report: &ModelReport) -> Result<String> {
    panels_svg(key, report, &panels(report))
}

/// The same with panels of one's own.
pub fn panels_svg(key: &str, report: &ModelReport, panels: &[Panel]) -> Result<String> {
    let width = PANEL * panels.len() as i32 + LEGEND;
    plot::svg(key, (width as u32, 520), |root| {
        let mut rest = root.clone();
        for (number, panel) in panels.iter().enumerate() {
            if number + 1 == panels.len() {
                panel.draw(&rest, report, LEGEND as u32)?;
            } else {
                let (area, right) = rest.split_horizontally(PANEL);
                panel.draw(&area, report, 0)?;
                rest = right;
            }
        }
        legend(root, report, width - LEGEND)
    })
}

fn panels(report: &ModelReport) -> Vec<Panel> {
    let panel = |title, floor, loss| Panel { title, floor, loss };
    let first = report.rows.first().map(|row| &row.quality);
    if let Some(ModelQuality::Sentence(_)) = first {
        return vec![
            panel("1 − mean embedding cosine", 1e-6, |q| match q {
                ModelQuality::Sentence(q) => Some((1.0 - q.handbook.cosine_mean, 0.0)),
                ModelQuality::Language(_) => None,
            }),
            panel("1 − Spearman", 1e-6, |q| match q {
                ModelQuality::Sentence(q) => Some((1.0 - q.handbook.similarity_spearman, 0.0)),
                ModelQuality::Language(_) => None,
            }),
        ];
    }
    let mut panels = vec![
        panel("Mean KL divergence, nats", 1e-6, |q| match q {
            ModelQuality::Language(q) => Some((q.handbook().kld_mean, 0.0)),
            ModelQuality::Sentence(_) => None,
        }),
        panel(
            "PPL ratio − 1 (0.001 at least), ± standard error",
            1e-3,
            |q| match q {
                ModelQuality::Language(q) => {
                    let p = q.handbook();
                    Some((p.ppl_ratio - 1.0, p.ppl_ratio_se))
                }
                ModelQuality::Sentence(_) => None,
            },
        ),
    ];
    if first.and_then(kld_elsewhere).is_some() {
        let title = "Mean KL divergence, nats, on texts of other kinds";
        panels.push(panel(title, 1e-6, |q| Some((kld_elsewhere(q)?, 0.0))));
    }
    panels
}

fn kld_elsewhere(quality: &ModelQuality) -> Option<f64> {
    match quality {
        ModelQuality::Language(q) => q.texts.mean_elsewhere(|p| p.kld_mean),
        ModelQuality::Sentence(_) => None,
    }
}

/// The rows that are drawn.
fn drawn(report: &ModelReport) -> impl Iterator<Item = &QualityRow> {
    let rows = report.rows.iter();
    rows.filter(|row| !row.is_exact() && report.bits(row) < MOST_BITS)
}

/// The strategies that are drawn, in the order they come.
fn strategies(report: &ModelReport) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in drawn(report).filter(|row| !row.is_rival()) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    names
}

impl Panel {
    fn draw(&self, area: &Area<'_>, report: &ModelReport, margin: u32) -> Drawn {
        let place = |row: &QualityRow| Some((report.bits(row), self.place(row)?));
        let places: Vec<(f64, [f64; 3])> = drawn(report).filter_map(place).collect();
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, CAPTION)
            .margin(12)
            .margin_right(12 + margin)
            .x_label_area_size(42)
            .y_label_area_size(60)
            .build_cartesian_2d(bits_range(&places), loss_range(&places))?;
        let decades = |y: &f64| match y.fract() == 0.0 {
            true => format!("{}", libm::exp10(*y)),
            false => String::new(),
        };
        axes(
            &mut chart,
            "bits per weight, whole model",
            None,
            Some(&decades),
        )?;
        for (number, strategy) in strategies(report).into_iter().enumerate() {
            let rows = drawn(report).filter(|row| !row.is_rival() && row.name == strategy);
            let mut points: Vec<_> = rows.filter_map(place).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let color = color(QUALITIES, number);
            let line = points.iter().map(|&(bits, [_, y, _])| (bits, y));
            chart.draw_series(LineSeries::new(line.clone(), color.stroke_width(1)))?;
            chart.draw_series(line.map(|at| Circle::new(at, 3, color.filled())))?;
            chart.draw_series(points.iter().map(|p| error_bar(p, color)))?;
        }
        for row in drawn(report).filter(|row| row.is_rival()) {
            let Some(point) = place(row) else { continue };
            let at = (point.0, point.1[1]);
            let text = text(12, &RIVAL);
            chart.draw_series([error_bar(&point, RIVAL)])?;
            chart.draw_series([Cross::new(at, 4, RIVAL.stroke_width(2))])?;
            chart.draw_series([
                EmptyElement::at(at) + Text::new(row.name.clone(), (6, -12), text)
            ])?;
        }
        Ok(())
    }

    /// Decades of the value, and of the ends of its error bar around it.
    fn place(&self, row: &QualityRow) -> Option<[f64; 3]> {
        let (value, error) = (self.loss)(&row.quality).filter(|(value, _)| value.is_finite())?;
        let ends = [value - error, value, value + error];
        Some(ends.map(|x| libm::log10(x.max(self.floor))))
    }
}

fn error_bar(
    &(bits, [low, _, high]): &(f64, [f64; 3]),
    color: RGBColor,
) -> PathElement<(f64, f64)> {
    PathElement::new(vec![(bits, low), (bits, high)], color.stroke_width(1))
}

/// Whole bits around all places.
fn bits_range(places: &[(f64, [f64; 3])]) -> Range<f64> {
    let bits = || places.iter().map(|place| place.0);
    let low = bits().fold(MOST_BITS, f64::min);
    low.floor()..bits().fold(low, f64::max).ceil().max(low.floor() + 1.0)
}

/// A little more than the values take.
fn loss_range(places: &[(f64, [f64; 3])]) -> Range<f64> {
    let low = places.iter().map(|p| p.1[0]).fold(0.0, f64::min);
    let high = places.iter().map(|p| p.1[2]).fold(low + 1.0, f64::max);
    low - 0.1..high + 0.1
}

/// Names of the strategies, from `x` on.
fn legend(root: &Area<'_>, report: &ModelReport, x: i32) -> Drawn {
    let text = text(13, &INK);
    let strategies = strategies(report);
    for (i, name) in strategies.iter().enumerate() {
        let y = 60 + 22 * i as i32;
        let color = color(QUALITIES, i);
        root.draw(&PathElement::new(
            vec![(x, y), (x + 20, y)],
            color.stroke_width(1),
        ))?;
        root.draw(&Circle::new((x + 10, y), 3, color.filled()))?;
        root.draw(&Text::new(
            (*name).to_owned(),
            (x + 26, y - 7),
            text.clone(),
        ))?;
    }
    let y = 60 + 22 * strategies.len() as i32;
    root.draw(&Cross::new((x + 10, y), 4, RIVAL.stroke_width(2)))?;
    root.draw(&Text::new("other formats", (x + 26, y - 7), text))?;
    Ok(())
}
