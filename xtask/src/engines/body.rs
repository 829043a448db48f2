//! The body of a request, from the template of an adapter.

use serde_json::{Map, Value, json};

use super::engine::Request;

/// The template with values in place of its placeholders.
pub(super) fn body(template: &toml::Table, request: &Request) -> Value {
    let pairs = template
        .iter()
        .map(|(key, v)| (key.clone(), value(v, request)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// `asked` with the keys of `difference` in place of its own.
pub(super) fn merged(mut asked: Value, difference: &toml::Table, request: &Request) -> Value {
    if let (Some(asked), Value::Object(difference)) =
        (asked.as_object_mut(), body(difference, request))
    {
        asked.extend(difference);
    }
    asked
}

fn value(template: &toml::Value, request: &Request) -> Value {
    match template {
        toml::Value::String(text) => match text.as_str() {
            "{prompt}" => json!(request.prompt),
            "{n}" => json!(request.n),
            "{top_logits}" => json!(request.top_logits),
            other => json!(other),
        },
        toml::Value::Integer(n) => json!(n),
        toml::Value::Float(x) => json!(x),
        toml::Value::Boolean(b) => json!(b),
        toml::Value::Datetime(d) => json!(d.to_string()),
        toml::Value::Array(all) => all.iter().map(|v| value(v, request)).collect(),
        toml::Value::Table(inner) => body(inner, request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_values() {
        let template = r#"a = "{prompt}"
            b = { c = ["{n}", "x{n}", 1.5], d = true }
            e = "{top_logits}""#;
        let request = Request::tokens(&[3, 4], 7);
        let asked = body(&template.parse().unwrap(), &request);
        let expected = json!({"a": [3, 4], "b": {"c": [7, "x{n}", 1.5], "d": true}, "e": 0});
        assert_eq!(asked, expected);
        let difference = "e = \"{n}\"\nf = 1".parse().unwrap();
        let expected =
            json!({"a": [3, 4], "b": {"c": [7, "x{n}", 1.5], "d": true}, "e": 7, "f": 1});
        assert_eq!(merged(asked, &difference, &request), expected);
    }
}
