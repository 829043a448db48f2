//! Parses TOML files that people write by hand.

use serde::de::DeserializeOwned;

/// Parses `text` as a `T`.
///
/// # Errors
/// The text is not TOML, or does not have the fields of `T`. The message is one line and says
/// where.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map_or(String::new(), |line| format!("line {line}: "));
        format!("{at}{}", e.message().replace('\n', " "))
    })
}
