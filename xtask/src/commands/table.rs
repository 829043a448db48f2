//! The tables that commands print: readable, and ready to paste into Markdown.

use std::{fmt::Write, path::Path};

use engine_native::{Isa, KernelName};
use host::{
    receipt::{ParityStatus, Receipt, per_second},
    statistics::Mean,
};

use crate::{
    commands::figures::Figures,
    markdown::{self, Align},
    units,
};

/// A benchmark's result.
pub fn benchmark(receipt: &Receipt, figures: &Figures, path: &Path) -> String {
    let run = &receipt.run;
    let decode_tokens = run.tokens - 1;
    let row = |test: String, rates: Vec<f64>| {
        // An ISA builds on those before it.
        let isas = receipt
            .kernels
            .iter()
            .filter_map(|k| KernelName::parse_id(k));
        let isa = isas.map(|(_, isa)| isa).max();
        [
            receipt.model.file_name.clone(),
            units::bytes(receipt.model.file_bytes),
            units::count(receipt.model.parameters),
            isa.map_or("?", Isa::option_name).to_owned(),
            run.threads.to_string(),
            test,
            mean_and_deviation(&rates),
        ]
    };
    let prompt = format!("pp{}", run.prompt_ids.len());
    let mut rows = vec![row(prompt, prefill_rates(receipt))];
    if decode_tokens > 0 {
        rows.push(row(format!("tg{}", run.tokens), decode_rates(receipt)));
    }
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
        ParityStatus::NotChecked => "not replayed (--parity off)".into(),
    };
    let _ = write!(
        text,
        "\ntokens:   {tokens}\n\
         checksum: {}\n\
         speed:    {} tokens/s, prefill and decode, median of {} ({} ms)\n\
         load:     {:.2} s, with {} of weights arranged for decoding\n\
         {}receipt:  {}\n",
        parity.checksum,
        receipt.tokens_per_sec,
        counted(run.repetitions, "run"),
        receipt.timing_ms,
        receipt.samples.load_ns as f64 / 1e9,
        units::bytes(figures.arranged_bytes),
        memory(receipt, figures),
        path.display()
    );
    text
}

/// What decoding reads, how fast, and how fast it could be read. A line, or none without a decode.
fn memory(receipt: &Receipt, figures: &Figures) -> String {
    let (Some(bytes), Some(rate)) = (figures.bytes_per_token, receipt.decode_tokens_per_sec) else {
        return String::new();
    };
    let bandwidth = bytes * rate;
    let bound = match figures.read_bandwidth {
        Some(limit) => format!(
            "{:.0} % of the {:.1} GB/s that {} can read",
            100.0 * bandwidth / limit,
            limit / 1e9,
            counted(receipt.run.threads, "thread")
        ),
        None => "from cache".into(),
    };
    format!(
        "memory:   {} a decoded token, {:.1} GB/s, {bound}\n",
        units::bytes(bytes as u64),
        bandwidth / 1e9
    )
}

fn prefill_rates(receipt: &Receipt) -> Vec<f64> {
    let n = receipt.run.prompt_ids.len() as u64;
    let samples = receipt.samples.prefill_ns.iter();
    samples.filter_map(|&ns| per_second(n, ns)).collect()
}

fn decode_rates(receipt: &Receipt) -> Vec<f64> {
    let samples = receipt.samples.decode_ns.iter();
    samples
        .filter_map(|steps| per_second(steps.len() as u64, steps.iter().sum()))
        .collect()
}

/// Mean ± sample standard deviation.
fn mean_and_deviation(rates: &[f64]) -> String {
    let Some(Mean { mean, deviation }) = Mean::of(rates) else {
        return String::new();
    };
    // A table of usual rates fits into 80 columns.
    let decimals = match mean {
        1000.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    match deviation {
        None => format!("{mean:.decimals$}"),
        Some(deviation) => format!("{mean:.decimals$} ± {deviation:.decimals$}"),
    }
}

/// A number and what it counts: `1 run`, `2 runs`.
fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}
