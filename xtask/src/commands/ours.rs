//! Which files `benchmark` may rename: those that are what it writes itself.

use std::path::Path;

use host::{
    attest::{MAX_BUNDLE_BYTES, is_bundle},
    challenge::is_challenge_statement,
    files::read_bounded,
    receipt::MAX_RECEIPT_BYTES,
    verify::Checked,
};

use crate::hints::is_receipt;

/// Whether the file at `path` is a receipt, of any version.
pub fn is_our_receipt(path: &Path) -> bool {
    // What else has a version is left alone.
    is_receipt(path)
        && read_bounded(path, MAX_RECEIPT_BYTES).is_ok_and(|bytes| Checked::read(&bytes).is_ok())
}

/// Whether the file at `path` is the bundle of a receipt.
pub fn is_our_bundle(path: &Path) -> bool {
    is_bundle(&read_bounded(path, MAX_BUNDLE_BYTES).unwrap_or_default())
}

/// Whether the file at `path` is a challenger's statement.
pub fn is_our_statement(path: &Path) -> bool {
    is_challenge_statement(&read_bounded(path, MAX_BUNDLE_BYTES).unwrap_or_default())
}
