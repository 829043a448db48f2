//! The columns of a board, for programs. `ci/LEADERBOARD.md` describes them.

use host::plain::plain;
use serde_json::{Map, Value};

use super::row::Row;
use crate::verdicts::ReadClaim;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// UTF-8.
    Text(Option<String>),
    /// A whole number.
    Integer(Option<u64>),
    /// A double.
    Number(Option<f64>),
}

/// A column: its name, and the cell of a row. All cells of a column are of one kind.
pub type Column = (&'static str, fn(&Row) -> Cell);

/// Every column, in the order of the file.
pub const COLUMNS: [Column; 28] = [
    ("rank", |row| Cell::Integer(row.rank)),
    ("conclusion", |row| text(row.verdict.conclusion.as_str())),
    ("replayed", |row| text(row.verdict.replayed.as_str())),
    ("merged_from", |row| {
        Cell::Integer(row.verdict.merged_from.map(|n| n as u64))
    }),
    ("place", |row| text(&row.place)),
    ("receipt_sha256", |row| {
        Cell::Text(row.receipt().map(|r| r.receipt_sha256.to_string()))
    }),
    ("model_sha256", |row| {
        Cell::Text(row.receipt().map(|r| r.model.sha256.to_string()))
    }),
    ("model_file_name", |row| {
        Cell::Text(row.receipt().map(|r| r.model.file_name.clone()))
    }),
    ("model_parameters", |row| {
        Cell::Integer(row.receipt().map(|r| r.model.parameters))
    }),
    ("i2s_layout", |row| {
        Cell::Text(row.receipt().and_then(|r| r.model.i2s_layout.clone()))
    }),
    ("cpu", |row| of_claim(row, |c| c.cpu.clone())),
    ("os", |row| of_claim(row, |c| c.os.clone())),
    ("kernels", |row| of_claim(row, |c| c.isas.join("+"))),
    ("engine", |row| {
        let engine = row.receipt().and_then(|r| r.engine.as_ref());
        Cell::Text(engine.map(|engine| plain(&engine.name, 120)))
    }),
    ("threads", |row| {
        Cell::Integer(row.receipt().map(|r| r.claimed.threads))
    }),
    ("kv_type", |row| of_claim(row, |c| c.kv_type.clone())),
    ("prompt", |row| {
        Cell::Text(row.receipt().map(|r| r.prompt.clone()))
    }),
    ("prompt_tokens", |row| {
        Cell::Integer(row.receipt().map(|r| r.prompt_tokens))
    }),
    ("tokens", |row| {
        Cell::Integer(row.receipt().map(|r| r.tokens))
    }),
    ("decode_tokens_per_sec", |row| {
        let rate = row.receipt().map(|r| r.claimed.decode_tokens_per_sec);
        Cell::Number(rate.flatten())
    }),
    ("prefill_tokens_per_sec", |row| {
        Cell::Number(row.receipt().and_then(|r| r.claimed.prefill_tokens_per_sec))
    }),
    ("tokens_per_sec", |row| {
        Cell::Number(row.receipt().and_then(|r| r.claimed.tokens_per_sec))
    }),
    ("repetitions", |row| {
        Cell::Integer(row.receipt().map(|r| r.claimed.repetitions))
    }),
    ("created", |row| of_claim(row, |c| c.created.clone())),
    ("build", |row| of_claim(row, |c| c.build.clone())),
    ("checksum", |row| {
        Cell::Text(row.receipt().map(|r| r.checksum.to_string()))
    }),
    ("guest_sha256", |row| {
        Cell::Text(row.verdict.guest_sha256.map(|digest| digest.to_string()))
    }),
    ("rules", |row| {
        let rules = row.reasons().into_iter().map(|(rule, _)| rule);
        let rules: Vec<_> = rules.filter(|rule| !rule.is_empty()).collect();
        Cell::Text((!rules.is_empty()).then(|| rules.join(",")))
    }),
];

fn text(text: &str) -> Cell {
    Cell::Text(Some(text.to_owned()))
}

fn of_claim(row: &Row, field: fn(&ReadClaim) -> String) -> Cell {
    Cell::Text(row.receipt().map(|receipt| field(&receipt.claimed)))
}

/// A row as a JSON object.
pub fn object(row: &Row) -> Map<String, Value> {
    let fields = COLUMNS.iter().map(|(name, cell)| {
        let value = match cell(row) {
            Cell::Text(text) => text.into(),
            Cell::Integer(number) => number.into(),
            Cell::Number(number) => number.into(),
        };
        ((*name).to_owned(), value)
    });
    fields.collect()
}
