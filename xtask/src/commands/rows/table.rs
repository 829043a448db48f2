//! Rows for people: a Markdown table.

use super::row::{Entry, Row, shown};
use crate::{
    markdown::{self, Align},
    units,
};

/// The rows of all entries. A few long steps spoil a mean, so the rate of the median step stands beside
/// it.
pub fn markdown(entries: &[&Entry]) -> String {
    let columns = [
        ("model", Align::Left),
        ("size", Align::Right),
        ("params", Align::Right),
        ("kernels", Align::Left),
        ("threads", Align::Right),
        ("test", Align::Left),
        ("tokens/s", Align::Right),
        ("by p50 step", Align::Right),
        ("replayed", Align::Left),
    ];
    let rows = entries.iter().flat_map(|entry| entry.rows());
    let rows: Vec<[String; 9]> = rows.map(|row| cells(&row)).collect();
    markdown::table(columns, &rows)
}

fn cells(row: &Row) -> [String; 9] {
    let (entry, receipt) = (row.entry, &row.entry.receipt);
    // A bar would begin another cell.
    let word = |text: &str| shown(text).replace('|', "/");
    let mut kernels = vec![entry.isa().to_owned()];
    kernels.extend(entry.packing.filter(|p| *p != "auto").map(str::to_owned));
    if receipt.run.kv_type != "f16" {
        kernels.push(format!("KV {}", word(&receipt.run.kv_type)));
    }
    let replayed = if entry.is_replayed() { "yes" } else { "no" };
    [
        word(&receipt.model.file_name),
        units::bytes(receipt.model.file_bytes),
        units::count(receipt.model.parameters),
        kernels.join(", "),
        receipt.run.threads.to_string(),
        row.label(),
        units::rates(&row.samples_ts()),
        units::rates(row.median_rate().as_slice()),
        replayed.to_owned(),
    ]
}
