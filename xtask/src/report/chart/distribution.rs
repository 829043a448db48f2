//! How the times of all steps are distributed.

use host::statistics::Sorted;
use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    axes::{Axis, linear},
    canvas::{Area, BLUE, Drawn, INK, anchored, line, svg},
    scale::Clipped,
};
use crate::report::{
    figure::{Table, Words, figure},
    subject::Subject,
    text::{counted, time, time_unit},
};

const BINS: usize = 36;

/// The percentiles that are marked.
const PERCENTILES: [u32; 4] = [5, 50, 95, 99];

/// The chart. `None` without decode steps.
pub fn distribution(subject: &Subject, id: &str) -> Drawn<Option<Markup>> {
    let Some(all) = subject.steps() else {
        return Ok(None);
    };
    let clipped = Clipped::of(&all);
    let [p5, p50, p95, p99] = PERCENTILES.map(|p| time(*all.percentile(p) as f64));
    let words = Words {
        id: id.to_owned(),
        title: "Distribution of step times",
        text: format!(
            "{} of all repetitions: 5 % took at most {p5}, half at most {p50}, 95 % at most {p95} and \
             99 % at most {p99}. {}",
            counted(all.samples().len() as u64, "step"),
            clipped.words()
        ),
    };
    let image = svg(id, 250, |area| draw(area, &all, &clipped))?;
    let shown = [0, 1, 5, 25, 50, 75, 95, 99, 100];
    let rows = shown.map(|p| vec![format!("p{p}"), time(*all.percentile(p) as f64)]);
    let table = Table {
        columns: vec!["percentile", "at most"],
        rows: rows.into(),
    };
    Ok(Some(figure(&words, &image, &table)))
}

/// How many times lie in each bin; those beyond the scale lie in the last one.
fn bins(all: &Sorted<u64>, range: &std::ops::Range<f64>, length: f64) -> [u64; BINS] {
    let mut counts = [0; BINS];
    for &ns in all.samples() {
        let share = (ns as f64 / length - range.start) / (range.end - range.start);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    counts
}

fn draw(area: &Area, all: &Sorted<u64>, clipped: &Clipped) -> Drawn {
    let (unit, length) = time_unit(clipped.most);
    let range = clipped.range(length);
    let counts = bins(all, &range, length);
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let name = match clipped.beyond() {
        0 => format!("{unit} per step"),
        _ => format!("{unit} per step; the last bar also has all longer ones"),
    };
    let width = (range.end - range.start) / BINS as f64;
    let start = range.start;
    let mut chart = linear(
        area,
        Axis { name: &name, range },
        // Room for the names of the percentiles.
        Axis {
            name: "steps",
            range: 0.0..highest * 1.35,
        },
    )?;
    let bars = counts.iter().enumerate().filter(|(_, n)| **n > 0);
    chart.draw_series(bars.map(|(i, &n)| {
        let left = start + i as f64 * width;
        Rectangle::new(
            [(left, 0.0), (left + width * 0.88, n as f64)],
            BLUE.filled(),
        )
    }))?;
    let mut taken = f64::NEG_INFINITY;
    for (percent, height) in PERCENTILES.into_iter().zip([1.08, 1.26, 1.08, 1.26]) {
        let x = (*all.percentile(percent) as f64).min(clipped.most) / length;
        let top = height * highest;
        chart.draw_series(LineSeries::new([(x, 0.0), (x, top)], line(INK, 4)))?;
        // Percentiles of equal times have one name.
        if x > taken {
            let style = anchored(INK, HPos::Center, VPos::Bottom);
            let same = |p: &u32| all.percentile(*p) == all.percentile(percent);
            let names = PERCENTILES.into_iter().filter(same);
            let mut names: Vec<_> = names.map(|p| format!("p{p}")).collect();
            if *all.percentile(percent) as f64 > clipped.most {
                names.push("→".into());
            }
            chart.draw_series([Text::new(names.join(" "), (x, top), style)])?;
            taken = x;
        }
    }
    Ok(())
}
