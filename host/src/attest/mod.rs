//! Signed receipts: who says that a receipt is theirs.
//!
//! A [`Statement`] (in-toto v1) names receipt, model, binary and guest by their digests. An
//! [`Envelope`] (DSSE) carries it with one ed25519 signature; its file is the receipt's bundle.
//! A signature shows who said something, not that it is true: [`crate::verify`] finds that out.

mod dsse;
mod key;
#[cfg(feature = "run")]
mod key_file;
mod paths;
mod statement;

pub use dsse::{Envelope, EnvelopeError, MAX_BUNDLE_BYTES, PAYLOAD_TYPE, SignatureError, pae};
pub use key::{KeyError, MAX_KEY_BYTES, PublicKey, SigningKey};
#[cfg(feature = "run")]
pub use key_file::{NewKey, NewKeyError};
pub use paths::{bundle_path, public_key_path};
pub use statement::{
    CLAIM, NotProved, PREDICATE_TYPE, Predicate, Role, STATEMENT_TYPE, Statement, StatementError,
    Subject,
};
