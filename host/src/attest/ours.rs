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
    unverified_payload(bytes).is_some_and(|payload| Statement::parse(&payload).is_ok())
}

/// What an envelope carries, whoever signed it: good only for telling kinds of files apart.
pub(crate) fn unverified_payload(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() as u64 > MAX_BUNDLE_BYTES || Envelope::parse(bytes).is_err() {
        return None;
    }
    let value = serde_json::from_slice::<Value>(bytes).ok()?;
    Base64::decode_vec(value["payload"].as_str()?).ok()
}
