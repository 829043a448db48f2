//! Compares the form of a document with the form in which what was read from it is written.

use serde_json::Value;

/// Checks that `found` has the form of `written`: every field, also those that are null, no other
/// one, and each in its place. A parser alone is more lenient.
///
/// # Errors
/// The first difference.
pub fn same_form(written: &Value, found: &Value) -> Result<(), String> {
    if let (Value::Object(written), Value::Object(found)) = (written, found) {
        if let Some(key) = found.keys().find(|key| !written.contains_key(*key)) {
            return Err(format!("unknown field `{key}`"));
        }
        if let Some(key) = written.keys().find(|key| !found.contains_key(*key)) {
            return Err(format!("missing field `{key}`"));
        }
    }
    each_pair(written, found, same_form)?;
    match kind(written) == kind(found) {
        true => Ok(()),
        false => Err(format!("found {}, allowed {}", kind(found), kind(written))),
    }
}

/// Checks that `found` has an object wherever `written` has one, which may leave fields out, and lists of
/// the same length.
///
/// # Errors
/// The first difference.
pub fn objects_are_objects(written: &Value, found: &Value) -> Result<(), String> {
    if written.is_object() && !found.is_object() {
        return Err(format!(
            "found {}, allowed an object with named fields",
            kind(found)
        ));
    }
    if let (Value::Array(written), Value::Array(found)) = (written, found)
        && written.len() != found.len()
    {
        let (found, allowed) = (found.len(), written.len());
        return Err(format!("found {found} elements, allowed {allowed}"));
    }
    each_pair(written, found, objects_are_objects)
}

/// Applies `check` to the values that are in both documents at the same place.
fn each_pair(
    written: &Value,
    found: &Value,
    check: fn(&Value, &Value) -> Result<(), String>,
) -> Result<(), String> {
    match (written, found) {
        (Value::Object(written), Value::Object(found)) => {
            let mut pairs = written
                .iter()
                .filter_map(|(key, w)| Some((w, found.get(key)?)));
            pairs.try_for_each(|(written, found)| check(written, found))
        }
        (Value::Array(written), Value::Array(found)) => {
            let mut pairs = written.iter().zip(found);
            pairs.try_for_each(|(written, found)| check(written, found))
        }
        _ => Ok(()),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_form_has_every_field_in_its_place() {
        let written = json!({ "a": [{ "b": 1 }, { "b": 2 }], "c": null });
        assert_eq!(same_form(&written, &written), Ok(()));
        for (found, why) in [
            (
                json!({ "a": [{ "b": 1 }, { "b": 2 }] }),
                "missing field `c`",
            ),
            (
                json!({ "a": [{ "b": 1 }, [2]], "c": null }),
                "found an array, allowed an object",
            ),
            (json!({ "a": [], "c": null, "d": 1 }), "unknown field `d`"),
            (json!([[], null]), "found an array, allowed an object"),
        ] {
            assert_eq!(same_form(&written, &found), Err(why.into()));
        }
    }

    #[test]
    fn fields_may_be_left_out_but_have_names() {
        let written = json!({ "a": [{ "b": 1 }], "c": null });
        assert_eq!(objects_are_objects(&written, &json!({ "a": [{}] })), Ok(()));
        for found in [
            json!([[{ "b": 1 }], null]),
            json!({ "a": [[1]] }),
            json!({ "a": [{}, {}] }),
        ] {
            assert!(objects_are_objects(&written, &found).is_err(), "{found}");
        }
    }
}
