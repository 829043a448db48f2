//! JSON: an array of objects, or an object a line.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::value::{Record, Value};

/// An object whose keys stand in the order of the columns.
struct Object<'r>(&'r Record);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(n) => serializer.serialize_u64(*n),
            Self::Real(x) => serializer.serialize_f64(*x),
            Self::Flag(yes) => serializer.serialize_bool(*yes),
            Self::Integers(list) => list.serialize(serializer),
            Self::Reals(list) => list.serialize(serializer),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

/// An array of the rows.
pub fn json(records: &[Record]) -> String {
    let objects: Vec<_> = records.iter().map(Object).collect();
    serde_json::to_string_pretty(&objects).expect("keys are strings") + "\n"
}

/// A line for each row.
pub fn json_lines(records: &[Record]) -> String {
    let line = |record| serde_json::to_string(&Object(record)).expect("keys are strings") + "\n";
    records.iter().map(line).collect()
}
