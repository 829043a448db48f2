//! A board as one HTML file, which fetches nothing.

use host::plain::plain;

use super::{
    board::{Board, Group},
    markdown::{WORTH, rate, short, why},
    row::Row,
};

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Leaderboard</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8888; padding: .3rem .6rem; text-align: left; }
.number { text-align: right; }
code { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Leaderboard</h1>
"#;

/// The whole board.
pub fn page(board: &Board) -> String {
    let mut text = HEAD.to_owned();
    text += &format!("<p>{} {}</p>\n", shown(&board.source), shown(WORTH));
    for group in &board.groups {
        text += &format!(
            "<h2>{} on {}</h2>\n<p>Model sha256 <code>{}</code></p>\n",
            shown(&group.model),
            shown(&group.cpu),
            group.model_sha256
        );
        text += &ranked(group);
    }
    for (title, rows) in [
        ("Not proved, without a rank", &board.apart),
        ("Rejected", &board.rejected),
    ] {
        if !rows.is_empty() {
            text += &format!("<h2>{title}</h2>\n{}", unranked(rows));
        }
    }
    let notes: String = board
        .notes()
        .map(|note| format!("<li>{}</li>\n", shown(&note)))
        .collect();
    if !notes.is_empty() {
        text += &format!("<h2>Notes</h2>\n<ul>\n{notes}</ul>\n");
    }
    text + "</body>\n</html>\n"
}

fn ranked(group: &Group) -> String {
    let columns = [
        ("rank", true),
        ("decode tokens/s", true),
        ("prefill tokens/s", true),
        ("threads", true),
        ("kernels", false),
        ("KV", false),
        ("prompt", true),
        ("tokens", true),
        ("replayed", false),
        ("made", false),
        ("receipt", false),
    ];
    let rows = group.rows.iter().filter_map(|row| {
        let receipt = row.receipt()?;
        let claimed = &receipt.claimed;
        Some([
            row.rank.map_or(String::new(), |rank| rank.to_string()),
            rate(claimed.decode_tokens_per_sec),
            rate(Some(claimed.prefill_tokens_per_sec)),
            claimed.threads.to_string(),
            claimed.isas.join("+"),
            claimed.kv_type.clone(),
            receipt.prompt_tokens.to_string(),
            receipt.tokens.to_string(),
            row.replayed(),
            claimed.created.clone(),
            short(row),
        ])
    });
    table(columns, rows)
}

fn unranked(rows: &[Row]) -> String {
    let columns = [
        ("file", false),
        ("receipt", false),
        ("model", false),
        ("claims decode tokens/s", true),
        ("why", false),
    ];
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
    table(columns, rows)
}

/// A table; columns of numbers stand to the right.
fn table<const N: usize>(
    columns: [(&str, bool); N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let class = |is_number: bool| match is_number {
        true => " class=\"number\"",
        false => "",
    };
    let mut text = "<div class=\"table\"><table>\n<thead><tr>".to_owned();
    for (title, is_number) in columns {
        text += &format!("<th scope=\"col\"{}>{title}</th>", class(is_number));
    }
    text += "</tr></thead>\n<tbody>\n";
    for row in rows {
        text += "<tr>";
        for (cell, (_, is_number)) in row.iter().zip(columns) {
            text += &format!("<td{}>{}</td>", class(is_number), shown(cell));
        }
        text += "</tr>\n";
    }
    text + "</tbody>\n</table></div>\n"
}

/// A stranger's text as nothing but text.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in plain(text, 1000).chars() {
        match c {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '"' => shown += "&quot;",
            '\'' => shown += "&#39;",
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_strangers_text_is_no_markup() {
        let shown = shown("<script>alert('a\"&b')</script>");
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&#39;a&quot;&amp;b&#39;)&lt;/script&gt;"
        );
    }
}
