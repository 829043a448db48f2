//! The axes of charts with two scales.

use std::ops::Range;

use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{
        cartesian::Cartesian2d,
        ranged1d::{Ranged, ValueFormatter},
        types::RangedCoordf64,
    },
    prelude::*,
};

use super::canvas::{Area, Drawn, GRID, INK, MUTED, label, line, px};
use crate::report::text;

/// A chart with two linear scales.
pub type Linear<'a, 'b> =
    ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// How an axis is labelled.
pub struct Axis<'a> {
    /// What it shows, with the unit.
    pub name: &'a str,
    /// From where to where.
    pub range: Range<f64>,
}

/// Linear scales with a grid. The name of the vertical one stands above it.
pub fn linear<'a, 'b>(area: &'b Area<'a>, x: Axis, y: Axis) -> Drawn<Linear<'a, 'b>> {
    let mut chart = builder(area, y.name)?.build_cartesian_2d(x.range, y.range)?;
    mesh(&mut chart, x.name, &text::axis, &text::axis)?;
    Ok(chart)
}

/// Room for the labels; `y_name` above them.
pub fn builder<'a, 'b>(
    area: &'b Area<'a>,
    y_name: &str,
) -> Drawn<ChartBuilder<'b, 'b, SVGBackend<'a>>> {
    area.draw(&Text::new(y_name.to_owned(), (px(6), px(2)), label(MUTED)))?;
    let mut builder = ChartBuilder::on(area);
    builder
        .margin_top(px(22))
        .margin_right(px(22))
        .margin_left(px(4))
        .x_label_area_size(px(38))
        .y_label_area_size(px(50));
    Ok(builder)
}

/// A quiet grid, ticks and labels.
pub fn mesh<'a, X, Y>(
    chart: &mut ChartContext<'_, SVGBackend<'a>, Cartesian2d<X, Y>>,
    x_name: &str,
    x_label: &dyn Fn(&f64) -> String,
    y_label: &dyn Fn(&f64) -> String,
) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(line(GRID, 3))
        .axis_style(line(MUTED, 4))
        .label_style(label(INK))
        .axis_desc_style(label(MUTED))
        .x_desc(x_name)
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .set_all_tick_mark_size(px(3))
        .draw()
}
