//! Plots: what a model loses against the bits its weights take.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::model_quality::ModelQuality;
use super::report::{ModelReport, QualityRow};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

const INK: RGBColor = RGBColor(40, 40, 40);
const RIVAL: RGBColor = RGBColor(190, 60, 50);
/// For the strategies, in the order they come.
const COLORS: [RGBColor; 8] = [
    RGBColor(0, 60, 200),
    RGBColor(120, 120, 120),
    RGBColor(0, 150, 60),
    RGBColor(250, 150, 0),
    RGBColor(120, 60, 200),
    RGBColor(0, 170, 180),
    RGBColor(150, 0, 60),
    RGBColor(140, 110, 0),
];
/// Room for the legend, right of the plots.
const LEGEND: i32 = 130;
/// More bits than this is not drawn.
const MOST_BITS: f64 = 9.0;
/// What is measured as less is drawn here: it is below what the text can tell from nothing.
const LEAST: f64 = 1e-4;

/// What a panel shows of a row: the value, which is better the smaller, and its standard error.
type Loss = fn(&ModelQuality) -> Option<(f64, f64)>;

/// The plot of a model, as SVG.
pub fn svg(key: &str, report: &ModelReport) -> Result<String> {
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (1240, 520)).into_drawing_area();
        draw(&root, report).map_err(|e| anyhow!("cannot draw {key}: {e}"))?;
    }
    Ok(out + "\n")
}

fn draw(root: &Area<'_>, report: &ModelReport) -> Drawn {
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally((1240 - LEGEND) / 2);
    let [(name_a, a), (name_b, b)] = panels(report);
    panel(&left, name_a, a, report, 0)?;
    panel(&right, name_b, b, report, LEGEND as u32)?;
    legend(root, report)
}

fn panels(report: &ModelReport) -> [(&'static str, Loss); 2] {
    match report.rows.first().map(|row| &row.quality) {
        Some(ModelQuality::Sentence(_)) => [
            ("1 − mean embedding cosine", |q| match q {
                ModelQuality::Sentence(q) => Some((1.0 - q.cosine_mean, 0.0)),
                ModelQuality::Language(_) => None,
            }),
            ("1 − Spearman", |q| match q {
                ModelQuality::Sentence(q) => Some((1.0 - q.similarity_spearman, 0.0)),
                ModelQuality::Language(_) => None,
            }),
        ],
        _ => [
            ("Mean KL divergence, nats", |q| match q {
                ModelQuality::Language(q) => Some((q.kld_mean, 0.0)),
                ModelQuality::Sentence(_) => None,
            }),
            ("PPL ratio − 1, with its standard error", |q| match q {
                ModelQuality::Language(q) => Some((q.ppl_ratio - 1.0, q.ppl_ratio_se)),
                ModelQuality::Sentence(_) => None,
            }),
        ],
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

fn color(strategy: usize) -> RGBColor {
    COLORS[strategy % COLORS.len()]
}

fn panel(area: &Area<'_>, name: &str, loss: Loss, report: &ModelReport, margin: u32) -> Drawn {
    let place = |row: &QualityRow| {
        let (value, error) = loss(&row.quality).filter(|(value, _)| value.is_finite())?;
        let at = [value - error, value, value + error].map(decades);
        Some((report.bits(row), at))
    };
    let places: Vec<(f64, [f64; 3])> = drawn(report).filter_map(place).collect();
    let mut chart = ChartBuilder::on(area)
        .caption(name, ("sans-serif", 17))
        .margin(12)
        .margin_right(12 + margin)
        .x_label_area_size(42)
        .y_label_area_size(60)
        .build_cartesian_2d(bits_range(&places), loss_range(&places))?;
    chart
        .configure_mesh()
        .x_desc("bits per weight, whole model")
        .y_label_formatter(&|y| {
            if y.fract() == 0.0 {
                format!("{}", libm::exp10(*y))
            } else {
                String::new()
            }
        })
        .light_line_style(RGBColor(244, 244, 244))
        .bold_line_style(RGBColor(224, 224, 224))
        .axis_style(INK)
        .label_style(("sans-serif", 13))
        .max_light_lines(1)
        .draw()?;
    for (number, strategy) in strategies(report).into_iter().enumerate() {
        let rows = drawn(report).filter(|row| !row.is_rival() && row.name == strategy);
        let mut points: Vec<_> = rows.filter_map(place).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let color = color(number);
        let line = points.iter().map(|&(bits, [_, y, _])| (bits, y));
        chart.draw_series(LineSeries::new(line.clone(), color.stroke_width(1)))?;
        chart.draw_series(line.map(|at| Circle::new(at, 3, color.filled())))?;
        chart.draw_series(points.iter().map(|p| error_bar(p, color)))?;
    }
    for row in drawn(report).filter(|row| row.is_rival()) {
        let Some(point) = place(row) else { continue };
        let at = (point.0, point.1[1]);
        let text = ("sans-serif", 12).into_font().color(&RIVAL);
        chart.draw_series([error_bar(&point, RIVAL)])?;
        chart.draw_series([Cross::new(at, 4, RIVAL.stroke_width(2))])?;
        chart.draw_series([EmptyElement::at(at) + Text::new(row.name.clone(), (6, -12), text)])?;
    }
    Ok(())
}

fn error_bar(
    &(bits, [low, _, high]): &(f64, [f64; 3]),
    color: RGBColor,
) -> PathElement<(f64, f64)> {
    PathElement::new(vec![(bits, low), (bits, high)], color.stroke_width(1))
}

/// The logarithm to base 10, of [`LEAST`] at least.
fn decades(value: f64) -> f64 {
    libm::log10(value.max(LEAST))
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

/// Names of the strategies, at the right edge.
fn legend(root: &Area<'_>, report: &ModelReport) -> Drawn {
    let text = ("sans-serif", 13).into_font().color(&INK);
    let x = 1240 - LEGEND;
    let strategies = strategies(report);
    for (i, name) in strategies.iter().enumerate() {
        let y = 60 + 22 * i as i32;
        let color = color(i);
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
