//! A board as one HTML file, which fetches nothing.

use host::plain::plain;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    board::Board,
    tables::{Table, WORTH, ranked, unranked},
};
use crate::markdown::Align;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8888; padding: .3rem .6rem; text-align: left; }
.number { text-align: right; }
code { overflow-wrap: anywhere; }
";

/// The whole board.
pub fn page(board: &Board) -> String {
    let notes: Vec<String> = board.notes().collect();
    let apart = [
        ("Not proved, without a rank", &board.apart),
        ("Rejected", &board.rejected),
    ];
    let page = html! {
        (DOCTYPE) (PreEscaped("\n"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Leaderboard" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Leaderboard" }
                p { (shown(&board.source)) " " (WORTH) }
                @for group in &board.groups {
                    h2 { (shown(&group.model)) " on " (shown(&group.cpu)) }
                    p { "Model sha256 " code { (group.model_sha256) } }
                    (table(&ranked(group)))
                }
                @for (title, rows) in apart {
                    @if !rows.is_empty() {
                        h2 { (title) }
                        (table(&unranked(rows)))
                    }
                }
                @if !notes.is_empty() {
                    h2 { "Notes" }
                    ul { @for note in &notes { li { (shown(note)) } } }
                }
            }
        }
    };
    page.into_string() + "\n"
}

/// A table; columns of numbers stand to the right.
fn table<const N: usize>(table: &Table<N>) -> Markup {
    let class = |i: usize| (table.columns[i].1 == Align::Right).then_some("number");
    html! {
        div.table {
            table {
                thead {
                    tr {
                        @for (i, (title, _)) in table.columns.iter().enumerate() {
                            th scope="col" class=[class(i)] { (title) }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                td class=[class(i)] { (shown(cell)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A stranger's text without characters that could mislead a reader; `maud` makes it text and no markup.
fn shown(text: &str) -> String {
    plain(text, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_no_markup() {
        let hostile = "<script>alert('a\"&b')</script>\u{202e}";
        let text = "&lt;script&gt;alert('a&quot;&amp;b')&lt;/script&gt;\u{fffd}";
        let cell = html! { td title=(shown(hostile)) { (shown(hostile)) } };
        assert_eq!(
            cell.into_string(),
            format!("<td title=\"{text}\">{text}</td>")
        );
    }
}
