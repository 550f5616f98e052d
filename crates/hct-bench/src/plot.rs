//! What every plot shares: its ink, its axes, its file.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;

/// Where a plot, or a part of one, is drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Axes to draw on.
pub type Chart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;

/// Whether drawing went well.
pub type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// Axes, text, and the curve that others are held against.
pub const INK: RGBColor = RGBColor(40, 40, 40);
/// Formats that are not ours.
pub const RIVAL: RGBColor = RGBColor(190, 60, 50);
/// The font of captions.
pub const CAPTION: (&str, u32) = ("sans-serif", 17);

/// Curves of one document, told apart by colour in the order they come.
pub type Palette = &'static [RGBColor];

/// Strategies beside the curve of `rdo`.
pub const STRATEGIES: Palette = &[
    GREY,
    RGBColor(0, 110, 200),
    GREEN,
    PLUM,
    RGBColor(220, 90, 0),
    VIOLET,
    RGBColor(0, 160, 160),
    RGBColor(190, 150, 0),
];

/// Strategies of which models were run.
pub const QUALITIES: Palette = &[
    BLUE,
    GREY,
    GREEN,
    RGBColor(250, 150, 0),
    VIOLET,
    RGBColor(0, 170, 180),
    PLUM,
    RGBColor(140, 110, 0),
];

/// Blues and violets, greens, reds: the quantizers, the transforms, `rdo`.
pub const RECIPES: Palette = &[
    RGBColor(150, 200, 240),
    RGBColor(86, 160, 233),
    BLUE,
    RGBColor(120, 90, 220),
    RGBColor(70, 20, 120),
    RGBColor(170, 170, 0),
    RGBColor(120, 200, 60),
    GREEN,
    RGBColor(0, 190, 170),
    RGBColor(0, 100, 90),
    RGBColor(250, 170, 0),
    RGBColor(220, 60, 0),
    PLUM,
];

/// `uniform` among recipes.
pub const GREY: RGBColor = RGBColor(120, 120, 120);
const BLUE: RGBColor = RGBColor(0, 60, 200);
const GREEN: RGBColor = RGBColor(0, 150, 60);
const VIOLET: RGBColor = RGBColor(120, 60, 200);
const PLUM: RGBColor = RGBColor(150, 0, 60);

/// The colour of the curve of a number, over and over.
pub fn color(palette: Palette, number: usize) -> RGBColor {
    palette[number % palette.len()]
}

/// Text of a size and a colour.
pub fn text(size: u32, color: &RGBColor) -> TextStyle<'_> {
    ("sans-serif", size).into_font().color(color)
}

/// An SVG of `size`, with what `draw` draws of the model or corpus `key`.
pub fn svg(key: &str, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut out = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        let filled = root.fill(&WHITE).map_err(|e| Box::new(e) as _);
        filled
            .and_then(|()| draw(&root))
            .and_then(|()| Ok(root.present()?))
    };
    drawn.map_err(|e| anyhow!("cannot draw {key}: {e}"))?;
    Ok(out + "\n")
}

/// The axes of a chart and the lines across it; `y_label` writes the labels of the y axis.
pub fn axes<X, Y>(
    chart: &mut Chart<'_, '_, X, Y>,
    x: &str,
    y: Option<&str>,
    y_label: Option<&dyn Fn(&f64) -> String>,
) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(x)
        .light_line_style(RGBColor(244, 244, 244))
        .bold_line_style(RGBColor(224, 224, 224))
        .axis_style(INK)
        .label_style(("sans-serif", 13))
        .max_light_lines(1);
    if let Some(y) = y {
        mesh.y_desc(y);
    }
    if let Some(label) = &y_label {
        mesh.y_label_formatter(label);
    }
    mesh.draw()?;
    Ok(())
}
