//! Rows as text that other programs read: CSV, JSON, JSON lines, SQL.

mod csv;
mod json;
mod sql;
mod value;

pub use csv::csv;
pub use json::{json, json_lines};
pub use sql::sql;
pub use value::{Record, Value};

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let record = |text: &str, n: Value| {
            vec![
                ("name", Value::Text(text.into())),
                ("n", n),
                ("rate", Value::Real(2.5)),
                ("ok", Value::Flag(true)),
                ("samples", Value::Integers(vec![1, 2])),
            ]
        };
        vec![
            record("a, \"b\"", Value::Nothing),
            record("it's", Value::Integer(7)),
        ]
    }

    #[test]
    fn text_is_quoted_as_each_format_does() {
        let expected = "name,n,rate,ok\n\"a, \"\"b\"\"\",,2.5,true\nit's,7,2.5,true\n";
        assert_eq!(csv(&records()), expected);
        let lines = json_lines(&records());
        let first = r#"{"name":"a, \"b\"","n":null,"rate":2.5,"ok":true,"samples":[1,2]}"#;
        assert_eq!(lines.lines().next(), Some(first));
        assert_eq!(lines.lines().count(), 2);
        let expected = "CREATE TABLE IF NOT EXISTS \"t\" (\n  \"name\" TEXT,\n  \"n\" INTEGER,\n  \
                        \"rate\" REAL,\n  \"ok\" INTEGER\n);\n\
                        INSERT INTO \"t\" (\"name\", \"n\", \"rate\", \"ok\") VALUES \
                        ('a, \"b\"', NULL, 2.5, 1);\n\
                        INSERT INTO \"t\" (\"name\", \"n\", \"rate\", \"ok\") VALUES \
                        ('it''s', 7, 2.5, 1);\n";
        assert_eq!(sql("t", &records()), expected);
    }

    #[test]
    fn no_rows_are_an_empty_answer() {
        assert_eq!(
            (csv(&[]), json_lines(&[]), sql("t", &[])),
            Default::default()
        );
        assert_eq!(json(&[]), "[]\n");
    }

    /// JSON and SQL have no such numbers.
    #[test]
    fn what_is_not_finite_is_nothing() {
        let record = vec![
            ("x", Value::Real(f64::NAN)),
            ("y", Value::Real(f64::INFINITY)),
        ];
        assert_eq!(
            json_lines(std::slice::from_ref(&record)),
            "{\"x\":null,\"y\":null}\n"
        );
        assert!(sql("t", &[record]).contains("(NULL, NULL)"));
    }
}
