//! The tables that commands print: readable, and ready to paste into Markdown.

use std::{fmt::Write, path::Path};

use host::{
    judge::shown,
    noise::warnings,
    plain::plain,
    receipt::{ParityStatus, Receipt, milliseconds},
    statistics::Mean,
};

use crate::{
    commands::{figures::Figures, rows::Entry},
    markdown::{self, Align},
    units,
};

/// A benchmark's result.
pub fn benchmark(entry: &Entry, figures: &Figures, path: &Path) -> String {
    let receipt = &entry.receipt;
    let run = &receipt.run;
    let rows: Vec<_> = entry
        .rows()
        .iter()
        .map(|row| {
            [
                receipt.model.file_name.clone(),
                units::bytes(receipt.model.file_bytes),
                units::count(receipt.model.parameters),
                entry.runs_on(),
                run.threads.to_string(),
                row.label(),
                units::rates(&row.samples_ts()),
            ]
        })
        .collect();
    let columns = [
        ("model", Align::Left),
        ("size", Align::Right),
        ("params", Align::Right),
        (
            if receipt.is_external() {
                "engine"
            } else {
                "kernels"
            },
            Align::Left,
        ),
        ("threads", Align::Right),
        ("test", Align::Left),
        ("tokens/s", Align::Right),
    ];
    let mut text = markdown::table(columns, &rows);
    let parity = &receipt.parity;
    let _ = write!(
        text,
        "\n{}{}tokens:   {}\n\
         checksum: {}\n\
         both:     {} tokens/s, prefill and decode ({} ms, median of {})\n\
         {}{}receipt:  {}\n",
        headline(receipt),
        engine(entry),
        tokens(receipt),
        parity.checksum,
        receipt.tokens_per_sec,
        receipt.timing_ms,
        units::counted(run.repetitions, "run"),
        load(receipt, figures),
        memory(receipt, figures),
        path.display()
    );
    for warning in warnings(receipt) {
        let _ = writeln!(
            text,
            "warning:  {}:\n          {}",
            warning.found, warning.advice
        );
    }
    for note in &figures.notes {
        let _ = writeln!(text, "note:     {note}");
    }
    text
}

/// How it is known that the tokens are right.
fn tokens(receipt: &Receipt) -> String {
    let parity = &receipt.parity;
    let judged = parity.judgement.map(|judgement| {
        format!(
            "consistent with a replay: {} are the reference's choice, {} tied within {} standard deviations",
            judgement.exact, judgement.tied, shown(judgement.tolerance)
        )
    });
    match parity.status {
        ParityStatus::Passed => format!(
            "proved by a replay, bit for bit ({} positions)",
            parity.positions_compared
        ),
        ParityStatus::Consistent => judged.unwrap_or_else(|| "consistent with a replay".into()),
        ParityStatus::NotChecked => "not replayed (--parity off)".into(),
    }
}

/// Who another engine is, and its own times beside ours. Two lines, or none of our engine.
fn engine(entry: &Entry) -> String {
    let Some(engine) = &entry.receipt.engine else {
        return String::new();
    };
    let plain = |text: &str| plain(text, 300);
    let version = engine
        .version
        .as_deref()
        .map(|version| format!(" {}", plain(version)));
    let (name, version) = (plain(&engine.name), version.unwrap_or_default());
    let mut text = format!("engine:   {name}{version}, {}\n", plain(&engine.command));
    if let Some([prompt, decode]) = entry.reported_ms() {
        let by_us = &entry.receipt.samples;
        let mean = |ns: &mut dyn Iterator<Item = u64>| {
            let ms: Vec<f64> = ns.map(|ns| ns as f64 / 1e6).collect();
            Mean::of(&ms).map_or(0.0, |mean| mean.mean)
        };
        let prefill = mean(&mut by_us.prefill_ns.iter().copied());
        let steps = mean(&mut by_us.decode_ns.iter().map(|steps| steps.iter().sum()));
        let _ = writeln!(
            text,
            "clocks:   by its own {prompt:.1} ms for the prompt and {decode:.1} ms for the steps, by ours \
             {prefill:.1} and {steps:.1} ms (means)"
        );
    }
    text
}

/// How long it took until the engine was ready. Nobody knows it of one that was running already.
fn load(receipt: &Receipt, figures: &Figures) -> String {
    let Some(ns) = receipt.samples.load() else {
        return String::new();
    };
    let seconds = ns as f64 / 1e9;
    match receipt.is_external() {
        false => format!(
            "load:     {seconds:.2} s, with {} of weights arranged for decoding\n",
            units::bytes(figures.arranged_bytes)
        ),
        true => format!("load:     {seconds:.2} s until the engine was ready\n"),
    }
}

/// The figures that people compare: how long until the first token, and how fast the next ones come.
fn headline(receipt: &Receipt) -> String {
    let Some(figures) = &receipt.figures else {
        return String::new();
    };
    let mut text = String::new();
    if let (Some(mean), Some(p50), Some(p5), Some(steps)) = (
        receipt.decode_tokens_per_sec,
        figures.decode_tokens_per_sec_p50,
        figures.decode_tokens_per_sec_p5,
        figures.decode_step_ns,
    ) {
        let [p5_ms, p50_ms, p95_ms, p99_ms] =
            [steps.p5, steps.p50, steps.p95, steps.p99].map(milliseconds);
        let [mean, p50, p5] = [mean, p50, p5].map(rate);
        let _ = write!(
            text,
            "decode:   {mean} tokens/s ({p50} by the median step, {p5} by the 5th percentile)\n\
             step:     {p50_ms} ms (p5 {p5_ms}, p95 {p95_ms}, p99 {p99_ms})\n"
        );
    }
    let first = milliseconds(figures.time_to_first_token_ns);
    let _ = writeln!(text, "first:    {first} ms to the first token");
    text
}

/// What decoding reads, how fast, and how fast it could be read. A line, or none without a decode.
fn memory(receipt: &Receipt, figures: &Figures) -> String {
    let (Some(bytes), Some(rate)) = (figures.bytes_per_token, receipt.decode_tokens_per_sec) else {
        return String::new();
    };
    let bandwidth = bytes * rate;
    let limit = receipt.evidence.as_ref().and_then(|e| e.read_bandwidth);
    let bound = match limit.map(|limit| limit as f64) {
        Some(limit) => format!(
            "{:.0} % of the {:.1} GB/s that {} can read",
            100.0 * bandwidth / limit,
            limit / 1e9,
            units::counted(receipt.run.threads, "thread")
        ),
        None => "from cache".into(),
    };
    format!(
        "memory:   {} a decoded token, {:.1} GB/s, {bound}\n",
        units::bytes(bytes as u64),
        bandwidth / 1e9
    )
}

fn rate(rate: f64) -> String {
    units::rates(&[rate])
}
