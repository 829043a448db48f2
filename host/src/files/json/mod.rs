//! The one reader of strangers' JSON: bounded in memory, and what has fields is an object.
//!
//! The parsers that serde derives also take an array in a struct's place, with the fields in their
//! order. Nobody who reads such a document by its names would see what is in it, so it is refused.

mod extent;
mod form;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use extent::Extent;
pub use form::{objects_are_objects, same_form};

/// The most values, and the most object members, that are parsed: they need at most 200 MB.
const MAX_EXTENT: Extent = Extent {
    values: 1 << 20,
    members: 1 << 16,
};

/// Why bytes are not the JSON document that they should be.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum JsonError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(
        "found {values} values with {members} members of objects, allowed at most {} with {}",
        MAX_EXTENT.values, MAX_EXTENT.members
    )]
    TooMuch { values: u64, members: u64 },
    #[error("{0}")]
    Form(String),
}

/// Parses any JSON document of bounded extent.
///
/// # Errors
/// The bytes are not JSON, or have too many values.
pub fn read_json_value(bytes: &[u8]) -> Result<Value, JsonError> {
    let Extent { values, members } = Extent::of(bytes)?;
    if values > MAX_EXTENT.values || members > MAX_EXTENT.members {
        return Err(JsonError::TooMuch { values, members });
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Parses the JSON document `bytes` as a `T`.
///
/// # Errors
/// The bytes are not JSON, have too many values, or do not have the fields of `T`, by their names.
pub fn read_json<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, JsonError> {
    let found = read_json_value(bytes)?;
    // From the bytes, because `found` does not show duplicate keys.
    let parsed: T = serde_json::from_slice(bytes)?;
    let written = serde_json::to_value(&parsed)?;
    objects_are_objects(&written, &found).map_err(JsonError::Form)?;
    Ok(parsed)
}
