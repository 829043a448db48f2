//! Signed receipts.
//!
//! A [`Statement`] (in-toto v1) names receipt, model, binary and guest by their digests. An
//! [`Envelope`] (DSSE) holds the statement and one ed25519 signature; its file is the receipt's
//! bundle. A signature shows who makes a claim, not that it is true: [`crate::verify`] checks that.

mod dsse;
mod in_toto;
mod key;
#[cfg(feature = "run")]
mod key_file;
mod ours;
mod paths;
mod statement;

pub use dsse::{Envelope, EnvelopeError, MAX_BUNDLE_BYTES, PAYLOAD_TYPE, SignatureError, pae};
pub(crate) use in_toto::check_field;
pub use in_toto::{FieldError, STATEMENT_TYPE, Sha256};
pub use key::{KeyError, MAX_KEY_BYTES, PublicKey, SigningKey};
#[cfg(feature = "run")]
pub use key_file::{NewKey, NewKeyError};
pub use ours::is_bundle;
pub(crate) use ours::unverified_payload;
pub use paths::{BUNDLE_SUFFIX, CHALLENGED_SUFFIX, bundle_path, challenged_path, public_key_path};
pub use statement::{
    CLAIM, NotProved, PREDICATE_TYPE, Predicate, Role, Statement, StatementError, Subject,
};
