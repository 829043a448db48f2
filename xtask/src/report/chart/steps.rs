//! The time of each step over its position.

use host::statistics::Sorted;
use maud::Markup;
use plotters::prelude::*;

use super::{
    axes::{Axis, linear},
    canvas::{BAND, BLUE, Drawn, ORANGE, Swatch, legend, line, range_of, svg},
    scale::Clipped,
};
use crate::report::{
    figure::{Table, Words, figure},
    subject::Subject,
    text::{change, counted, time, time_unit},
};

/// More positions than this share a point of the line.
const MOST_POINTS: usize = 240;

/// So many spans show the trend: steps get longer with the keys and values that they read.
const SPANS: usize = 8;

/// Neighbouring positions, in all repetitions.
struct Span {
    first: usize,
    last: usize,
    times: Sorted<u64>,
}

impl Span {
    fn middle(&self) -> f64 {
        (self.first + self.last) as f64 / 2.0
    }
}

/// The chart. `None` without decode steps.
pub fn steps(subject: &Subject, id: &str) -> Drawn<Option<Markup>> {
    let Some(all) = subject.steps() else {
        return Ok(None);
    };
    let points = spans(subject, MOST_POINTS);
    let trend = spans(subject, SPANS);
    let clipped = Clipped::of(&all);
    let words = words(subject, id, &trend, &clipped);
    let image = svg(id, 270, |area| draw(area, &points, &trend, &clipped))?;
    Ok(Some(figure(&words, &image, &table(&trend))))
}

/// The positions in at most `most` spans of about the same length.
fn spans(subject: &Subject, most: usize) -> Vec<Span> {
    let repetitions = &subject.receipt.samples.decode_ns;
    let n_steps = repetitions.iter().map(Vec::len).max().unwrap_or(0);
    let n_spans = n_steps.min(most);
    let spans = (0..n_spans).filter_map(|i| {
        let steps = i * n_steps / n_spans..(i + 1) * n_steps / n_spans;
        let times = repetitions
            .iter()
            .flat_map(|r| r.get(steps.clone()).unwrap_or_default());
        Some(Span {
            first: subject.n_prompt() + steps.start,
            last: subject.n_prompt() + steps.end - 1,
            times: Sorted::of(times.copied())?,
        })
    });
    spans.collect()
}

fn words<'a>(subject: &Subject, id: &str, trend: &[Span], clipped: &Clipped) -> Words<'a> {
    let mut text = format!(
        "Each of the {} of {}. ",
        counted(subject.receipt.run.tokens.saturating_sub(1), "decode step"),
        match subject.receipt.samples.decode_ns.len() {
            1 => "the only repetition".to_owned(),
            n => format!("{n} repetitions"),
        }
    );
    if let [first, .., last] = trend {
        let (from, to) = (*first.times.median(), *last.times.median());
        text += &format!(
            "From the first span to the last one, the median step goes from {} to {} ({}). ",
            time(from as f64),
            time(to as f64),
            change(from as f64, to as f64)
        );
    }
    text += &clipped.words();
    Words {
        id: id.to_owned(),
        title: "Time of a step over its position",
        text,
    }
}

fn draw(area: &super::canvas::Area, points: &[Span], trend: &[Span], clipped: &Clipped) -> Drawn {
    let area = legend(
        area,
        &[
            (Swatch::Line, BLUE, "median"),
            (Swatch::Band, BLUE, "p5 to p95"),
            (Swatch::Square, ORANGE, "median of an eighth"),
        ],
    )?;
    let (unit, length) = time_unit(clipped.most);
    let at = |ns: u64| (ns as f64).min(clipped.most) / length;
    let ends = [points.first(), points.last()];
    let x = ends
        .into_iter()
        .flatten()
        .flat_map(|s| [s.first as f64, s.last as f64]);
    let y_name = format!("{unit} per step");
    let mut chart = linear(
        &area,
        Axis {
            name: "position",
            range: range_of(x, 0.0),
        },
        Axis {
            name: &y_name,
            range: clipped.range(length),
        },
    )?;
    let upper = points
        .iter()
        .map(|s| (s.middle(), at(*s.times.percentile(95))));
    let lower = points
        .iter()
        .rev()
        .map(|s| (s.middle(), at(*s.times.percentile(5))));
    let outline: Vec<_> = upper.chain(lower).collect();
    chart.draw_series([Polygon::new(outline, BLUE.mix(BAND))])?;
    let median = points.iter().map(|s| (s.middle(), at(*s.times.median())));
    chart.draw_series(LineSeries::new(median, line(BLUE, 6)))?;
    let medians: Vec<_> = trend
        .iter()
        .map(|s| (s.middle(), at(*s.times.median())))
        .collect();
    chart.draw_series(LineSeries::new(medians.iter().copied(), line(ORANGE, 6)))?;
    let square =
        |at| EmptyElement::at(at) + Rectangle::new([(-12, -12), (12, 12)], ORANGE.filled());
    chart.draw_series(medians.into_iter().map(square))?;
    Ok(())
}

fn table(trend: &[Span]) -> Table<'static> {
    let row = |s: &Span| {
        let mut row = vec![format!("{}–{}", s.first, s.last)];
        row.push(s.times.samples().len().to_string());
        let shown = [0, 5, 50, 95, 100].map(|p| time(*s.times.percentile(p) as f64));
        row.extend(shown);
        row
    };
    Table {
        columns: vec![
            "positions",
            "steps",
            "shortest",
            "p5",
            "median",
            "p95",
            "longest",
        ],
        rows: trend.iter().map(row).collect(),
    }
}
