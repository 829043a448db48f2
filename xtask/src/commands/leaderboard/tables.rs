//! The tables of a board as columns and cells, for Markdown and HTML. Cells quote strangers.

use host::plain::plain;

use super::{board::Group, row::Row};
use crate::{markdown::Align, units, verdicts::ReadReceipt};

/// What every board says about its figures.
pub const WORTH: &str = "The tokens of ranked receipts were replayed, bit for bit; those of other engines are \
                         consistent with a replay. \
                         The rates are their writers' claims: nobody can replay a clock.";

/// A table. A cell is as long as whoever wrote the receipt made it.
pub struct Table<const N: usize> {
    /// Title of each column, and where its text stands.
    pub columns: [(&'static str, Align); N],
    /// The cells of each row.
    pub rows: Vec<[String; N]>,
}

/// The receipts of a group.
pub fn ranked(group: &Group) -> Table<11> {
    let rows = group.rows.iter().filter_map(|row| {
        let receipt = row.receipt()?;
        let claimed = &receipt.claimed;
        Some([
            row.rank.map_or(String::new(), |rank| rank.to_string()),
            rate(claimed.decode_tokens_per_sec),
            rate(claimed.prefill_tokens_per_sec),
            claimed.threads.to_string(),
            runs_on(receipt),
            claimed.kv_type.clone(),
            receipt.prompt_tokens.to_string(),
            receipt.tokens.to_string(),
            row.replayed(),
            claimed.created.clone(),
            short(row),
        ])
    });
    Table {
        columns: [
            ("rank", Align::Right),
            ("decode tokens/s", Align::Right),
            ("prefill tokens/s", Align::Right),
            ("threads", Align::Right),
            ("kernels or engine", Align::Left),
            ("KV", Align::Left),
            ("prompt", Align::Right),
            ("tokens", Align::Right),
            ("replayed", Align::Left),
            ("made", Align::Left),
            ("receipt", Align::Left),
        ],
        rows: rows.collect(),
    }
}

/// Our kernels, or another engine.
fn runs_on(receipt: &ReadReceipt) -> String {
    match &receipt.engine {
        Some(engine) => plain(&engine.name, 120),
        None => receipt.claimed.isas.join("+"),
    }
}

/// Receipts without a rank, each with the reason.
pub fn unranked(rows: &[Row]) -> Table<5> {
    let rows = rows.iter().map(|row| {
        let receipt = row.receipt();
        [
            row.place.clone(),
            short(row),
            receipt.map_or(String::new(), |r| r.model.file_name.clone()),
            rate(receipt.and_then(|r| r.claimed.decode_tokens_per_sec)),
            why(row),
        ]
    });
    Table {
        columns: [
            ("file", Align::Left),
            ("receipt", Align::Left),
            ("model", Align::Left),
            ("claims decode tokens/s", Align::Right),
            ("why", Align::Left),
        ],
        rows: rows.collect(),
    }
}

/// Why a row has no rank: the first reason, and how many there are besides.
fn why(row: &Row) -> String {
    let reasons = row.reasons();
    let Some((rule, evidence)) = reasons.first() else {
        return String::new();
    };
    let first = match rule.is_empty() {
        true => (*evidence).to_owned(),
        false => format!("{rule}: {evidence}"),
    };
    let others: Vec<_> = reasons.iter().skip(1).map(|(rule, _)| *rule).collect();
    match others.is_empty() {
        true => first,
        false => format!("{first}; also {}", others.join(", ")),
    }
}

/// The beginning of the receipt's digest.
fn short(row: &Row) -> String {
    let digest = row.receipt().map(|r| r.receipt_sha256.to_string());
    digest.map_or(String::new(), |digest| digest[..16].to_owned())
}

/// A rate with a useful number of decimals.
fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "–".into(),
        Some(rate) if rate >= 1e9 => format!("{rate:.3e}"),
        Some(rate) => units::rates(&[rate]),
    }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_have_as_many_decimals_as_are_of_use() {
        let shown = [None, Some(1.234), Some(41.87), Some(12706.4), Some(1e12)].map(rate);
        assert_eq!(shown, ["–", "1.23", "41.9", "12706", "1.000e12"]);
    }
}
