//! Signed receipts: who says that a receipt is theirs.
//!
//! A [`Statement`] (in-toto v1) names receipt, model, binary and guest by their digests. An
//! [`Envelope`] (DSSE) carries it with one ed25519 signature; its file is the receipt's bundle.
//! A signature shows who said something, not that it is true: [`crate::verify`] finds that out.

mod dsse;
mod key;
mod key_file;
mod statement;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

pub use dsse::{Envelope, EnvelopeError, MAX_BUNDLE_BYTES, PAYLOAD_TYPE, SignatureError, pae};
pub use key::{KeyError, MAX_KEY_BYTES, PublicKey, SigningKey};
pub use key_file::{NewKey, NewKeyError, public_key_path};
pub use statement::{
    CLAIM, NotProved, PREDICATE_TYPE, Predicate, Role, STATEMENT_TYPE, Statement, StatementError,
    Subject,
};

/// Where the bundle of the receipt at `receipt` lies: its name with `.dsse.json` at the end.
pub fn bundle_path(receipt: &Path) -> PathBuf {
    with_suffix(receipt, ".dsse.json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
