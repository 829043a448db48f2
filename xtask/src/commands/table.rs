//! The tables that commands print: readable, and ready to paste into Markdown.

use std::{fmt::Write, path::Path};

use host::{
    noise::warnings,
    receipt::{ParityStatus, Receipt, milliseconds},
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
                entry.isa().to_owned(),
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
        ("kernels", Align::Left),
        ("threads", Align::Right),
        ("test", Align::Left),
        ("tokens/s", Align::Right),
    ];
    let mut text = markdown::table(columns, &rows);
    let parity = &receipt.parity;
    let tokens = match parity.status {
        ParityStatus::Passed => format!(
            "proved by a replay, bit for bit ({} positions)",
            parity.positions_compared
        ),
        ParityStatus::Consistent => consistent(receipt),
        ParityStatus::NotChecked => "not replayed (--parity off)".into(),
    };
    let _ = write!(
        text,
        "\n{}tokens:   {tokens}\n\
         checksum: {}\n\
         both:     {} tokens/s, prefill and decode ({} ms, median of {})\n\
         load:     {:.2} s, with {} of weights arranged for decoding\n\
         {}receipt:  {}\n",
        headline(receipt),
        parity.checksum,
        receipt.tokens_per_sec,
        receipt.timing_ms,
        units::counted(run.repetitions, "run"),
        receipt.samples.load_ns as f64 / 1e9,
        units::bytes(figures.arranged_bytes),
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
    text
}

/// How the tokens of another engine agree with the reference.
fn consistent(receipt: &Receipt) -> String {
    let Some(found) = receipt.parity.judgement else {
        return "consistent".into();
    };
    format!(
        "consistent with a replay: {} of {} are the reference's choice, {} tied within {} spreads",
        found.exact,
        found.exact + found.tied,
        found.tied,
        found.tolerance
    )
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
