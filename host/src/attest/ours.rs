//! Recognises bundles that this program may have written.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::{
    dsse::{Envelope, MAX_BUNDLE_BYTES},
    statement::Statement,
};

/// Whether the content of a file is a bundle about a receipt, whoever signed it. It says which files
/// may be renamed, and nothing about what they claim.
pub fn is_bundle(bytes: &[u8]) -> bool {
    if bytes.len() as u64 > MAX_BUNDLE_BYTES || Envelope::parse(bytes).is_err() {
        return false;
    }
    let value = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let payload = value["payload"].as_str().map(Base64::decode_vec);
    payload.is_some_and(|payload| payload.is_ok_and(|bytes| Statement::parse(&bytes).is_ok()))
}
