//! Prefill and decode of each repetition.

use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::canvas::{
    Area, BAND, BLUE, Drawn, INK, Swatch, WIDTH, anchored, label, legend, line, px, svg,
};
use crate::report::{
    figure::{Table, Words, figure},
    subject::{Subject, sum},
    text::{number, time},
};

/// At most so many repetitions are drawn; the table has all of them.
const MOST_BARS: usize = 12;

/// Height of a row in CSS pixels.
const ROW: i32 = 24;

/// Where bars begin and end, in CSS pixels.
const BARS: (i32, i32) = (44, WIDTH - 72);

/// The chart. `None` without repetitions.
pub fn phases(subject: &Subject, id: &str) -> Drawn<Option<Markup>> {
    let samples = &subject.receipt.samples;
    let decode = samples.decode_ns.iter().map(|steps| sum(steps));
    let prefill = samples.prefill_ns.iter().map(|&ns| u128::from(ns));
    let bars: Vec<(u128, u128)> = prefill.zip(decode).collect();
    if bars.is_empty() {
        return Ok(None);
    }
    let shown = &bars[..bars.len().min(MOST_BARS)];
    let height = 34 + ROW * shown.len() as i32;
    let claim = &subject.receipt;
    let mut text = format!(
        "In the median repetition, the prompt was read at {} tokens/s",
        number(claim.prefill_tokens_per_sec)
    );
    if let Some(rate) = claim.decode_tokens_per_sec {
        text += &format!(", and tokens were decoded at {} tokens/s", number(rate));
    }
    if let Some(load) = claim.samples.load() {
        text += &format!(". Loading the model took {}", time(load as f64));
    }
    text += match shown.len() == bars.len() {
        true => ".",
        false => ". Only the first repetitions are drawn.",
    };
    let words = Words {
        id: id.to_owned(),
        title: "Prefill and decode of each repetition",
        text,
    };
    let image = svg(id, height, |area| draw(area, shown))?;
    let rates = subject.rates();
    let rows = bars
        .iter()
        .zip(rates)
        .enumerate()
        .map(|(i, ((prefill, decode), rates))| {
            let rate = rates.decode.map_or_else(|| "–".into(), number);
            let times = [time(*prefill as f64), time(*decode as f64)];
            let [prefill, decode] = times;
            vec![
                (i + 1).to_string(),
                prefill,
                number(rates.prefill),
                decode,
                rate,
            ]
        });
    let table = Table {
        columns: vec!["repetition", "prefill", "tokens/s", "decode", "tokens/s"],
        rows: rows.collect(),
    };
    Ok(Some(figure(&words, &image, &table)))
}

fn draw(area: &Area, bars: &[(u128, u128)]) -> Drawn {
    let area = legend(
        area,
        &[
            (Swatch::Block, BLUE, "prefill"),
            (Swatch::Band, BLUE, "decode, lighter"),
        ],
    )?;
    let longest = bars.iter().map(|(prefill, decode)| prefill + decode).max();
    let longest = longest.unwrap_or(0).max(1) as f64;
    let (start, end) = (px(BARS.0), px(BARS.1));
    let x = |ns: u128| start + (ns as f64 / longest * f64::from(end - start)) as i32;
    for (i, &(prefill, decode)) in bars.iter().enumerate() {
        let top = px(6 + ROW * i as i32);
        let (bottom, middle) = (top + px(16), top + px(8));
        let split = x(prefill).max(start + px(1));
        let total = x(prefill + decode).max(split);
        let name = anchored(INK, HPos::Right, VPos::Center);
        area.draw(&Text::new(
            format!("{}", i + 1),
            (start - px(8), middle),
            name,
        ))?;
        area.draw(&Rectangle::new(
            [(start, top), (split, bottom)],
            BLUE.filled(),
        ))?;
        area.draw(&Rectangle::new(
            [(split, top), (total, bottom)],
            BLUE.mix(BAND).filled(),
        ))?;
        area.draw(&Rectangle::new(
            [(start, top), (total, bottom)],
            line(BLUE, 4),
        ))?;
        let at = (total + px(6), middle);
        let style = label(INK).pos(plotters::style::text_anchor::Pos::new(
            HPos::Left,
            VPos::Center,
        ));
        area.draw(&Text::new(time((prefill + decode) as f64), at, style))?;
    }
    Ok(())
}
