//! Tables that people read in a terminal and paste into Markdown.

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table: the titles of its columns, and rows with as many cells. Columns are as wide as their
/// widest cell.
pub fn table<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let titles = columns.map(|(title, _)| title.to_owned());
    let width = |i: usize| {
        let cells = rows
            .iter()
            .chain([&titles])
            .map(|row| row[i].chars().count());
        cells.max().unwrap_or(0).max(3)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: &[String; N]| {
        let cell = |i: usize| match columns[i].1 {
            Align::Left => format!(" {:<1$} |", cells[i], widths[i]),
            Align::Right => format!(" {:>1$} |", cells[i], widths[i]),
        };
        format!("|{}\n", (0..N).map(cell).collect::<String>())
    };
    let rule = std::array::from_fn(|i| match columns[i].1 {
        Align::Left => "-".repeat(widths[i]),
        Align::Right => "-".repeat(widths[i] - 1) + ":",
    });
    let rows: String = rows.iter().map(line).collect();
    line(&titles) + &line(&rule) + &rows
}

#[cfg(test)]
mod tests {
    use super::{Align, table};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1.5"], ["bcde", "µ"]].map(|row| row.map(str::to_owned));
        let text = table([("name", Align::Left), ("n", Align::Right)], &rows);
        let expected = "\
            | name |   n |\n\
            | ---- | --: |\n\
            | a    | 1.5 |\n\
            | bcde |   µ |\n";
        assert_eq!(text, expected);
    }
}
