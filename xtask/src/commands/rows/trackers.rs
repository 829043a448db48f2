//! Rows as programs read them that keep rates over time.

use host::statistics::Mean;
use serde_json::{Map, Value, json};

use super::{
    line::Line,
    row::{Row, shown},
};
use crate::units::counted;

/// For github-action-benchmark: an array, its tool `customBiggerIsBetter`.
pub fn github_action_benchmark(lines: &[Line]) -> String {
    let measured = |row: &Row| {
        let Mean { mean, deviation } = Mean::of(&row.samples_ts())?;
        let receipt = &row.entry.receipt;
        Some(json!({
            "name": name(row),
            "unit": "tokens/s",
            "value": mean,
            "range": deviation.map_or(String::new(), |deviation| format!("± {deviation:.3}")),
            "extra": format!("checksum {}\ncpu {}", receipt.parity.checksum, shown(&receipt.host.cpu_model)),
        }))
    };
    let rows = lines.iter().flat_map(|line| line.rows());
    text(&rows.filter_map(|row| measured(&row)).collect())
}

/// For Bencher: an object with a measure of each benchmark, whose bounds are its samples' own.
pub fn bencher(lines: &[Line]) -> String {
    let measured = |row: &Row| {
        let rates = row.samples_ts();
        let mean = Mean::of(&rates)?.mean;
        let low = rates.iter().copied().fold(mean, f64::min);
        let high = rates.iter().copied().fold(mean, f64::max);
        let throughput = json!({ "value": mean, "lower_value": low, "upper_value": high });
        Some((name(row), json!({ "throughput": throughput })))
    };
    let rows = lines.iter().flat_map(|line| line.rows());
    let measures: Map<String, Value> = rows.filter_map(|row| measured(&row)).collect();
    text(&Value::Object(measures))
}

/// What stays the same from one commit to the next: model, test, kernels or engine, threads.
fn name(row: &Row) -> String {
    let receipt = &row.entry.receipt;
    format!(
        "{} {} {} {}",
        shown(&receipt.model.file_name),
        row.label(),
        row.entry.runs_on(),
        counted(receipt.run.threads, "thread")
    )
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}
