//! Comma-separated values, as RFC 4180 has them.

use super::value::{Record, Value, flat};

/// A line with the names of the columns, and one for each row. Lists have no column.
pub fn csv(records: &[Record]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = records.first().into_iter().map(|first| {
        let names = flat(first).map(|(name, _)| (*name).to_owned());
        names.collect::<Vec<String>>()
    });
    let rows = records
        .iter()
        .map(|record| flat(record).map(|(_, value)| cell(value)).collect());
    for row in names.chain(rows) {
        // Into memory, with as many cells in each row.
        writer.write_record(row).expect("rows of one table");
    }
    let bytes = writer.into_inner().expect("a buffer in memory");
    String::from_utf8(bytes).expect("cells are text")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) => n.to_string(),
        Value::Real(x) => x.to_string(),
        Value::Flag(yes) => yes.to_string(),
        Value::Integers(_) | Value::Reals(_) | Value::Nothing => String::new(),
    }
}
