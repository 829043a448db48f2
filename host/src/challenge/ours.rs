//! Recognises statements that a challenger may have signed.

use super::statement::ChallengeStatement;
use crate::attest::unverified_payload;

/// Whether the content of a file is a challenger's statement, whoever signed it. It says which files may be
/// replaced, and nothing about what they claim.
pub fn is_challenge_statement(bytes: &[u8]) -> bool {
    unverified_payload(bytes).is_some_and(|payload| ChallengeStatement::parse(&payload).is_ok())
}
