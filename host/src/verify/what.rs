//! Recognises other files that a user may name instead of a receipt by mistake.

use std::fmt;

use serde_json::Value;

use crate::attest::{PAYLOAD_TYPE, STATEMENT_TYPE};

/// A kind of file that is not a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    Model,
    Key,
    Bundle,
    Statement,
    Transcript,
    Verdict,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Model => {
                "a GGUF model, not a receipt; name the receipt, and add the model with --model"
            }
            Self::Key => "a key, not a receipt; name it with --public-key",
            Self::Bundle => {
                "a bundle, the signature of a receipt; verify the receipt beside it and add --bundle"
            }
            Self::Statement => "an in-toto statement, not a receipt",
            Self::Transcript => "a transcript of another engine; judge it with the command replay",
            Self::Verdict => "a verdict on a receipt, not a receipt",
        })
    }
}

/// Recognises files that are not JSON.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<What> {
    let starts = |start: &str| bytes.starts_with(start.as_bytes());
    if starts("GGUF") {
        return Some(What::Model);
    }
    (starts("-----BEGIN ") || starts("ssh-")).then_some(What::Key)
}

/// Recognises JSON documents that are not receipts.
pub(super) fn of_json(value: &Value) -> Option<What> {
    let has = |fields: &[&str]| fields.iter().all(|field| value.get(field).is_some());
    if value.get("payloadType").is_some_and(|t| t == PAYLOAD_TYPE) {
        Some(What::Bundle)
    } else if value.get("_type").is_some_and(|t| t == STATEMENT_TYPE) {
        Some(What::Statement)
    } else if has(&["conclusion", "rules"]) {
        Some(What::Verdict)
    } else if has(&["version", "prompt_ids", "tokens"]) {
        Some(What::Transcript)
    } else {
        None
    }
}
