//! The time of a step by operation.

use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::canvas::{Area, BAND, BLUE, Drawn, INK, WIDTH, anchored, line, px, svg};
use crate::report::{
    figure::{Table, Words, figure},
    profile::StepsRecord,
    text::{number, time},
};

/// At most so many operations are drawn; the table has all of them.
const MOST_BARS: usize = 12;

const ROW: i32 = 22;

/// What is no operation.
const REST: &str = "synchronisation, rest";

/// A bar: name, time, and whether it is an operation.
struct Bar {
    name: String,
    ns: u64,
    is_operation: bool,
}

/// The chart of `steps`, which are those of the prefill or of decoding.
pub fn operations(steps: &StepsRecord, kind: &str, id: &str) -> Drawn<Markup> {
    let mut bars: Vec<Bar> = steps
        .ops
        .iter()
        .map(|op| Bar {
            name: host::plain::plain(&op.op, 24),
            ns: op.ns,
            is_operation: true,
        })
        .collect();
    bars.push(Bar {
        name: REST.into(),
        ns: steps.rest_ns,
        is_operation: false,
    });
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.ns));
    let shown = &bars[..bars.len().min(MOST_BARS)];
    let wall = steps.wall_ns.max(1) as f64;
    let share = |ns: u64| format!("{:.1} %", 100.0 * ns as f64 / wall);
    let title = match kind {
        "prefill" => "Prefill by operation",
        _ => "Decode by operation",
    };
    let largest = shown
        .iter()
        .take(3)
        .map(|bar| format!("{} {}", bar.name, share(bar.ns)));
    let largest: Vec<_> = largest.collect();
    let words = Words {
        id: id.to_owned(),
        title,
        text: format!(
            "A {kind} step took {} in a run of its own, in which every operation is timed; what takes \
             longest: {}.",
            time(wall / steps.steps.max(1) as f64),
            largest.join(", ")
        ),
    };
    let image = svg(id, 8 + ROW * shown.len() as i32, |area| {
        draw(area, shown, wall)
    })?;
    let per_step = |ns: u64| time(ns as f64 / steps.steps.max(1) as f64);
    let rate = |n: Option<u64>, ns: u64| match (n, ns) {
        (None | Some(0), _) | (_, 0) => "–".into(),
        (Some(n), ns) => number(n as f64 / ns as f64),
    };
    let mut rows: Vec<_> = steps
        .ops
        .iter()
        .map(|op| {
            let name = host::plain::plain(&op.op, 24);
            vec![
                name,
                per_step(op.ns),
                share(op.ns),
                rate(op.bytes, op.ns),
                rate(Some(op.macs), op.ns),
            ]
        })
        .collect();
    let none = || "–".to_owned();
    rows.push(vec![
        REST.into(),
        per_step(steps.rest_ns),
        share(steps.rest_ns),
        none(),
        none(),
    ]);
    let table = Table {
        columns: vec!["operation", "per step", "share", "GB/s", "GMAC/s"],
        rows,
    };
    Ok(figure(&words, &image, &table))
}

fn draw(area: &Area, bars: &[Bar], wall: f64) -> Drawn {
    let (start, end) = (px(158), px(WIDTH - 60));
    let longest = bars.first().map_or(1, |bar| bar.ns.max(1)) as f64;
    for (i, bar) in bars.iter().enumerate() {
        let top = px(4 + ROW * i as i32);
        let (bottom, middle) = (top + px(15), top + px(7));
        let right = start + (bar.ns as f64 / longest * f64::from(end - start)) as i32;
        let right = right.max(start + px(1));
        let name = anchored(INK, HPos::Right, VPos::Center);
        area.draw(&Text::new(bar.name.clone(), (start - px(6), middle), name))?;
        let corners = [(start, top), (right, bottom)];
        match bar.is_operation {
            true => area.draw(&Rectangle::new(corners, BLUE.filled()))?,
            false => {
                area.draw(&Rectangle::new(corners, BLUE.mix(BAND).filled()))?;
                area.draw(&Rectangle::new(corners, line(BLUE, 4)))?;
            }
        }
        let share = format!("{:.1} %", 100.0 * bar.ns as f64 / wall);
        let style = anchored(INK, HPos::Left, VPos::Center);
        area.draw(&Text::new(share, (right + px(5), middle), style))?;
    }
    Ok(())
}
