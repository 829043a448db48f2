//! The live challenge: an upper bound on the time of a run, by a clock that its writer does not own.
//!
//! The challenger gives a nonce that nobody could know and looks at its clock. The prompt follows from the
//! nonce. The prover sends the digests of its answer as soon as the last token is chosen, and the challenger
//! looks at its clock again. The receipt follows and has to have these digests. So whoever answered took at
//! most that long for prefill and decode together, and the way there and back.
//!
//! [`Session`] is the challenger's side as a pure machine: it takes times and messages, and sends nothing.
//! [`ChallengeStatement`] is what the challenger signs.

mod answer;
mod bound;
mod messages;
mod ours;
mod session;
mod statement;
mod terms;
#[cfg(test)]
mod tests;

pub use answer::{check_round, check_terms, check_times};
pub use bound::Bound;
pub use messages::{Asked, Commitment, Hello, Opened, PROTOCOL, Told, tokens_digest};
pub use ours::is_challenge_statement;
pub use session::{Refusal, Session};
pub use statement::{
    CHALLENGE_CLAIM, CHALLENGE_PREDICATE_TYPE, ChallengePredicate, ChallengeStatement,
    ChallengeStatementError, MAX_ROUNDS, RoundRecord,
};
pub use terms::{LEAST_PROMPT_BITS, Terms, TermsError, check_prompt};
