//! The canonical form of a receipt (RFC 8785), and its digest.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Receipt;
use crate::digest::Digest;

/// SHA-256 of the canonical form of the JSON object `receipt` without its field `receipt_sha256`.
/// `None` if it is not an object, or holds a number that RFC 8785 cannot represent.
pub fn receipt_sha256(receipt: &Value) -> Option<Digest> {
    let fields = receipt.as_object()?.iter();
    // By reference: a receipt may be large.
    let rest: BTreeMap<_, _> = fields.filter(|(key, _)| *key != "receipt_sha256").collect();
    let canonical = serde_json_canonicalizer::to_vec(&rest).ok()?;
    Some(Digest::of(&canonical))
}

/// Sets `receipt_sha256` of a JSON object to the digest of its other fields, as a forger can, too.
/// Does nothing if [`receipt_sha256`] returns `None`.
pub fn seal(receipt: &mut Value) {
    if let Some(digest) = receipt_sha256(receipt)
        && let Some(fields) = receipt.as_object_mut()
    {
        fields.insert("receipt_sha256".into(), digest.to_string().into());
    }
}

/// The text of the receipt's file: indented JSON with a final line break.
pub fn to_json(receipt: &Receipt) -> String {
    let mut text = serde_json::to_string_pretty(receipt).expect("a receipt's keys are strings");
    text.push('\n');
    text
}

impl Receipt {
    /// Sets `receipt_sha256` to the digest of the other fields.
    pub fn seal(&mut self) {
        let value = serde_json::to_value(&*self).expect("a receipt's keys are strings");
        self.receipt_sha256 = receipt_sha256(&value).expect("a receipt's numbers are finite");
    }
}
