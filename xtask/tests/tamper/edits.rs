//! Every small edit of a JSON document: each leaf in several ways, each array, each object.

use serde_json::{Value, json};

/// What was done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, or a string of digits, one more; a float one unit in the last place more.
    Up,
    /// One less, where that is not 0.
    Down,
    /// Twice the number.
    Doubled,
    /// The number 0.
    Zero,
    /// A boolean negated.
    Negated,
    /// A string with a letter more.
    Longer,
    /// An empty string.
    Empty,
    /// A hexadecimal digest with its last digit changed.
    Digit,
    /// A number where there was null.
    FilledNumber,
    /// A string where there was null.
    FilledText,
    /// The first element of an array left out, or the last.
    Dropped,
    /// The last element of an array twice.
    Repeated,
    /// The first two elements of an array that differ, swapped with each other.
    Swapped,
    /// A field that is not in the schema.
    Added,
    /// A value of a type that no field has.
    Mistyped,
    /// Null.
    Nulled,
    /// The field left out.
    Removed,
}

/// One edit: the path with `*` for indices, what was done there, and the whole document after it.
#[derive(Debug)]
pub struct Edit {
    pub path: String,
    pub kind: Kind,
    pub document: Value,
}

/// Every edit of `document`.
pub fn all(document: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    visit(document, &mut Vec::new(), document, &mut edits);
    edits
}

fn visit(document: &Value, at: &mut Vec<String>, value: &Value, edits: &mut Vec<Edit>) {
    for (kind, changed) in changes(value) {
        let mut document = document.clone();
        *document.pointer_mut(&pointer(at)).unwrap() = changed;
        edits.push(Edit {
            path: pattern(at),
            kind,
            document,
        });
    }
    if let Some(document) = removed(document, at) {
        edits.push(Edit {
            path: pattern(at),
            kind: Kind::Removed,
            document,
        });
    }
    for (key, child) in children(value) {
        at.push(key);
        visit(document, at, child, edits);
        at.pop();
    }
}

fn children(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => {
            let indexed = items.iter().enumerate();
            indexed.map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => Vec::new(),
    }
}

fn pointer(at: &[String]) -> String {
    at.iter().map(|key| format!("/{key}")).collect()
}

fn pattern(at: &[String]) -> String {
    let is_index = |key: &str| key.bytes().all(|b| b.is_ascii_digit());
    let keys: Vec<&str> = at
        .iter()
        .map(|key| if is_index(key) { "*" } else { key })
        .collect();
    keys.join(".")
}

/// The document without the field at `at`; array elements are dropped elsewhere.
fn removed(document: &Value, at: &[String]) -> Option<Value> {
    let (key, parent) = at.split_last()?;
    let mut document = document.clone();
    let fields = document.pointer_mut(&pointer(parent))?.as_object_mut()?;
    fields.remove(key);
    Some(document)
}

fn changes(value: &Value) -> Vec<(Kind, Value)> {
    let mut changes = match value {
        Value::Null => vec![
            (Kind::FilledNumber, json!(0)),
            (Kind::FilledText, json!("x")),
        ],
        Value::Bool(b) => vec![(Kind::Negated, json!(!b))],
        Value::String(text) => string_changes(text),
        Value::Number(n) => match n.as_u64() {
            Some(n) => integer_changes(n),
            None => float_changes(n.as_f64().unwrap()),
        },
        Value::Array(items) => array_changes(items),
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("unexpected".into(), json!(1));
            vec![(Kind::Added, Value::Object(more))]
        }
    };
    if !value.is_null() {
        changes.push((Kind::Nulled, Value::Null));
    }
    changes.push((Kind::Mistyped, json!({ "a": [{}] })));
    changes
}

fn integer_changes(n: u64) -> Vec<(Kind, Value)> {
    let mut changes = vec![(Kind::Up, json!(n + 1))];
    if n > 1 {
        changes.push((Kind::Down, json!(n - 1)));
    }
    if n > 0 {
        changes.push((Kind::Doubled, json!(2 * n)));
        changes.push((Kind::Zero, json!(0)));
    }
    changes
}

fn float_changes(x: f64) -> Vec<(Kind, Value)> {
    vec![
        (Kind::Up, json!(x.next_up())),
        (Kind::Down, json!(x.next_down())),
        (Kind::Up, json!(x + 0.001)),
        (Kind::Doubled, json!(2.0 * x)),
        (Kind::Zero, json!(0.0)),
    ]
}

fn string_changes(text: &str) -> Vec<(Kind, Value)> {
    let mut changes = vec![(Kind::Longer, json!(format!("{text}x")))];
    if !text.is_empty() {
        changes.push((Kind::Empty, json!("")));
    }
    if let Ok(n) = text.parse::<u64>() {
        changes.push((Kind::Up, json!((n + 1).to_string())));
        changes.push((Kind::Down, json!(n.saturating_sub(1).to_string())));
    }
    if text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let other = if text.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{other}", &text[..text.len() - 1]);
        changes.push((Kind::Digit, json!(changed)));
    }
    changes
}

fn array_changes(items: &[Value]) -> Vec<(Kind, Value)> {
    let Some((last, but_last)) = items.split_last() else {
        return Vec::new();
    };
    let mut changes = vec![(Kind::Dropped, json!(but_last))];
    if items.len() > 1 {
        changes.push((Kind::Dropped, json!(items[1..])));
    }
    changes.push((
        Kind::Repeated,
        json!([items, std::slice::from_ref(last)].concat()),
    ));
    if let Some(other) = items.iter().position(|item| *item != items[0]) {
        let mut items = items.to_vec();
        items.swap(0, other);
        changes.push((Kind::Swapped, json!(items)));
    }
    changes
}
