//! Edits of JSON by pointers.

use serde_json::Value;

/// Says that there is no such place.
pub(super) fn missing(pointer: &str) -> String {
    format!("the receipt has no {pointer}")
}

/// Puts a value in its place, which its parent may not have yet.
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

/// Takes away what is in a place.
pub(super) fn take(receipt: &mut Value, pointer: &str) -> Result<(), String> {
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| missing(pointer))?;
    let parent = receipt.pointer_mut(parent).and_then(Value::as_object_mut);
    let taken = parent.and_then(|parent| parent.remove(key));
    taken.map(drop).ok_or_else(|| missing(pointer))
}
