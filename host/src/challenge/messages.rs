//! What challenger and prover tell each other.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{digest::Digest, task::Challenge};

/// The protocol and its version, by which a prover knows a challenger.
pub const PROTOCOL: &str = "bitreceipt-challenge/1";

const TOKENS_TAG: &[u8; 21] = b"bitreceipt/tokens/v1\0";

/// How a challenger introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Always [`PROTOCOL`].
    pub protocol: String,
    /// Rounds of a session.
    pub rounds: usize,
}

/// A session that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Names the session in every further request; nobody else can guess it.
    pub session: String,
    /// Rounds of the session.
    pub rounds: usize,
}

/// A round that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Number of the round, from 1.
    pub round: usize,
    /// The nonce.
    pub nonce: Challenge,
}

/// What the prover is bound to: the digests of an answer, before anybody sees the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Checksum of the transcript, as receipts have it.
    pub transcript_checksum: Digest,
    /// [`tokens_digest`] of the generated tokens.
    pub tokens_sha256: Digest,
}

/// What the challenger's clock showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Nanoseconds from the nonce to the commitment.
    pub answered_after_ns: u64,
}

/// SHA-256 of generated tokens: of a tag, and each id as 4 bytes, little-endian.
pub fn tokens_digest(tokens: &[u32]) -> Digest {
    let mut hash = Sha256::new_with_prefix(TOKENS_TAG);
    tokens.iter().for_each(|id| hash.update(id.to_le_bytes()));
    Digest(hash.finalize().into())
}

impl Commitment {
    /// To a run's transcript and tokens.
    pub fn to(transcript_checksum: Digest, tokens: &[u32]) -> Self {
        Self {
            transcript_checksum,
            tokens_sha256: tokens_digest(tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_digest_is_that_of_the_definition() {
        let bytes = b"bitreceipt/tokens/v1\0\x07\0\0\0\x00\x01\0\0";
        assert_eq!(tokens_digest(&[7, 256]), Digest::of(bytes));
        assert_ne!(tokens_digest(&[256, 7]), tokens_digest(&[7, 256]));
        assert_ne!(tokens_digest(&[]), Digest::of(b""));
    }
}
