//! The decode rates of receipts of one task, side by side.

use maud::Markup;
use plotters::{
    coord::{
        ranged1d::{BoldPoints, Ranged},
        types::RangedCoordf64,
    },
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::canvas::{
    Area, BLUE, Drawn, GRID, INK, ORANGE, Swatch, WIDTH, anchored, legend, line, px, range_of, svg,
};
use crate::report::{
    figure::{Table, Words, figure},
    proof,
    subject::Subject,
    text::{axis, number},
};

const ROW: i32 = 26;

/// Where the scale begins and ends, in CSS pixels.
const SCALE: (i32, i32) = (40, WIDTH - 66);

/// The rates of a receipt, in tokens per second.
struct Row<'s> {
    /// Its number on the page.
    number: usize,
    subject: &'s Subject,
    /// Of the 95th, the 50th and the 5th percentile of its steps.
    steps: [f64; 3],
    /// Of the median repetition.
    rate: f64,
}

/// The chart of these receipts, each with its number on the page. `None` where fewer than two have
/// decode steps.
pub fn intervals(subjects: &[(usize, &Subject)], id: &str) -> Drawn<Option<Markup>> {
    let rows = subjects.iter().filter_map(|&(number, subject)| {
        let steps = subject.steps()?;
        let rate = |p| 1e9 / (*steps.percentile(p)).max(1) as f64;
        Some(Row {
            number,
            subject,
            steps: [95, 50, 5].map(rate),
            rate: subject.receipt.decode_tokens_per_sec?,
        })
    });
    let rows: Vec<Row> = rows.collect();
    let (Some(fastest), Some(slowest)) = (by_rate(&rows, true), by_rate(&rows, false)) else {
        return Ok(None);
    };
    if rows.len() < 2 {
        return Ok(None);
    }
    let words = Words {
        id: id.to_owned(),
        title: "Decode rates side by side",
        text: format!(
            "Highest is receipt {} with {} tokens/s, lowest is receipt {} with {}. A ✓ stands for tokens \
             that were proved or audited here, a ? for those that were not. The bar reaches from \
             the 95th to the 5th percentile of the steps: where bars overlap, the difference may be \
             noise.",
            fastest.number,
            number(fastest.rate),
            slowest.number,
            number(slowest.rate)
        ),
    };
    let image = svg(id, 62 + ROW * rows.len() as i32, |area| draw(area, &rows))?;
    let cells = rows.iter().map(|row| {
        let mut cells = vec![format!("{} {}", row.number, row.subject.place)];
        cells.push(row.subject.setting());
        cells.push(number(row.rate));
        cells.extend(row.steps.map(number));
        cells
    });
    let table = Table {
        columns: vec![
            "receipt",
            "run",
            "tokens/s",
            "at p95 step",
            "at median step",
            "at p5 step",
        ],
        rows: cells.collect(),
    };
    Ok(Some(figure(&words, &image, &table)))
}

fn by_rate<'r, 's>(rows: &'r [Row<'s>], highest: bool) -> Option<&'r Row<'s>> {
    let compare = |a: &&Row, b: &&Row| a.rate.total_cmp(&b.rate);
    match highest {
        true => rows.iter().max_by(compare),
        false => rows.iter().min_by(compare),
    }
}

fn draw(area: &Area, rows: &[Row]) -> Drawn {
    let area = legend(
        area,
        &[
            (Swatch::Circle, ORANGE, "whole decode"),
            (Swatch::Line, BLUE, "steps, p95 to p5, with median"),
        ],
    )?;
    let values = rows
        .iter()
        .flat_map(|row| row.steps.into_iter().chain([row.rate]));
    let range = range_of(values, 0.05);
    let (start, end) = (px(SCALE.0), px(SCALE.1));
    let length = f64::from(end - start) / (range.end - range.start);
    let x = |rate: f64| start + ((rate - range.start) * length) as i32;
    let bottom = px(8 + ROW * rows.len() as i32);
    let ticks = RangedCoordf64::from(range.clone()).key_points(BoldPoints(4));
    for rate in ticks {
        let ends = [(x(rate), px(4)), (x(rate), bottom)];
        area.draw(&PathElement::new(ends, line(GRID, 3)))?;
        let style = anchored(INK, HPos::Center, VPos::Top);
        area.draw(&Text::new(axis(&rate), (x(rate), bottom + px(5)), style))?;
    }
    let name = anchored(INK, HPos::Center, VPos::Top);
    area.draw(&Text::new(
        "tokens/s",
        ((start + end) / 2, bottom + px(20)),
        name,
    ))?;
    for (i, row) in rows.iter().enumerate() {
        let y = px(8 + ROW * i as i32 + ROW / 2);
        let name = anchored(INK, HPos::Right, VPos::Center);
        let mark = proof::mark(row.subject.verdict.conclusion);
        area.draw(&Text::new(
            format!("{} {mark}", row.number),
            (start - px(10), y),
            name,
        ))?;
        let [low, median, high] = row.steps.map(x);
        area.draw(&PathElement::new([(low, y), (high, y)], line(BLUE, 10)))?;
        for (at, half) in [(low, 5), (median, 8), (high, 5)] {
            let ends = [(at, y - px(half)), (at, y + px(half))];
            area.draw(&PathElement::new(ends, line(BLUE, 8)))?;
        }
        area.draw(&Circle::new((x(row.rate), y), px(5), ORANGE.filled()))?;
        let value = anchored(INK, HPos::Left, VPos::Center);
        area.draw(&Text::new(number(row.rate), (end + px(8), y), value))?;
    }
    Ok(())
}
