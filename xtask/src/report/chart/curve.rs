//! Rates of receipts over what they differ in: their date, or the length of their prompt.

use std::time::{SystemTime, UNIX_EPOCH};

use host::statistics::Sorted;
use maud::Markup;
use plotters::prelude::*;

use super::{
    axes::{builder, mesh},
    canvas::{Area, BLUE, Drawn, GREEN, ORANGE, PURPLE, Swatch, legend, line, range_of, svg},
};
use crate::report::{
    figure::{Table, Words, figure},
    subject::Subject,
    text::{axis, number},
};

/// Receipts that a line connects.
pub struct Series<'s> {
    /// What they have in common.
    pub name: String,
    /// The receipts, each with its number on the page.
    pub subjects: Vec<(usize, &'s Subject)>,
}

/// More series than colours and shapes are not told apart.
pub const MOST_SERIES: usize = 4;

const LOOKS: [(Swatch, RGBColor); MOST_SERIES] = [
    (Swatch::Circle, BLUE),
    (Swatch::Square, ORANGE),
    (Swatch::Line, GREEN),
    (Swatch::Band, PURPLE),
];

/// A point: the receipt's number on the page, x, and tokens per second.
type Point = (usize, f64, f64);

/// The decode rate over the date. `None` unless a series has two dates.
pub fn trend(series: &[Series], id: &str) -> Drawn<Option<Markup>> {
    let seconds = |subject: &Subject| {
        let created = humantime::parse_rfc3339(&subject.receipt.created).ok()?;
        Some(created.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
    };
    let lines = lines(series, &seconds);
    let times = lines
        .iter()
        .flat_map(|(_, points)| points.iter().map(|p| p.1));
    let length = range_of(times, 0.0);
    // The part of a date in which the receipts differ.
    let (name, part) = match length.end - length.start {
        ..600.0 => ("time, UTC", 11..19),
        ..172_800.0 => ("time, UTC", 11..16),
        _ => ("date", 0..10),
    };
    let date = move |x: &f64| date(*x, part.clone());
    let shown = Shown {
        id,
        title: "Decode rate over time",
        x_name: name,
        x_label: &date,
    };
    shown.chart(&lines, "From the oldest to the newest receipt of a task. ")
}

/// The decode rate over the number of tokens before the first decoded one. `None` unless a series has two of them.
pub fn depth(series: &[Series], id: &str) -> Drawn<Option<Markup>> {
    let lines = lines(series, &|subject| Some(subject.n_prompt() as f64));
    let shown = Shown {
        id,
        title: "Decode rate over depth",
        x_name: "tokens before the first decoded one",
        x_label: &axis,
    };
    shown.chart(
        &lines,
        "Each token is decoded with the keys and values of all before it. ",
    )
}

fn lines<'a>(
    series: &'a [Series],
    x: &dyn Fn(&Subject) -> Option<f64>,
) -> Vec<(&'a str, Vec<Point>)> {
    let lines = series.iter().map(|series| {
        let points = series.subjects.iter().filter_map(|&(number, subject)| {
            Some((number, x(subject)?, subject.receipt.decode_tokens_per_sec?))
        });
        let mut points: Vec<Point> = points.filter(|p| p.2.is_finite()).collect();
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        (&series.name[..], points)
    });
    let is_line = |points: &[Point]| points.first().map(|p| p.1) != points.last().map(|p| p.1);
    lines.filter(|(_, points)| is_line(points)).collect()
}

fn date(seconds: f64, part: std::ops::Range<usize>) -> String {
    let time: SystemTime = UNIX_EPOCH + std::time::Duration::from_secs_f64(seconds.max(0.0));
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.get(part).unwrap_or_default().to_owned()
}

/// For each x, in their order, the median rate.
fn medians(points: &[Point]) -> Vec<(f64, f64)> {
    let at_one_x = points.chunk_by(|a, b| a.1 == b.1);
    let medians = at_one_x.filter_map(|points| {
        let rates = Sorted::by(points.iter().map(|p| p.2), f64::total_cmp)?;
        Some((points[0].1, *rates.median()))
    });
    medians.collect()
}

/// How a chart is labelled.
struct Shown<'a> {
    id: &'a str,
    title: &'a str,
    x_name: &'a str,
    x_label: &'a dyn Fn(&f64) -> String,
}

impl Shown<'_> {
    fn chart(&self, lines: &[(&str, Vec<Point>)], intro: &str) -> Drawn<Option<Markup>> {
        if lines.is_empty() {
            return Ok(None);
        }
        let drawn = &lines[..lines.len().min(MOST_SERIES)];
        let mut text = intro.to_owned();
        for (name, points) in drawn {
            if let ([first, ..], [.., last]) = (&points[..], &points[..]) {
                let [from, to] = [first.2, last.2].map(number);
                text += &format!("{name}: from {from} to {to} tokens/s. ");
            }
        }
        if drawn.len() < lines.len() {
            text += "The table has the other series, too.";
        }
        let words = Words {
            id: self.id.to_owned(),
            title: self.title,
            text,
        };
        let image = svg(self.id, 250, |area| self.draw(area, drawn))?;
        let row = &|name: &str, point: &Point| {
            let (receipt, x, rate) = point;
            vec![
                format!("{receipt}: {name}"),
                (self.x_label)(x),
                number(*rate),
            ]
        };
        let rows = lines
            .iter()
            .flat_map(|(name, points)| points.iter().map(move |point| row(name, point)));
        let table = Table {
            columns: vec!["receipt", self.x_name, "tokens/s"],
            rows: rows.collect(),
        };
        Ok(Some(figure(&words, &image, &table)))
    }

    fn draw(&self, area: &Area, lines: &[(&str, Vec<Point>)]) -> Drawn {
        let entries = lines
            .iter()
            .zip(LOOKS)
            .map(|((name, _), (swatch, color))| (swatch, color, *name));
        let mut area = area.clone();
        // A row for each: names are long.
        for entry in entries {
            area = legend(&area, &[entry])?;
        }
        let points = || lines.iter().flat_map(|(_, points)| points);
        let x = range_of(points().map(|p| p.1), 0.04);
        let highest = points().map(|p| p.2).fold(0.0, f64::max);
        // A difference of a few per cent looks like one.
        let y = range_of(points().map(|p| p.2).chain([0.7 * highest, highest]), 0.1);
        let mut chart = builder(&area, "tokens/s")?.build_cartesian_2d(x, y)?;
        mesh(&mut chart, self.x_name, self.x_label, &axis)?;
        for ((_, points), (swatch, color)) in lines.iter().zip(LOOKS) {
            let places: Vec<(f64, f64)> = points.iter().map(|p| (p.1, p.2)).collect();
            chart.draw_series(LineSeries::new(medians(points), line(color, 6)))?;
            match swatch {
                Swatch::Square => chart.draw_series(places.into_iter().map(|at| {
                    EmptyElement::at(at) + Rectangle::new([(-14, -14), (14, 14)], color.filled())
                }))?,
                Swatch::Line => chart.draw_series(
                    places
                        .into_iter()
                        .map(|at| TriangleMarker::new(at, 20, color.filled())),
                )?,
                _ => chart.draw_series(
                    places
                        .into_iter()
                        .map(|at| Circle::new(at, 14, color.filled())),
                )?,
            };
        }
        Ok(())
    }
}
