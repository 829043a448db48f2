//! A board as Markdown.

use host::plain::plain;

use super::{
    board::Board,
    tables::{Table, WORTH, ranked, unranked},
};
use crate::markdown;

/// The most bytes of a stranger's word in a cell.
const MOST: usize = 80;

/// The most bytes of a reason, which stands in the last column.
const MOST_OF_LAST: usize = 300;

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
        text += &table(ranked(group));
    }
    for (title, rows) in [
        ("Not proved, without a rank", &board.apart),
        ("Rejected", &board.rejected),
    ] {
        if !rows.is_empty() {
            text += &format!("\n## {title}\n\n{}", table(unranked(rows)));
        }
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

fn table<const N: usize>(Table { columns, rows }: Table<N>) -> String {
    let most = |i: usize| if i + 1 == N { MOST_OF_LAST } else { MOST };
    let cells = |row: &[String; N]| std::array::from_fn(|i| cell(&row[i], most(i)));
    let rows: Vec<[String; N]> = rows.iter().map(cells).collect();
    markdown::table(columns, &rows)
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
    use super::cell;

    #[test]
    fn a_strangers_text_stays_in_its_cell() {
        assert_eq!(cell("a|b\nc", 80), "a\\|b c");
        let link = cell("<b>[x](https://example.org)</b>", 80);
        assert_eq!(link, "&lt;b\\>\\[x\\](https://example.org)&lt;/b\\>");
    }
}
