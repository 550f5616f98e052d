//! Plots: distortion against rate, and the gap to Shannon's limit against distortion.

use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::report::{CorpusReport, Curve, Group, RatePoint, shannon};
use super::rivals::{FORMATS, NNCODEC, Rival};

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const INK: RGBColor = RGBColor(40, 40, 40);
const QUOTED: RGBColor = RGBColor(190, 60, 50);

/// The plot of a corpus, as SVG. Quoted rivals are drawn on MiniLM, where they were measured.
pub fn svg(key: &str, report: &CorpusReport) -> Result<String> {
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (1240, 560)).into_drawing_area();
        let rivals: Vec<Rival> = if key == "minilm" {
            FORMATS.into_iter().chain(NNCODEC).collect()
        } else {
            Vec::new()
        };
        draw(&root, report, &rivals).map_err(|e| anyhow!("cannot draw {key}: {e}"))?;
    }
    Ok(out + "\n")
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn draw(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    report: &CorpusReport,
    rivals: &[Rival],
) -> Drawn {
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(600);
    let curves: Vec<&Curve> = report
        .curves
        .iter()
        .filter(|c| c.points.len() > 1)
        .collect();
    let decibels = |d: f64| 10.0 * libm::log10(d);
    let mut chart = ChartBuilder::on(&left)
        .caption(
            "Relative MSE (dB) against bits per weight",
            ("sans-serif", 17),
        )
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(52)
        .build_cartesian_2d(1.0..6.0, -36.0..-5.0)?;
    axes(&mut chart, "bits per weight", "rel. MSE, dB")?;
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

    let mut chart = ChartBuilder::on(&right)
        .caption("Gap to ½·log₂(1/rel. MSE), in bits", ("sans-serif", 17))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(52)
        .right_y_label_area_size(160)
        .build_cartesian_2d(-28.0..-5.0, -0.15..1.05)?;
    axes(&mut chart, "rel. MSE, dB", "gap, bits")?;
    chart.draw_series(LineSeries::new(
        [(-28.0, 0.0), (-5.0, 0.0)],
        INK.stroke_width(2),
    ))?;
    for (i, curve) in curves.iter().enumerate() {
        lines(&mut chart, curve, i, |p| (decibels(p.rel_mse), p.gap()))?;
    }
    for r in rivals.iter().filter(|r| r.rel_mse > 0.0016) {
        let gap = r.bpw - shannon(r.rel_mse);
        quoted(&mut chart, r.name, (decibels(r.rel_mse), gap))?;
    }
    legend(&right, &curves, !rivals.is_empty())
}

fn axes(chart: &mut Chart<'_, '_>, x: &str, y: &str) -> Drawn {
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(RGBColor(244, 244, 244))
        .bold_line_style(RGBColor(224, 224, 224))
        .axis_style(INK)
        .label_style(("sans-serif", 13))
        .draw()?;
    Ok(())
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
    chart.draw_series([Cross::new(at, 4, QUOTED.stroke_width(2))])?;
    if name != NNCODEC[0].name {
        let style = ("sans-serif", 11).into_font().color(&QUOTED);
        chart.draw_series([EmptyElement::at(at) + Text::new(name.to_owned(), (6, -5), style)])?;
    } else {
        chart.draw_series([Circle::new(at, 6, QUOTED.stroke_width(1))])?;
    }
    Ok(())
}

/// Colours told apart within a group by number.
fn style(group: Group, number: usize) -> ShapeStyle {
    const QUANTIZER: [RGBColor; 5] = [
        RGBColor(0, 90, 160),
        RGBColor(86, 180, 233),
        RGBColor(0, 130, 190),
        RGBColor(60, 60, 180),
        RGBColor(120, 120, 220),
    ];
    const TRANSFORM: [RGBColor; 5] = [
        RGBColor(0, 110, 60),
        RGBColor(90, 170, 60),
        RGBColor(0, 158, 115),
        RGBColor(150, 150, 0),
        RGBColor(110, 200, 160),
    ];
    const RDO: [RGBColor; 3] = [
        RGBColor(230, 159, 0),
        RGBColor(213, 94, 0),
        RGBColor(170, 60, 120),
    ];
    match group {
        Group::Uniform => RGBColor(120, 120, 120).stroke_width(2),
        Group::Quantizer => QUANTIZER[number % 5].stroke_width(1),
        Group::Transform => TRANSFORM[number % 5].stroke_width(1),
        Group::Rdo => RDO[number % 3].stroke_width(2),
    }
}

/// The names of the curves, beside the right plot.
fn legend(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    curves: &[&Curve],
    rivals: bool,
) -> Drawn {
    let text = ("sans-serif", 12).into_font().color(&INK);
    let mut entries: Vec<(String, ShapeStyle)> =
        vec![("Shannon limit".into(), INK.stroke_width(2))];
    for (i, curve) in curves.iter().enumerate() {
        let name = curve.name.replace("trellis 8, ", "8, ");
        entries.push((name, style(curve.group, i)));
    }
    for (i, (name, style)) in entries.iter().enumerate() {
        let y = 60 + 20 * i as i32;
        area.draw(&PathElement::new(vec![(474, y), (494, y)], *style))?;
        area.draw(&Text::new(name.clone(), (500, y - 6), text.clone()))?;
    }
    if rivals {
        let y = 60 + 20 * entries.len() as i32;
        area.draw(&Cross::new((484, y), 4, QUOTED.stroke_width(2)))?;
        area.draw(&Text::new(
            "other formats, quoted",
            (500, y - 6),
            text.clone(),
        ))?;
        area.draw(&Cross::new((484, y + 20), 4, QUOTED.stroke_width(2)))?;
        area.draw(&Circle::new((484, y + 20), 6, QUOTED.stroke_width(1)))?;
        area.draw(&Text::new("NNCodec 2.1, quoted", (500, y + 14), text))?;
    }
    Ok(())
}
