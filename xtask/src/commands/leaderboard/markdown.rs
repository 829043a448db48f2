//! A board as Markdown.

use host::plain::plain;

use super::{
    board::{Board, Group},
    row::Row,
};
use crate::markdown::{Align, table};

/// What every board says about its figures.
pub const WORTH: &str = "The tokens of ranked receipts were replayed, bit for bit. \
                         The rates are their writers' claims: nobody can replay a clock.";

/// The most bytes of a stranger's word in a cell.
const MOST: usize = 80;

/// The whole board.
pub fn page(board: &Board) -> String {
    let mut text = format!("# Leaderboard\n\n{} {WORTH}\n", cell(&board.source, 1000));
    for group in &board.groups {
        text += &format!(
            "\n## {} on {}\n\nModel sha256 {}\n\n",
            cell(&group.model, MOST),
            cell(&group.cpu, MOST),
            group.model_sha256
        );
        text += &ranked(group);
    }
    if !board.apart.is_empty() {
        text += "\n## Not proved, without a rank\n\n";
        text += &unranked(&board.apart);
    }
    if !board.rejected.is_empty() {
        text += "\n## Rejected\n\n";
        text += &unranked(&board.rejected);
    }
    let notes: String = board
        .notes()
        .map(|note| format!("- {}\n", escaped(&note)))
        .collect();
    if !notes.is_empty() {
        text += &format!("\n## Notes\n\n{notes}");
    }
    text
}

fn ranked(group: &Group) -> String {
    let columns = [
        ("rank", Align::Right),
        ("decode tok/s", Align::Right),
        ("prefill tok/s", Align::Right),
        ("threads", Align::Right),
        ("kernels", Align::Left),
        ("KV", Align::Left),
        ("prompt", Align::Right),
        ("tokens", Align::Right),
        ("replayed", Align::Left),
        ("made", Align::Left),
        ("receipt", Align::Left),
    ];
    let rows = group.rows.iter().filter_map(|row| {
        let receipt = row.receipt()?;
        let claimed = &receipt.claimed;
        Some([
            row.rank.map_or(String::new(), |rank| rank.to_string()),
            rate(claimed.decode_tokens_per_sec),
            rate(Some(claimed.prefill_tokens_per_sec)),
            claimed.threads.to_string(),
            cell(&claimed.isas.join("+"), MOST),
            cell(&claimed.kv_type, MOST),
            receipt.prompt_tokens.to_string(),
            receipt.tokens.to_string(),
            row.replayed(),
            cell(&claimed.created, MOST),
            short(row),
        ])
    });
    table(columns, &rows.collect::<Vec<_>>())
}

fn unranked(rows: &[Row]) -> String {
    let columns = [
        ("file", Align::Left),
        ("receipt", Align::Left),
        ("model", Align::Left),
        ("claims decode tok/s", Align::Right),
        ("why", Align::Left),
    ];
    let rows = rows.iter().map(|row| {
        let receipt = row.receipt();
        [
            cell(&row.place, MOST),
            short(row),
            receipt.map_or(String::new(), |r| cell(&r.model.file_name, MOST)),
            rate(receipt.and_then(|r| r.claimed.decode_tokens_per_sec)),
            cell(&why(row), 300),
        ]
    });
    table(columns, &rows.collect::<Vec<_>>())
}

/// Why a row has no rank: the first reason, and how many there are besides.
pub fn why(row: &Row) -> String {
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
pub fn short(row: &Row) -> String {
    let digest = row.receipt().map(|r| r.receipt_sha256.to_string());
    digest.map_or(String::new(), |digest| digest[..16].to_owned())
}

/// A rate with a useful number of decimals.
pub fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "–".into(),
        Some(rate) if rate >= 1e9 => format!("{rate:.3e}"),
        Some(rate) if rate >= 1000.0 => format!("{rate:.0}"),
        Some(rate) if rate >= 10.0 => format!("{rate:.1}"),
        Some(rate) => format!("{rate:.2}"),
    }
}

/// A stranger's text on one line, with nothing that Markdown or HTML reads as more than text.
fn cell(text: &str, most: usize) -> String {
    escaped(&plain(text, most))
}

fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '>' => {
                shown.push('\\');
                shown.push(c);
            }
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{cell, rate};

    #[test]
    fn a_strangers_text_stays_in_its_cell() {
        assert_eq!(cell("a|b\nc", 80), "a\\|b c");
        let link = cell("<b>[x](https://example.org)</b>", 80);
        assert_eq!(link, "&lt;b\\>\\[x\\](https://example.org)&lt;/b\\>");
    }

    #[test]
    fn rates_have_as_many_decimals_as_are_of_use() {
        let shown = [None, Some(1.234), Some(41.87), Some(12706.4), Some(1e12)].map(rate);
        assert_eq!(shown, ["–", "1.23", "41.9", "12706", "1.000e12"]);
    }
}
