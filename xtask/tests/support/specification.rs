//! The table of fields in `ci/RECEIPT.md`.
#![allow(dead_code, reason = "each test uses a part")]

/// A row of it.
#[derive(Debug)]
pub struct Field {
    /// Keys, separated by dots; elements of arrays have none.
    pub path: String,
    pub type_name: String,
    pub rules: Vec<String>,
    /// Whether two deterministic runs may have different values.
    pub may_differ: bool,
}

/// The document.
pub const TEXT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/RECEIPT.md"));

/// Every row, in the document's order.
pub fn fields() -> Vec<Field> {
    let rows = TEXT.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    // The table of rules has two columns.
    let rows = rows.filter(|cells: &Vec<&str>| cells.len() == 7);
    rows.map(|cells| Field {
        path: quoted(cells[0])[0].clone(),
        type_name: cells[1].to_owned(),
        rules: quoted(cells[4]),
        may_differ: match cells[6] {
            "same" => false,
            "differ" => true,
            other => panic!("{}: {other}", cells[0]),
        },
    })
    .collect()
}

/// The ids in the first column of the table of rules.
pub fn rule_ids() -> Vec<String> {
    let rows = TEXT.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.filter(|line| line.matches('|').count() == 3);
    rows.flat_map(|line| quoted(line.split('|').nth(1).unwrap()))
        .collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}
