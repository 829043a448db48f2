//! What the challenger signs: an in-toto Statement v1 about the receipts of all rounds.

use serde::{Deserialize, Serialize};

use super::{messages::Commitment, terms::Terms, terms::TermsError};
use crate::{
    attest::{FieldError, STATEMENT_TYPE, Sha256, check_field},
    digest::Digest,
    files::{JsonError, read_json, read_json_value},
    task::Challenge,
};

/// The value of `predicateType`.
pub const CHALLENGE_PREDICATE_TYPE: &str = "https://bitreceipt.dev/challenge/v1";

/// The claim that a challenger makes, and the only one.
pub const CHALLENGE_CLAIM: &str = "Each nonce was new when I gave it; by my clock, the digests of its round were \
     here so many nanoseconds later, and then its receipt.";

/// The most rounds of a session.
pub const MAX_ROUNDS: usize = 64;

/// The bytes of a challenger's nonce.
const NONCE_BYTES: usize = 32;

/// A challenger's statement. The subjects are the receipts, `round-1` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeStatement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<RoundSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What the challenger saw.
    pub predicate: ChallengePredicate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundSubject {
    name: String,
    digest: Sha256,
}

/// What a challenger saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengePredicate {
    /// Always [`CHALLENGE_CLAIM`].
    pub claim: String,
    /// The task of every round, fixed before the first nonce.
    pub terms: Terms,
    /// When the session began, by the challenger's clock: RFC 3339, UTC.
    pub begun: String,
    /// The shortest round trip before the rounds, by the challenger's clock, nanoseconds.
    pub round_trip_ns: u64,
    /// Whether the challenger replayed every receipt and found it right.
    pub replayed: bool,
    /// All rounds of the session, in their order.
    pub rounds: Vec<RoundRecord>,
}

/// One round: a nonce and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// The nonce.
    pub nonce: Challenge,
    /// Nanoseconds from the nonce to the digests of the answer.
    pub answered_after_ns: u64,
    /// These digests.
    pub commitment: Commitment,
}

/// Why a payload is not a challenger's statement.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ChallengeStatementError {
    #[error("not a statement: {0}")]
    NotAStatement(#[from] JsonError),
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("terms: {0}")]
    Terms(#[from] TermsError),
    #[error("rounds: found {0}, allowed 1 to {MAX_ROUNDS}")]
    Rounds(usize),
    #[error("subject: found other ones than round-1 to round-{0}, one for each round")]
    Subjects(usize),
    #[error("round {0}: {1}")]
    Round(usize, &'static str),
    #[error("begun: is no time such as 2026-11-28T08:00:00Z")]
    Begun,
}

impl ChallengeStatement {
    /// A statement about receipts whose files have these digests, in the order of the rounds.
    pub(super) fn new(receipts: &[Digest], predicate: ChallengePredicate) -> Self {
        let subject = receipts
            .iter()
            .zip(1..)
            .map(|(&sha256, round)| RoundSubject {
                name: name(round),
                digest: Sha256 { sha256 },
            });
        Self {
            statement_type: STATEMENT_TYPE.into(),
            subject: subject.collect(),
            predicate_type: CHALLENGE_PREDICATE_TYPE.into(),
            predicate,
        }
    }

    /// Parses a payload whose signature has been verified.
    ///
    /// # Errors
    /// The payload is not an in-toto statement with this predicate and one subject for every round.
    pub fn parse(payload: &[u8]) -> Result<Self, ChallengeStatementError> {
        // The types first, because they determine which fields are allowed.
        let value = read_json_value(payload)?;
        check_field(&value, "_type", STATEMENT_TYPE)?;
        check_field(&value, "predicateType", CHALLENGE_PREDICATE_TYPE)?;
        let statement: Self = read_json(payload)?;
        check_field(&value["predicate"], "claim", CHALLENGE_CLAIM)?;
        statement.check()?;
        Ok(statement)
    }

    fn check(&self) -> Result<(), ChallengeStatementError> {
        let ChallengePredicate {
            terms,
            rounds,
            begun,
            ..
        } = &self.predicate;
        terms.check()?;
        let n = rounds.len();
        if !(1..=MAX_ROUNDS).contains(&n) {
            return Err(ChallengeStatementError::Rounds(n));
        }
        let names = self.subject.iter().map(|subject| &subject.name);
        if !names.eq(&(1..=n).map(name).collect::<Vec<_>>()) {
            return Err(ChallengeStatementError::Subjects(n));
        }
        for (i, round) in rounds.iter().enumerate() {
            let wrong = |why| Err(ChallengeStatementError::Round(i + 1, why));
            if round.answered_after_ns == 0 {
                return wrong("found an answer after 0 ns");
            }
            if round.nonce.bytes().len() != NONCE_BYTES {
                return wrong("allowed are nonces of 32 bytes");
            }
            if rounds[..i].iter().any(|other| other.nonce == round.nonce) {
                return wrong("found the nonce of another round");
            }
        }
        let time = humantime::parse_rfc3339(begun);
        time.map(drop).map_err(|_| ChallengeStatementError::Begun)
    }

    /// The payload to be signed: JSON without white space.
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement's keys are strings")
    }

    /// The place of the round whose receipt's file has this digest.
    pub fn place_of(&self, receipt_file: Digest) -> Option<usize> {
        let mut subjects = self.subject.iter();
        subjects.position(|subject| subject.digest.sha256 == receipt_file)
    }
}

fn name(round: usize) -> String {
    format!("round-{round}")
}
