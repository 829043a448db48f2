//! Rows for people: a Markdown table.

use host::receipt::milliseconds;

use super::{
    line::Line,
    row::{Row, Test, shown},
    without::WithoutNumber,
};
use crate::{
    markdown::{self, Align},
    units,
};

/// The rows of all lines. A few long steps spoil a mean, so the rate of the median step stands beside it.
/// Where another engine was measured, its name stands there, too, with the time to the first token and the
/// rates by its own clock.
pub fn markdown(lines: &[Line]) -> String {
    let columns = [
        ("model", Align::Left),
        ("size", Align::Right),
        ("params", Align::Right),
        ("kernels", Align::Left),
        ("threads", Align::Right),
        ("test", Align::Left),
        ("tokens/s", Align::Right),
        ("by p50 step", Align::Right),
        ("tokens", Align::Left),
    ];
    if lines.iter().any(|line| line.is_of_another()) {
        return of_engines(lines);
    }
    let rows = lines.iter().flat_map(|line| line.rows());
    let rows: Vec<[String; 9]> = rows.map(|row| cells(&row)).collect();
    markdown::table(columns, &rows)
}

fn of_engines(lines: &[Line]) -> String {
    let columns = [
        ("model", Align::Left),
        ("engine", Align::Left),
        ("kernels", Align::Left),
        ("threads", Align::Right),
        ("test", Align::Left),
        ("tokens/s", Align::Right),
        ("by p50 step", Align::Right),
        ("by its own clock", Align::Right),
        ("first token, ms", Align::Right),
        ("tokens", Align::Left),
    ];
    let of = |line: &Line| match line {
        Line::Entry(entry) => entry.rows().iter().map(of_engine).collect(),
        Line::Without(without) => vec![of_without(without)],
    };
    let rows: Vec<[String; 10]> = lines.iter().flat_map(of).collect();
    markdown::table(columns, &rows)
}

/// A bar would begin another cell.
fn word(text: &str) -> String {
    shown(text).replace('|', "/")
}

fn cells(row: &Row) -> [String; 9] {
    let (entry, receipt) = (row.entry, &row.entry.receipt);
    [
        word(&receipt.model.file_name),
        units::bytes(receipt.model.file_bytes),
        units::count(receipt.model.parameters),
        kernels(row),
        receipt.run.threads.to_string(),
        row.label(),
        units::rates(&row.samples_ts()),
        units::rates(row.median_rate().as_slice()),
        entry.verdict(),
    ]
}

fn of_engine(row: &Row) -> [String; 10] {
    let (entry, receipt) = (row.entry, &row.entry.receipt);
    let first = match (row.test, &receipt.figures) {
        (Test::Prefill, Some(figures)) => milliseconds(figures.time_to_first_token_ns).to_string(),
        _ => String::new(),
    };
    [
        word(&receipt.model.file_name),
        word(&entry.engine()),
        kernels(row),
        receipt.run.threads.to_string(),
        row.label(),
        units::rates(&row.samples_ts()),
        units::rates(row.median_rate().as_slice()),
        units::rates(row.reported_rate().as_slice()),
        first,
        entry.verdict(),
    ]
}

/// No number, and why.
fn of_without(without: &WithoutNumber) -> [String; 10] {
    [
        word(&without.model),
        word(&without.engine),
        String::new(),
        without.threads.to_string(),
        without.label(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        without.why.replace('|', "/"),
    ]
}

/// The kernels of our engine, and what else was asked of it. Of another one only the KV type is known, with
/// which the reference replayed it.
fn kernels(row: &Row) -> String {
    let entry = row.entry;
    let mut kernels = Vec::new();
    if !entry.receipt.is_external() {
        kernels.push(entry.isa().to_owned());
        kernels.extend(entry.packing.filter(|p| *p != "auto").map(str::to_owned));
    }
    let kv_type = &entry.receipt.run.kv_type;
    if kv_type != "f16" {
        kernels.push(format!("KV {}", word(kv_type)));
    }
    kernels.join(", ")
}
