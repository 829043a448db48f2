//! SQL that SQLite, PostgreSQL and DuckDB read.

use super::value::{Record, Value, flat};

/// Statements that make the table if it is not there, and insert the rows. Lists have no column.
pub fn sql(table: &str, records: &[Record]) -> String {
    let Some(first) = records.first() else {
        return String::new();
    };
    let names: Vec<String> = flat(first).map(|(name, _)| quoted(name)).collect();
    let columns: Vec<String> = flat(first)
        .map(|(name, _)| format!("  {} {}", quoted(name), type_of(name, records)))
        .collect();
    let table = quoted(table);
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n{}\n);\n",
        columns.join(",\n")
    );
    let insert = |record: &Record| {
        let values: Vec<String> = flat(record).map(|(_, value)| literal(value)).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        format!("INSERT INTO {table} ({names}) VALUES ({values});\n")
    };
    create + &records.iter().map(insert).collect::<String>()
}

/// The type of a column, by the first value in it that is known.
fn type_of(name: &str, records: &[Record]) -> &'static str {
    let values = records
        .iter()
        .flatten()
        .filter(|(column, _)| *column == name);
    let known = values
        .map(|(_, value)| value)
        .find(|v| **v != Value::Nothing);
    match known {
        Some(Value::Integer(_) | Value::Flag(_)) => "INTEGER",
        Some(Value::Real(_)) => "REAL",
        _ => "TEXT",
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Integer(n) => n.to_string(),
        Value::Real(x) if x.is_finite() => format!("{x:?}"),
        Value::Flag(yes) => u8::from(*yes).to_string(),
        Value::Real(_) | Value::Integers(_) | Value::Reals(_) | Value::Nothing => "NULL".into(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
