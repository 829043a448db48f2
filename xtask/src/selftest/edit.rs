//! Edits of JSON with pointers (RFC 6901).

use serde_json::Value;

/// The error for a pointer that names no value.
pub(super) fn missing(pointer: &str) -> String {
    format!("the receipt has no {pointer}")
}

/// Sets the value at `pointer`, whose last key may be new.
pub(super) fn put(receipt: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    if let Some(place) = receipt.pointer_mut(pointer) {
        *place = value;
        return Ok(());
    }
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
    let parent = receipt.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.ok_or_else(|| missing(pointer))?;
    parent.insert(key.to_owned(), value);
    Ok(())
}

/// Removes the value at `pointer`.
pub(super) fn take(receipt: &mut Value, pointer: &str) -> Result<(), String> {
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
    let parent = receipt.pointer_mut(parent).and_then(Value::as_object_mut);
    let taken = parent.and_then(|parent| parent.remove(key));
    taken.map(drop).ok_or_else(|| missing(pointer))
}
