//! TOML that somebody wrote by hand.

use serde::de::DeserializeOwned;

/// What `text` says, or in one line where and why it does not say that.
///
/// # Errors
/// It is no TOML, or not of this form.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map_or(String::new(), |line| format!("line {line}: "));
        format!("{at}{}", e.message().replace('\n', " "))
    })
}
